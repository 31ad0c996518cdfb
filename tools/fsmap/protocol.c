/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol.h"

const char *fsmap_state_word(enum fsmap_state state)
{
	static const char *const words[FSMAP_STATES] = {
		[FSMAP_CLEAN] = "clean",
		[FSMAP_DIRTY] = "dirty",
		[FSMAP_SUSPENDED] = "suspended",
		[FSMAP_UNKNOWN] = "unknown",
		[FSMAP_DAMAGED] = "damaged",
		[FSMAP_AMBIGUOUS] = "ambiguous",
		[FSMAP_OVERLAP] = "overlap",
		[FSMAP_TRUNCATED] = "truncated",
		[FSMAP_CONTAINER] = "container",
	};

	return words[state];
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "copying.h"

const char *const copying_reflink_modes[] = {
	[VHD_REFLINK_AUTO] = "auto",
	[VHD_REFLINK_ALWAYS] = "always",
	[VHD_REFLINK_NEVER] = "never",
	[3] = NULL,
};

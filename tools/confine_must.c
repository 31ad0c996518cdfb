/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "confine.h"
#include "diag.h"

void confine_must(int err)
{
	if (!confine_is_short(err))
		return;
	diag_error(NULL, "cannot give up rights: %s", strerror(err));
	exit(TOOL_FAILED);
}

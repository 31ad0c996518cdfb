/* SPDX-License-Identifier: BSD-2-Clause */
#include "explain.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

static bool told(const struct vhd_diag *diag)
{
	return diag->error && diag->text[0];
}

void vub_explain(char error[VUB_ERROR_SIZE], const char *path, int rc,
		 const struct vhd_diag *diag)
{
	char place[40] = "";

	if (told(diag) && diag->offset != VHD_NO_OFFSET)
		snprintf(place, sizeof(place), " (byte %" PRIu64 ")",
			 diag->offset);
	snprintf(error, VUB_ERROR_SIZE, "%s: %s%s%s%s",
		 diag->path[0] ? diag->path : path,
		 told(diag) ? diag->text : vhd_strerror(rc), place,
		 diag->hint ? "; " : "", diag->hint ? diag->hint : "");
}

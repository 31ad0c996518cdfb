/* SPDX-License-Identifier: BSD-2-Clause */
/* What the machine is to boot from, as its command line and its firmware say.
 */
#ifndef LINUX_SETTINGS_H
#define LINUX_SETTINGS_H

#include "rootname.h"

enum attach_mode {
	ATTACH_AUTO,
	ATTACH_LOOP,
	ATTACH_NBD,
	ATTACH_UBLK,
	ATTACH_DM,
};

/* Their names in that order, NULL behind the last. */
extern const char *const attach_mode_names[];

struct settings {
	struct root_name root;
	enum attach_mode mode;
	char overlay[sizeof(((struct root_name *)0)->path)]; /* or "" */
	char flags[512];
	unsigned timeout; /* seconds to wait for the volume */
};

/*
 * Reads /proc/cmdline, then the EFI variable. Returns an enum tool_exit:
 * TOOL_NO if neither names an image, TOOL_FAILED with the reason printed.
 */
int settings_read(struct settings *out);

/* The same from a command line; TOOL_NO if it has no vhdroot=. */
int settings_from_line(const char *line, struct settings *out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What all ways of boot-install are told, and what they have in common. */
#ifndef TOOLS_BOOTINSTALL_H
#define TOOLS_BOOTINSTALL_H

#include "bootcheck.h"

/* Texts belong to the command line, or to whoever fills this. */
struct boot_install {
	const char *image; /* as it was named */
	const char *name;  /* of the entry: letters, digits, - . _ */
	const char *title;
	const char *volume;  /* NULL: where the image is */
	const char *options; /* for what is inside; NULL: none */
	const char *files;   /* NULL: where they were installed */
	const char *root;    /* of the system: "" or "/mnt" */
	struct open_options open;
	bool force, dry_run;
};

/*
 * Refuses an image that `way` cannot start, with the reasons; not if it is
 * forced, or lies on a volume that is not at hand. Returns an enum tool_exit;
 * *check is filled, for boot_check_free(), if the image was looked at and
 * nothing failed.
 */
int boot_install_check(const struct boot_install *install, enum boot_way way,
		       struct boot_check *check, bool *looked);

/*
 * Refuses a value that cannot be a line of its own: control characters, blanks
 * at an end, more than `most` bytes. `what` is "a path".
 */
int boot_install_line(const char *what, const char *value, size_t most);

#endif

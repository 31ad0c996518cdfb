/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool umount: undoes mount, with --fs and without. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "fusemount.h"
#include "helper.h"

static const struct tool_option options[] = {{0}};

/* the file system first, then, once the loop device has gone, the image */
static int end_inside(const char *folder, const char *hidden)
{
	struct helper_arguments a = {0};
	int rc;

	helper_add_value(&a, "umount", folder);
	rc = helper_run("umount", &a);
	free(a.items);
	if (rc)
		return rc < 0 ? diag_error(folder, "umount cannot be run")
			      : TOOL_FAILED; /* it has said why */
	rc = fusemount_end(hidden, true);
	if (!rc)
		rmdir(hidden);
	return rc;
}

static int run(const char *const *arguments)
{
	const char *folder = arguments[0];
	struct fusemount m;
	char *hidden;
	int rc;

	if (!fusemount_find(folder, &m))
		return diag_error(folder, "nothing is mounted there");
	hidden = fusemount_of_loop(m.source);
	if (fusemount_is_ours(&m))
		rc = fusemount_end(folder, false);
	else if (hidden)
		rc = end_inside(folder, hidden);
	else
		rc = diag_error(folder, "was not mounted by vhdtool");
	free(hidden);
	fusemount_free(&m);
	return rc;
}

const struct command umount_command = {
	.name = "umount",
	.arguments = "DIR",
	.argument_count = 1,
	.summary = "undo mount",
	.description = "Unmounts what vhdtool mount has mounted on DIR, with "
		       "--fs or without, and returns when the image is closed "
		       "and everything written is durable.",
	.options = options,
	.examples = "  vhdtool umount /mnt/disk",
	.exits = "  0  unmounted\n  1  not: in use, or nothing of ours\n"
		 "  2  wrong usage",
	.run = run,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool merge: a differencing image goes into an ancestor. */
#include <unistd.h>

#include "command.h"
#include "copying.h"
#include "diag.h"
#include "open.h"
#include "progress.h"

static struct {
	struct open_options open;
	struct progress_options progress;
	const char *into;
	struct copying_options copying;
	bool delete;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "into",
	 .kind = OPTION_TEXT,
	 .target = &opt.into,
	 .argument = "ANCESTOR",
	 .help = "merge the whole chain down to ANCESTOR; default: the\n"
		 "parent"},
	{.name = "delete",
	 .kind = OPTION_FLAG,
	 .target = &opt.delete,
	 .help = "remove the merged files when all is durable"},
	OPEN_CHILDREN_OPTION(opt.open),
	{.name = "parent",
	 .kind = OPTION_TEXT,
	 .target = &opt.open.parent,
	 .argument = "PATH",
	 .help = "the parent of CHILD"},
	OPEN_ROOT_OPTION(opt.open),
	COPYING_REFLINK_OPTION(opt.copying,
			       "share blocks where the file system can: auto\n"
			       "(default), always (or fail), never"),
	COPYING_JOBS_OPTION(opt.copying),
	PROGRESS_OPTIONS(opt.progress),
	{0},
};

/* --delete removes the child last */
static void explain(const char *path, int error)
{
	if (error == VHD_E_NOENT && access(path, F_OK) && opt.delete)
		diag_hint("if an interrupted 'merge --delete' removed it, that "
			  "merge was complete");
}

static int run(const char *const *arguments)
{
	const struct vhd_merge_options merge = {
		.size = sizeof(merge),
		.flags = (opt.delete ? VHD_MERGE_DELETE : 0) |
			 (opt.open.ignore_children ? VHD_MERGE_IGNORE_CHILDREN
						   : 0),
		.reflink = opt.copying.reflink,
		.jobs = opt.copying.jobs,
		.into = opt.into,
	};
	struct vhd_disk_options open;
	struct vhd_diag diag = {0};
	struct progress *progress;
	int format, error, rc;

	rc = open_need_format(arguments[0], opt.open.format, &format);
	if (rc)
		return rc;
	open = open_disk_options(&opt.open, format, 0);
	progress = progress_start(&opt.progress, "merging");
	error = vhd_merge(arguments[0], &open, &merge, progress_job(progress),
			  &diag);
	progress_stop(progress);
	if (!error)
		return TOOL_DONE;
	rc = open_failure(arguments[0], format, error, &diag);
	explain(arguments[0], error);
	return rc;
}

const struct command merge_command = {
	.name = "merge",
	.arguments = "CHILD",
	.argument_count = 1,
	.summary = "commit a differencing image into its parent",
	.description =
		"Writes what CHILD stores into its parent, or what CHILD and "
		"all images between store into ANCESTOR, in one pass; that "
		"image then is what CHILD was, its size included. Children "
		"that CHILD has in its folder are changed to name the merged "
		"image. The images in between, and CHILD unless its content "
		"is kept in use, are worthless afterwards: --delete removes "
		"them. No image may be in use, and no other image may depend "
		"on one that changes. After a failure, Ctrl-C, a kill or a "
		"power cut CHILD still shows what it showed; the same command "
		"goes on with the merge. While --delete removes several files, "
		"CHILD.merged says which; it goes before CHILD does.",
	.options = options,
	.examples = "  vhdtool merge --delete disk-2.avhdx\n"
		    "  vhdtool merge disk-9.avhdx --into disk.vhdx --delete",
	.exits = "  0  merged\n"
		 "  1  not merged, or not completely: in use, other images "
		 "depend on it, no space\n"
		 "  2  wrong usage",
	.run = run,
};

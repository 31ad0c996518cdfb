/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool rebase: another parent for a differencing image. */
#include "command.h"
#include "copying.h"
#include "diag.h"
#include "open.h"
#include "progress.h"

static struct {
	struct open_options open; /* .parent: the old one */
	struct progress_options progress;
	const char *parent;
	struct copying_options copying;
	bool unsafe;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "parent",
	 .kind = OPTION_TEXT,
	 .target = &opt.parent,
	 .argument = "PATH",
	 .help = "the new parent"},
	{.name = "unsafe",
	 .kind = OPTION_FLAG,
	 .target = &opt.unsafe,
	 .help = "only name the new parent, which shows the same as\n"
		 "the old one"},
	{.name = "old-parent",
	 .kind = OPTION_TEXT,
	 .target = &opt.open.parent,
	 .argument = "PATH",
	 .help = "where the old parent is"},
	OPEN_ROOT_OPTION(opt.open),
	COPYING_JOBS_OPTION(opt.copying),
	PROGRESS_OPTIONS(opt.progress),
	{0},
};

static int check_usage(void)
{
	if (!opt.parent)
		return diag_usage("rebase: --parent is missing");
	if (opt.unsafe && opt.open.parent)
		return diag_usage("rebase: --unsafe does not look at the old "
				  "parent");
	return TOOL_DONE;
}

static int run(const char *const *arguments)
{
	const struct vhd_rebase_options rebase = {
		.size = sizeof(rebase),
		.flags = opt.unsafe ? VHD_REBASE_UNSAFE : 0,
		.jobs = opt.copying.jobs,
		.parent = opt.parent,
	};
	struct vhd_disk_options open;
	struct vhd_diag diag = {0};
	struct progress *progress;
	int format, error, rc = check_usage();

	if (!rc)
		rc = open_need_format(arguments[0], opt.open.format, &format);
	if (rc)
		return rc;
	open = open_disk_options(&opt.open, format, 0);
	progress = progress_start(&opt.progress, "rebasing");
	error = vhd_rebase(arguments[0], &open, &rebase, progress_job(progress),
			   &diag);
	progress_stop(progress);
	return error ? open_failure(arguments[0], format, error, &diag)
		     : TOOL_DONE;
}

const struct command rebase_command = {
	.name = "rebase",
	.arguments = "CHILD",
	.argument_count = 1,
	.summary = "give a differencing image another parent",
	.description =
		"Makes the image at --parent the parent of CHILD, which shows "
		"the same afterwards: where CHILD stores nothing and the two "
		"parents differ, the old content is copied into it. Data that "
		"both chains have from the same file are not looked at. "
		"--unsafe copies nothing and does not need the old parent: "
		"for a parent that was moved, renamed or replaced by a copy "
		"with the same content. Identity and children of CHILD stay. "
		"After a failure, a kill or a power cut CHILD has its old "
		"parent or the new one, whole.",
	.options = options,
	.examples =
		"  vhdtool rebase --parent base.vhdx snapshot-3.avhdx\n"
		"  vhdtool rebase --unsafe --parent /new/base.vhd child.vhd",
	.exits = "  0  done\n"
		 "  1  not done: a parent is missing or damaged, CHILD is in "
		 "use, no space\n"
		 "  2  wrong usage",
	.run = run,
};

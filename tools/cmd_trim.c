/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool trim: discards what the file systems inside do not use. */
#include "command.h"
#include "compacting.h"

static struct compacting_options opt = {.free_space = true};

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	COMPACTING_OPTIONS(opt),
	{0},
};

static int run(const char *const *arguments)
{
	return compacting_run(arguments[0], &opt, VHD_COMPACT_NO_MOVE,
			      "trimming");
}

const struct command trim_command = {
	.name = "trim",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "discard what the file systems inside do not use",
	.description =
		"Lets go of what the file systems inside the disk do not use, "
		"of zeros, and of blocks that equal the parent's, without "
		"moving anything. Space in the middle of the file becomes "
		"holes of the host's, and is used for later writes. compact "
		"--free-space also makes the file shorter.",
	.options = options,
	.examples = "  vhdtool trim disk.vhdx",
	.exits = "  0  done\n"
		 "  1  the image is not writable, in use, or has "
		 "children\n"
		 "  2  wrong usage",
	.run = run,
};

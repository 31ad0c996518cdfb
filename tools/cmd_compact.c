/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool compact: gives space back in place. */
#include "command.h"
#include "compacting.h"

static struct compacting_options opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "zeroes",
	 .kind = OPTION_FLAG,
	 .target = &opt.zeroes,
	 .help = "only blocks of zeros: do not compare with the parent"},
	{.name = "free-space",
	 .kind = OPTION_FLAG,
	 .target = &opt.free_space,
	 .help = "also what the file systems inside do not use"},
	COMPACTING_OPTIONS(opt),
	{0},
};

static int run(const char *const *arguments)
{
	return compacting_run(arguments[0], &opt, 0, "compacting");
}

const struct command compact_command = {
	.name = "compact",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "make an image file smaller, in place",
	.description =
		"Gives back space that the image need not take: blocks of "
		"zeros, blocks that equal the parent's, and with "
		"--free-space what the file systems inside do not use. Then "
		"blocks move to the front and the file is cut. The disk's id "
		"stays, and without --free-space so does its content: an "
		"image with children may be compacted. It needs no space "
		"beside the image. If it is interrupted in any way, nothing is "
		"lost, and running it again goes on.",
	.options = options,
	.examples = "  vhdtool compact disk.vhdx\n"
		    "  vhdtool compact --free-space --dry-run disk.vhd",
	.exits = "  0  done\n"
		 "  1  the image is not writable, in use, or of fixed size; or "
		 "has children, with --free-space\n"
		 "  2  wrong usage",
	.run = run,
};

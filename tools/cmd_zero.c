/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool zero: a range of the disk that reads as zeros afterwards. */
#include "command.h"
#include "range.h"

static struct range_options opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "offset",
	 .kind = OPTION_SIZE,
	 .target = &opt.offset,
	 .argument = "SIZE",
	 .help = "first byte, a multiple of the sector size"},
	{.name = "length",
	 .kind = OPTION_SIZE,
	 .target = &opt.length,
	 .argument = "SIZE",
	 .help = "bytes, a multiple of the sector size"},
	OPEN_CHAIN_OPTIONS(opt.open),
	OPEN_CHILDREN_OPTION(opt.open),
	PROGRESS_OPTIONS(opt.progress),
	{0},
};

static int run(const char *const *arguments)
{
	return range_change(arguments[0], &opt, "zero", vhd_disk_zero);
}

const struct command zero_command = {
	.name = "zero",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "make a part of the disk read as zeros",
	.description =
		"Makes a range read as zeros, by a note in the block table "
		"or a hole in the file where the format and the parents "
		"allow it, else by writing zeros. What the command reports "
		"as done is durable.",
	.options = options,
	.examples = "  vhdtool zero --offset 1M --length 64K disk.vhdx\n"
		    "  vhdtool zero --offset 0 --length 512 disk.vhd",
	.exits = "  0  done\n"
		 "  1  the image is not writable or in use, or the range is "
		 "not in it\n"
		 "  2  wrong usage",
	.run = run,
};

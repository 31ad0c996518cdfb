/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool discard: a range of the disk whose content nobody needs. */
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
	return range_change(arguments[0], &opt, "discard", vhd_disk_discard);
}

const struct command discard_command = {
	.name = "discard",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "give back the space of a part of the disk",
	.description =
		"Says that the content of a range is not needed, as a guest "
		"does with TRIM. Space is given back where the format allows "
		"it. Afterwards each sector of the range reads as zeros or as "
		"before; use zero where zeros are needed.",
	.options = options,
	.examples = "  vhdtool discard --offset 1G --length 4G disk.vhdx\n"
		    "  vhdtool discard --offset 0 --length 2M disk.vhd",
	.exits = "  0  done\n"
		 "  1  the image is not writable or in use, or the range is "
		 "not in it\n"
		 "  2  wrong usage",
	.run = run,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool read: bytes of the disk to standard output. Opens lazily, so the
 * first byte comes at once; damage is met where it lies.
 */
#include <unistd.h>

#include "command.h"
#include "confine_image.h"
#include "open.h"
#include "range.h"
#include "transfer.h"

static struct {
	struct open_options open;
	struct option_size offset;
	struct option_size length;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "offset",
	 .kind = OPTION_SIZE,
	 .target = &opt.offset,
	 .argument = "SIZE",
	 .help = "first byte; default: 0"},
	{.name = "length",
	 .kind = OPTION_SIZE,
	 .target = &opt.length,
	 .argument = "SIZE",
	 .help = "bytes; default: to the end of the disk"},
	OPEN_LAYER_OPTION(opt.open),
	OPEN_PARENT_OPTIONS(opt.open),
	{0},
};

static int read_range(struct vhd_disk *disk, const char *path)
{
	uint64_t size = vhd_disk_size(disk), offset = opt.offset.bytes;
	uint64_t length;
	int rc;

	length = opt.length.given || offset > size ? opt.length.bytes
						   : size - offset;
	rc = range_check_end(disk, path, offset, length);
	if (rc)
		return rc;
	return transfer_range(disk, path, offset, length, STDOUT_FILENO);
}

static int run(const char *const *arguments)
{
	struct vhd_disk *disk;
	int rc;

	confine_reader(arguments, 1, &opt.open, NULL);
	rc = open_disk(arguments[0], &opt.open, 0, &disk);
	if (rc)
		return rc;
	confine_reader_opened();
	rc = read_range(disk, arguments[0]);
	vhd_disk_close(disk);
	return rc;
}

const struct command read_command = {
	.name = "read",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "write a part of the disk to standard output",
	.description =
		"Writes bytes of the virtual disk to standard output, from "
		"whichever layer they are in. Any offset and length will "
		"do; a range past the end of the disk is an error.",
	.options = options,
	.examples = "  vhdtool read --length 512 disk.vhdx | xxd\n"
		    "  vhdtool read disk.vhd | zstd >disk.raw.zst",
	.exits = "  0  written\n"
		 "  1  the image or the output failed; what was written until "
		 "then is right\n"
		 "  2  wrong usage",
	.run = run,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool create: a new image. The library decides what a format allows; here
 * is what the command line adds: sizes, and the parent's path as the child
 * will name it.
 */
#include <inttypes.h>

#include "command.h"
#include "diag.h"
#include "newimage.h"
#include "open.h"

static struct {
	int format;
	struct option_size size;
	struct newimage_options image;
	bool force;
} opt;

static const struct tool_option options[] = {
	{.name = "size",
	 .letter = 's',
	 .kind = OPTION_SIZE,
	 .target = &opt.size,
	 .argument = "SIZE",
	 .help = "bytes of the disk; with --parent, default: the\n"
		 "parent's"},
	{.name = "format",
	 .letter = 'f',
	 .kind = OPTION_FORMAT,
	 .target = &opt.format,
	 .argument = "FORMAT",
	 .choices = newimage_formats,
	 .help = "vhd or vhdx; default: by the extension"},
	{.name = "parent",
	 .kind = OPTION_TEXT,
	 .target = &opt.image.parent,
	 .argument = "PATH",
	 .help = "makes a differencing image on top of PATH"},
	OPEN_ROOT_OPTION(opt.image),
	NEWIMAGE_TYPE_OPTIONS(opt.image),
	NEWIMAGE_LAYOUT_OPTIONS(opt.image),
	{.name = "force",
	 .kind = OPTION_FLAG,
	 .target = &opt.force,
	 .help = "replace an existing file"},
	{0},
};

static int check_size(void)
{
	uint64_t sector = opt.image.logical_sector_size.given
				  ? opt.image.logical_sector_size.bytes
				  : 512;
	uint64_t size = opt.size.bytes, below;

	if (!opt.size.given && opt.image.parent)
		return TOOL_DONE;
	if (!opt.size.given)
		return diag_usage("create: --size is missing");
	if (size == 0)
		return diag_usage("--size 0: a disk has at least one sector");
	if (sector == 0 || size % sector == 0)
		return TOOL_DONE;
	below = size - size % sector;
	diag_usage("--size %" PRIu64 ": not a whole number of sectors of "
		   "%" PRIu64 " bytes",
		   size, sector);
	diag_hint("the nearest sizes are %" PRIu64 " and %" PRIu64, below,
		  below + sector);
	return TOOL_USAGE;
}

static int check_format(const char *path, int *format)
{
	int rc = open_need_format(path, opt.format, format);

	if (rc || *format != VHD_FORMAT_RAW)
		return rc;
	diag_usage("create: a raw disk is just a file; images are vhd or "
		   "vhdx");
	diag_hint("truncate --size makes a raw disk");
	return TOOL_USAGE;
}

static int run(const char *const *arguments)
{
	const char *path = arguments[0];
	struct newimage image;
	int format, rc = check_format(path, &format);

	if (!rc)
		rc = check_size();
	if (!rc)
		rc = newimage_prepare(&opt.image, format, path, 0, &image);
	if (rc)
		return rc;
	image.create.virtual_size = opt.size.bytes;
	rc = newimage_create(&image, path, opt.force);
	newimage_free(&image);
	return rc;
}

const struct command create_command = {
	.name = "create",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "make a new image",
	.description =
		"Makes an image that reads as zeros or, with --parent, as "
		"its parent. PATH appears when the image is complete and "
		"flushed. The size is a whole number of sectors and never "
		"rounded. The parent is recorded relative to the folder of "
		"PATH. An existing file is only replaced with --force.",
	.options = options,
	.examples = "  vhdtool create --size 64G disk.vhdx\n"
		    "  vhdtool create --type fixed --azure --size 30G "
		    "upload.vhd\n"
		    "  vhdtool create --parent golden.vhdx guest.avhdx",
	.exits = "  0  made\n"
		 "  1  not made: it exists, the parent is not readable, no "
		 "space\n"
		 "  2  wrong usage, or options that the format does not allow",
	.run = run,
};

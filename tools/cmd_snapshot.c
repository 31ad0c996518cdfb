/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool snapshot: a differencing child of an image, with few words. */
#include "command.h"
#include "diag.h"
#include "newimage.h"
#include "open.h"

static struct {
	int format;
	struct newimage_options image;
	bool force;
} opt;

static const struct tool_option options[] = {
	{.name = "format",
	 .letter = 'f',
	 .kind = OPTION_FORMAT,
	 .target = &opt.format,
	 .argument = "FORMAT",
	 .choices = newimage_formats,
	 .help = "of both: vhd or vhdx; default: by the extension\n"
		 "of PARENT"},
	OPEN_ROOT_OPTION(opt.image),
	NEWIMAGE_LAYOUT_OPTIONS(opt.image),
	{.name = "force",
	 .kind = OPTION_FLAG,
	 .target = &opt.force,
	 .help = "replace an existing CHILD"},
	{0},
};

static int check_format(const char *parent, const char *child, int *format)
{
	int rc = open_need_format(parent, opt.format, format), other;

	if (rc)
		return rc;
	if (*format == VHD_FORMAT_RAW)
		return diag_usage("%s: only a vhd or vhdx image can have "
				  "snapshots",
				  parent);
	other = open_format(child, opt.format);
	if (other && other != *format)
		return diag_usage("%s: a snapshot has the format of its "
				  "parent",
				  child);
	return TOOL_DONE;
}

static int run(const char *const *arguments)
{
	const char *child = arguments[1];
	struct newimage image;
	int format, rc = check_format(arguments[0], child, &format);

	opt.image.parent = arguments[0];
	if (!rc)
		rc = newimage_prepare(&opt.image, format, child, 0, &image);
	if (rc)
		return rc;
	rc = newimage_create(&image, child, opt.force);
	newimage_free(&image);
	return rc;
}

const struct command snapshot_command = {
	.name = "snapshot",
	.arguments = "PARENT CHILD",
	.argument_count = 2,
	.summary = "make a differencing child of an image",
	.description =
		"Makes CHILD, an image that reads as PARENT and takes what is "
		"written from now on; it has the size and the sector sizes of "
		"PARENT and names it relative to its own folder. From then on "
		"PARENT must not be written any more.",
	.options = options,
	.examples = "  vhdtool snapshot disk.vhdx disk-1.avhdx\n"
		    "  vhdtool snapshot --block-size 512K base.vhd child.vhd",
	.exits = "  0  made\n"
		 "  1  not made: it exists, PARENT is not readable, no space\n"
		 "  2  wrong usage, or options that the format does not allow",
	.run = run,
};

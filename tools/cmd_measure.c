/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool measure: the size of what convert would write. */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "confine_image.h"
#include "diag.h"
#include "json.h"
#include "newimage.h"
#include "open.h"

static struct {
	struct open_options open;
	struct newimage_options image;
	int output_format;
	bool json;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "output-format",
	 .letter = 'O',
	 .kind = OPTION_FORMAT,
	 .target = &opt.output_format,
	 .argument = "FORMAT",
	 .help = "raw, vhd or vhdx"},
	NEWIMAGE_TYPE_OPTIONS(opt.image),
	NEWIMAGE_LAYOUT_OPTIONS(opt.image),
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .target = &opt.json,
	 .help = "one JSON document"},
	OPEN_LAYER_OPTION(opt.open),
	OPEN_PARENT_OPTIONS(opt.open),
	{0},
};

static int print(const struct vhd_measure *sizes)
{
	json_t *out;

	if (!opt.json) {
		printf("required size: %" PRIu64 "\n"
		       "fully allocated size: %" PRIu64 "\n",
		       sizes->required, sizes->fully_allocated);
		return TOOL_DONE;
	}
	out = json_new_object();
	json_put_size(out, "required", sizes->required);
	json_put_size(out, "fully-allocated", sizes->fully_allocated);
	return json_print(out);
}

static int measure(struct vhd_disk *disk, const char *path,
		   const struct newimage *image)
{
	const struct vhd_convert_options options_for = {
		.size = sizeof(options_for),
		.format = opt.output_format,
		.create = &image->create,
	};
	struct vhd_measure sizes = {0};
	struct vhd_diag diag = {0};
	int error = vhd_measure(disk, &options_for, &sizes, &diag);

	return error ? newimage_failure(path, error, &diag) : print(&sizes);
}

static int check_usage(void)
{
	if (!opt.output_format)
		return diag_usage("measure: -O is missing: raw, vhd or vhdx");
	if (opt.output_format == VHD_FORMAT_RAW &&
	    newimage_is_wanted(&opt.image))
		return diag_usage("measure: a raw disk has no such options");
	return TOOL_DONE;
}

static int run(const char *const *arguments)
{
	const char *path = arguments[0];
	struct newimage image;
	struct vhd_disk *disk;
	int rc = check_usage();

	if (!rc)
		rc = newimage_prepare(&opt.image, opt.output_format, NULL, 0,
				      &image);
	if (rc)
		return rc;
	confine_reader(arguments, 1, &opt.open, NULL);
	rc = open_disk(path, &opt.open, VHD_DISK_VERIFY, &disk);
	if (!rc) {
		confine_reader_opened();
		rc = measure(disk, path, &image);
		vhd_disk_close(disk);
	}
	newimage_free(&image);
	return rc;
}

const struct command measure_command = {
	.name = "measure",
	.arguments = "SRC",
	.argument_count = 1,
	.summary = "tell how large a conversion would be",
	.description =
		"Says how many bytes the file would have that convert writes "
		"with the same options: required, for the content as it is, "
		"and fully-allocated, if every block were stored. Only tables "
		"are read, so stored zeros count as data.",
	.options = options,
	.examples = "  vhdtool measure -O vhdx disk.raw\n"
		    "  vhdtool measure --json -O vhd --type fixed disk.vhdx",
	.exits = "  0  measured\n  1  SRC is not readable\n"
		 "  2  wrong usage, or options that the format does not allow",
	.run = run,
};

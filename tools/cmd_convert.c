/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool convert: the content of a disk in another format. The library writes
 * the output so that it is there complete or not at all; here is what the
 * command line adds: formats, and the refusal to overwrite an own input.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "command.h"
#include "diag.h"
#include "format.h"
#include "open.h"
#include "progress.h"

static struct {
	struct open_options open;
	struct progress_options progress;
	int output_format;
	int reflink; /* index in reflink_modes: enum vhd_reflink */
	unsigned jobs;
	bool gzip;
	bool force;
	bool verify;
} opt;

static const char *const reflink_modes[] = {
	[VHD_REFLINK_AUTO] = "auto",
	[VHD_REFLINK_ALWAYS] = "always",
	[VHD_REFLINK_NEVER] = "never",
	[3] = NULL,
};

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "output-format",
	 .letter = 'O',
	 .kind = OPTION_FORMAT,
	 .target = &opt.output_format,
	 .argument = "FORMAT",
	 .help = "format of DST: raw; default: by the extension,\n"
		 "raw for a stream"},
	{.name = "gzip",
	 .kind = OPTION_FLAG,
	 .target = &opt.gzip,
	 .help = "compress DST"},
	{.name = "reflink",
	 .kind = OPTION_CHOICE,
	 .target = &opt.reflink,
	 .argument = "WHEN",
	 .choices = reflink_modes,
	 .help = "share blocks with SRC where the file system can:\n"
		 "auto (default), always (or fail), never"},
	{.letter = 'j',
	 .name = "jobs",
	 .kind = OPTION_COUNT,
	 .target = &opt.jobs,
	 .argument = "N",
	 .help = "requests in flight"},
	{.name = "verify",
	 .kind = OPTION_FLAG,
	 .target = &opt.verify,
	 .help = "read DST back and compare"},
	{.name = "force",
	 .kind = OPTION_FLAG,
	 .target = &opt.force,
	 .help = "replace an existing DST"},
	OPEN_LAYER_OPTION(opt.open),
	OPEN_PARENT_OPTIONS(opt.open),
	PROGRESS_OPTIONS(opt.progress),
	{0},
};

static bool is_stream(const char *path)
{
	return strcmp(path, "-") == 0;
}

/* The format a name asks for: "disk.raw", and with --gzip "disk.raw.gz". */
static int named_format(const char *path)
{
	size_t n = strlen(path);
	char name[4096];

	if (is_stream(path))
		return VHD_FORMAT_RAW;
	if (!opt.gzip || n < 3 || n >= sizeof(name) ||
	    strcasecmp(path + n - 3, ".gz") != 0)
		return format_from_path(path);
	memcpy(name, path, n - 3);
	name[n - 3] = '\0';
	n = (size_t)format_from_path(name);
	/* "disk.gz" can be nothing else */
	return n ? (int)n : VHD_FORMAT_RAW;
}

static int choose_output(const char *path)
{
	int format = opt.output_format;

	if (!format)
		format = named_format(path);
	if (!format) {
		diag_usage("%s: the extension does not tell the output format",
			   path);
		diag_hint("say it with -O raw");
		return TOOL_USAGE;
	}
	if (format != VHD_FORMAT_RAW) {
		diag_usage("convert: cannot write %s; formats that can be "
			   "written: raw",
			   format_name(format));
		diag_hint("-O raw writes the content of the disk as it is");
		return TOOL_USAGE;
	}
	return TOOL_DONE;
}

static int check_usage(const char *dst)
{
	if (is_stream(dst) && opt.verify)
		return diag_usage("convert: a stream cannot be read back, so "
				  "--verify needs a file");
	return choose_output(dst);
}

/* True if `path` is one of the files the disk is made of. */
static bool is_layer(struct vhd_disk *disk, const char *path)
{
	struct vhd_file_id id = {0}, other = {0};
	struct vhd_file *file;
	bool same = false;

	if (is_stream(path) || vhd_file_open(path, 0, &file, NULL))
		return false;
	(void)vhd_file_id(file, &id);
	for (unsigned i = 0; i < vhd_disk_layers(disk); i++) {
		struct vhd_image *image = vhd_disk_image(disk, i);

		if (vhd_file_id(vhd_image_file(image), &other))
			continue;
		same = same || (id.inode && id.inode == other.inode &&
				id.device == other.device);
	}
	vhd_file_close(file);
	return same;
}

static int convert(struct vhd_disk *disk, const char *src, const char *dst)
{
	const struct vhd_convert_options options_for = {
		.size = sizeof(options_for),
		.flags = (opt.gzip ? VHD_CONVERT_GZIP : 0) |
			 (opt.force ? VHD_CONVERT_FORCE : 0) |
			 (opt.verify ? VHD_CONVERT_VERIFY : 0),
		.format = VHD_FORMAT_RAW,
		.reflink = opt.reflink,
		.jobs = opt.jobs,
	};
	struct vhd_diag diag = {0};
	struct progress *progress;
	int error;

	if (is_layer(disk, dst))
		return diag_error(dst, "is a part of the source");
	progress = progress_start(&opt.progress, "converting");
	error = vhd_convert(disk, dst, &options_for, progress_job(progress),
			    &diag);
	progress_stop(progress);
	return error ? diag_failure(src, error, &diag) : TOOL_DONE;
}

static int run(const char *const *arguments)
{
	struct vhd_disk *disk;
	int rc = check_usage(arguments[1]);

	if (rc)
		return rc;
	rc = open_disk(arguments[0], &opt.open, VHD_DISK_VERIFY, &disk);
	if (rc)
		return rc;
	rc = convert(disk, arguments[0], arguments[1]);
	vhd_disk_close(disk);
	return rc;
}

const struct command convert_command = {
	.name = "convert",
	.arguments = "SRC DST",
	.argument_count = 2,
	.summary = "write the content of a disk in another format",
	.description =
		"Writes the whole disk, parents included, to DST; - is "
		"standard output. What reads as zeros becomes a hole. DST "
		"appears when it is complete and flushed: after a failure, "
		"a kill or a power cut it is what it was before. An "
		"existing DST is only replaced with --force.",
	.options = options,
	.examples = "  vhdtool convert disk.vhdx disk.raw\n"
		    "  vhdtool convert --gzip snapshot.avhd - >disk.raw.gz",
	.exits = "  0  written\n"
		 "  1  not written: SRC is damaged or incomplete, DST exists, "
		 "no space\n"
		 "  2  wrong usage",
	.run = run,
};

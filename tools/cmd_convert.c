/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool convert: the content of a disk in another format. The library writes
 * the output so that it is there complete or not at all; here is what the
 * command line adds: formats, which side --gzip means, and the refusal to
 * overwrite an own input.
 */
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "copying.h"
#include "diag.h"
#include "newimage.h"
#include "open.h"
#include "progress.h"
#include "source.h"

static struct {
	struct open_options open;
	struct newimage_options image;
	struct progress_options progress;
	int output_format;
	struct copying_options copying;
	bool gzip;
	bool force;
	bool verify;
	bool resume;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "output-format",
	 .letter = 'O',
	 .kind = OPTION_FORMAT,
	 .target = &opt.output_format,
	 .argument = "FORMAT",
	 .help = "format of DST: raw, vhd or vhdx; default: by the\n"
		 "extension, raw for a stream"},
	{.name = "parent",
	 .kind = OPTION_TEXT,
	 .target = &opt.image.parent,
	 .argument = "PATH",
	 .help = "DST becomes a child of PATH and holds only what\n"
		 "differs from it"},
	NEWIMAGE_TYPE_OPTIONS(opt.image),
	NEWIMAGE_LAYOUT_OPTIONS(opt.image),
	{.name = "gzip",
	 .kind = OPTION_FLAG,
	 .target = &opt.gzip,
	 .help = "compress a raw DST; read a compressed SRC from a\n"
		 "stream (SRC.gz is known by its name)"},
	COPYING_REFLINK_OPTION(
		opt.copying,
		"share blocks with SRC where the file system can:\n"
		"auto (default), always (or fail), never"),
	COPYING_JOBS_OPTION(opt.copying),
	{.name = "verify",
	 .kind = OPTION_FLAG,
	 .target = &opt.verify,
	 .help = "read DST back and compare"},
	{.name = "resume",
	 .kind = OPTION_FLAG,
	 .target = &opt.resume,
	 .help = "build DST as DST.partial, which stays after an\n"
		 "interruption, and go on with what is there"},
	{.name = "force",
	 .kind = OPTION_FLAG,
	 .target = &opt.force,
	 .help = "replace an existing DST"},
	OPEN_LAYER_OPTION(opt.open),
	{.name = "source-parent",
	 .kind = OPTION_TEXT,
	 .target = &opt.open.parent,
	 .argument = "PATH",
	 .help = "the parent of SRC"},
	OPEN_ROOT_OPTION(opt.open),
	OPEN_ID_OPTION(opt.open),
	OPEN_SHARE_OPTION(opt.open),
	PROGRESS_OPTIONS(opt.progress),
	{0},
};

/* What --gzip means depends on both sides. */
struct plan {
	const char *src;
	const char *dst;
	int format; /* of DST */
	bool gzip_src;
	bool gzip_dst;
};

static bool is_stream(const char *path)
{
	return strcmp(path, "-") == 0;
}

static int choose_format(struct plan *plan)
{
	plan->format = opt.output_format;
	if (!plan->format)
		plan->format = source_format(plan->dst, opt.gzip);
	if (plan->format)
		return TOOL_DONE;
	diag_usage("%s: the extension does not tell the output format",
		   plan->dst);
	diag_hint("say it with -O raw, -O vhd or -O vhdx");
	return TOOL_USAGE;
}

/* Only raw data are compressed, so --gzip with an image means the source. */
static int choose_gzip(struct plan *plan)
{
	bool raw = plan->format == VHD_FORMAT_RAW;

	plan->gzip_src = source_is_gzip(plan->src) ||
			 (opt.gzip && !raw && is_stream(plan->src));
	plan->gzip_dst = opt.gzip && raw &&
			 (!plan->gzip_src || source_is_gzip(plan->dst));
	if (!opt.gzip || plan->gzip_src || plan->gzip_dst)
		return TOOL_DONE;
	diag_usage("%s: only raw data are compressed, not an image", plan->dst);
	diag_hint("-O raw writes the content of the disk as it is");
	return TOOL_USAGE;
}

static int check_usage(struct plan *plan)
{
	int rc = choose_format(plan);

	if (!rc)
		rc = choose_gzip(plan);
	if (rc)
		return rc;
	if (is_stream(plan->dst) && opt.verify)
		return diag_usage("convert: a stream cannot be read back, so "
				  "--verify needs a file");
	if (opt.resume && (is_stream(plan->dst) || plan->gzip_dst))
		return diag_usage("convert: a stream, compressed or not, "
				  "cannot be continued, so --resume needs a "
				  "file that is not compressed");
	if (is_stream(plan->dst) && plan->format != VHD_FORMAT_RAW)
		return diag_usage("convert: an image cannot be written to a "
				  "stream, only raw data");
	if (plan->format == VHD_FORMAT_RAW && newimage_is_wanted(&opt.image))
		return diag_usage("convert: a raw disk has no type, block size "
				  "or parent; -O vhd and -O vhdx have");
	return TOOL_DONE;
}

/* Before a long stream is read in vain. */
static int check_absent(const char *path)
{
	if (is_stream(path) || opt.force || access(path, F_OK))
		return TOOL_DONE;
	diag_error(path, "the file exists");
	diag_hint("--force replaces it");
	return TOOL_FAILED;
}

static int check_source(struct vhd_disk *disk, const struct plan *plan)
{
	uint64_t odd = vhd_disk_size(disk) % 512;

	if (open_is_part(disk, plan->dst))
		return diag_error(plan->dst, "is a part of the source");
	if (plan->format == VHD_FORMAT_RAW || odd == 0)
		return TOOL_DONE;
	diag_error(plan->src,
		   "%" PRIu64 " bytes are no whole number of sectors, as an "
		   "image needs them",
		   vhd_disk_size(disk));
	diag_hint("truncate --size=%%512 fills up a raw disk with zeros");
	return TOOL_FAILED;
}

static int convert(struct vhd_disk *disk, const struct plan *plan,
		   const struct newimage *image)
{
	const struct vhd_convert_options options_for = {
		.size = sizeof(options_for),
		.flags = (plan->gzip_dst ? VHD_CONVERT_GZIP : 0) |
			 (opt.force ? VHD_CONVERT_FORCE : 0) |
			 (opt.verify ? VHD_CONVERT_VERIFY : 0) |
			 (opt.resume ? VHD_CONVERT_RESUME : 0),
		.format = plan->format,
		.reflink = opt.copying.reflink,
		.jobs = opt.copying.jobs,
		.create = &image->create,
	};
	struct vhd_diag diag = {0};
	struct progress *progress;
	int error, rc = check_source(disk, plan);

	if (rc)
		return rc;
	progress = progress_start(&opt.progress, "converting");
	error = vhd_convert(disk, plan->dst, &options_for,
			    progress_job(progress), &diag);
	progress_stop(progress);
	if (error == VHD_E_INVALID)
		return newimage_failure(plan->dst, error, &diag);
	return error ? diag_failure(plan->src, error, &diag) : TOOL_DONE;
}

static int convert_source(const struct plan *plan, const struct newimage *image)
{
	const char *beside = is_stream(plan->dst) ? NULL : plan->dst;
	struct vhd_disk *disk;
	int rc = source_open(plan->src, &opt.open, plan->gzip_src, beside,
			     &opt.progress, &disk);

	if (rc)
		return rc;
	rc = convert(disk, plan, image);
	vhd_disk_close(disk);
	return rc;
}

static int run(const char *const *arguments)
{
	struct plan plan = {.src = arguments[0], .dst = arguments[1]};
	struct newimage image;
	int rc = check_usage(&plan);

	if (!rc)
		rc = check_absent(plan.dst);
	if (rc)
		return rc;
	opt.image.parent_roots = opt.open.parent_roots;
	rc = newimage_prepare(&opt.image, plan.format, plan.dst,
			      VHD_DISK_VERIFY, &image);
	if (rc)
		return rc;
	rc = convert_source(&plan, &image);
	newimage_free(&image);
	return rc;
}

const struct command convert_command = {
	.name = "convert",
	.arguments = "SRC DST",
	.argument_count = 2,
	.summary = "write the content of a disk in another format",
	.description =
		"Writes the whole disk, parents included, to DST. SRC may be "
		"- for standard input and DST - for standard output; what "
		"comes through a pipe or compressed first goes to a sparse "
		"file without a name beside DST. What reads as zeros takes no "
		"space. DST appears when it is complete and flushed: after a "
		"failure, a kill or a power cut it is what it was before. An "
		"existing DST is only replaced with --force. With --resume, "
		"DST.partial stays behind instead, and the same command goes "
		"on with it: it reads both and writes what differs. A partial "
		"file made with other options is refused.",
	.options = options,
	.examples = "  vhdtool convert disk.raw disk.vhdx\n"
		    "  vhdtool convert --type fixed --azure disk.vhdx up.vhd\n"
		    "  vhdtool convert --parent golden.vhdx now.raw "
		    "child.avhdx\n"
		    "  vhdtool convert --resume big.vhdx big.vhd\n"
		    "  vhdtool convert --gzip snapshot.avhd - >disk.raw.gz\n"
		    "  zcat disk.raw.gz | vhdtool convert - disk.vhd",
	.exits = "  0  written\n"
		 "  1  not written: SRC is damaged or incomplete, DST exists, "
		 "no space\n"
		 "  2  wrong usage, or options that the format does not allow",
	.run = run,
};

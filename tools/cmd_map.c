/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool map: where the bytes of the disk lie. Extents are printed as they
 * are found, so memory stays small however fragmented the disk is; JSON waits
 * in a spool file until it is complete.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "confine_image.h"
#include "diag.h"
#include "extents.h"
#include "json.h"
#include "newfile.h"
#include "open.h"
#include "output.h"
#include "svg.h"

static struct {
	struct open_options open;
	bool allocated;
	bool json;
	bool force;
	const char *svg;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "allocated",
	 .kind = OPTION_FLAG,
	 .target = &opt.allocated,
	 .help = "only what is stored"},
	{.name = "svg",
	 .kind = OPTION_TEXT,
	 .target = &opt.svg,
	 .argument = "FILE",
	 .help = "draw it instead, into FILE\n"
		 "(- is standard output)"},
	{.name = "force",
	 .kind = OPTION_FLAG,
	 .target = &opt.force,
	 .help = "replace FILE"},
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .target = &opt.json,
	 .help = "one JSON document, as qemu-img prints it"},
	OPEN_LAYER_OPTION(opt.open),
	OPEN_PARENT_OPTIONS(opt.open),
	{0},
};

/* A JSON array in the making. */
struct list {
	FILE *out;
	struct vhd_disk *disk;
	bool begun;
};

static bool skipped(const struct vhd_extent *extent)
{
	return opt.allocated && extent->kind != VHD_EXTENT_DATA;
}

/*
 * One entry, as qemu-img prints it: `present` is whether an image below could
 * not change what is read there.
 */
static void put_entry(struct list *list, const struct vhd_extent *extent,
		      bool zero, bool data)
{
	json_t *out = json_new_object();

	json_put_size(out, "start", extent->start);
	json_put_size(out, "length", extent->length);
	json_put_size(out, "depth", extent->depth);
	json_put_bool(out, "present", extent->kind != VHD_EXTENT_PARENT);
	json_put_bool(out, "zero", zero);
	json_put_bool(out, "data", data);
	if (extent->kind == VHD_EXTENT_DATA)
		json_put_size(out, "offset", extent->offset);
	fputs(list->begun ? ",\n" : "", list->out);
	json_write(out, 0, list->out);
	list->begun = true;
}

/*
 * The file of a layer that is one piece of it (raw, fixed VHD), else NULL. For
 * these qemu-img tells the holes of the file, which read as zeros.
 */
static struct vhd_file *file_with_holes(struct vhd_disk *disk, unsigned layer)
{
	struct vhd_image *image = vhd_disk_image(disk, layer);
	struct vhd_image_info info;

	vhd_image_get_info(image, &info);
	return info.type == VHD_TYPE_FIXED && info.format != VHD_FORMAT_VHDX
		       ? vhd_image_file(image)
		       : NULL;
}

/* The first `length` bytes of *extent, which goes on behind them. */
static struct vhd_extent take(struct vhd_extent *extent, uint64_t length)
{
	struct vhd_extent first = *extent;

	first.length = length;
	extent->start += length;
	extent->offset += length;
	extent->length -= length;
	return first;
}

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How much of a range is a hole, from its start on; 0 if that is not known. */
static uint64_t hole_at(struct vhd_file *file, uint64_t offset, uint64_t length,
			uint64_t *data_end)
{
	uint64_t start, end;

	*data_end = offset + length;
	if (vhd_file_next_data(file, offset, &start, &end))
		return 0;
	if (start == end) /* nothing else follows */
		return length;
	*data_end = at_most(end, *data_end);
	return at_most(start - offset, length);
}

/*
 * Holes and data of the file in turn. A hole of a raw disk is no data; that of
 * a fixed VHD is, as qemu-img has it: the format knows nothing of holes.
 */
static void put_pieces(struct list *list, struct vhd_file *file,
		       struct vhd_extent rest)
{
	bool raw = vhd_image_format(vhd_disk_image(list->disk, rest.depth)) ==
		   VHD_FORMAT_RAW;

	while (rest.length) {
		uint64_t data_end;
		uint64_t hole =
			hole_at(file, rest.offset, rest.length, &data_end);
		struct vhd_extent piece = take(&rest, hole);

		if (hole && !opt.allocated)
			put_entry(list, &piece, true, !raw);
		if (!rest.length)
			return;
		piece = take(&rest, data_end - rest.offset);
		put_entry(list, &piece, false, true);
	}
}

static int add_json(void *ctx, const struct vhd_extent *extent)
{
	struct list *list = ctx;
	bool data = extent->kind == VHD_EXTENT_DATA;
	struct vhd_file *file =
		data ? file_with_holes(list->disk, extent->depth) : NULL;

	if (file)
		put_pieces(list, file, *extent);
	else if (!skipped(extent))
		put_entry(list, extent, !data, data);
	return TOOL_DONE;
}

static int print_json(struct vhd_disk *disk, const char *path)
{
	struct list list = {.out = output_spool(), .disk = disk};
	int rc;

	if (!list.out)
		return TOOL_FAILED;
	fputc('[', list.out);
	rc = extents_walk(disk, path, add_json, &list);
	fputs("]\n", list.out);
	if (!rc)
		return output_spool_finish(list.out);
	fclose(list.out);
	return rc;
}

static int print_row(void *ctx, const struct vhd_extent *extent)
{
	(void)ctx;
	if (skipped(extent))
		return TOOL_DONE;
	printf("%18" PRIu64 " %18" PRIu64 " %5u  ", extent->start,
	       extent->length, extent->depth);
	if (extent->kind == VHD_EXTENT_DATA)
		printf("data %18" PRIu64 "\n", extent->offset);
	else if (extent->kind == VHD_EXTENT_PARENT)
		printf("parent                -\n");
	else
		printf("zero                  -\n");
	/* no sense in walking on when nobody reads */
	return ferror(stdout) ? TOOL_FAILED : TOOL_DONE;
}

static int print_table(struct vhd_disk *disk, const char *path)
{
	int rc;

	printf("%18s %18s %5s  kind %18s\n", "start", "length", "layer",
	       "file offset");
	rc = extents_walk(disk, path, print_row, NULL);
	if (output_finish())
		return TOOL_FAILED;
	return rc;
}

static int add_svg(void *ctx, const struct vhd_extent *extent)
{
	svg_add(ctx, extent);
	return TOOL_DONE;
}

static int write_svg(const struct svg *svg)
{
	size_t len;
	char *text = svg_text(svg, &len);
	int rc = TOOL_DONE;

	if (strcmp(opt.svg, "-") == 0)
		fwrite(text, 1, len, stdout);
	else
		rc = newfile_write(opt.svg, text, len, opt.force);
	free(text);
	return rc;
}

static int draw(struct vhd_disk *disk, const char *path)
{
	struct svg *svg = svg_new(disk, path);
	int rc = extents_walk(disk, path, add_svg, svg);

	if (!rc)
		rc = write_svg(svg);
	svg_free(svg);
	return rc;
}

static const char *written(void)
{
	return opt.svg && strcmp(opt.svg, "-") != 0 ? opt.svg : NULL;
}

static int run(const char *const *arguments)
{
	const char *path = arguments[0];
	struct vhd_disk *disk;
	int rc;

	if (opt.svg && opt.json)
		return diag_usage("map: --svg and --json exclude each other");
	if (opt.json && output_spool_prepare())
		return TOOL_FAILED;
	confine_reader(arguments, 1, &opt.open, written());
	rc = open_disk(path, &opt.open, 0, &disk);
	if (rc)
		return rc;
	confine_reader_opened();
	if (opt.svg)
		rc = draw(disk, path);
	else if (opt.json)
		rc = print_json(disk, path);
	else
		rc = print_table(disk, path);
	vhd_disk_close(disk);
	return rc;
}

const struct command map_command = {
	.name = "map",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "show where the disk's bytes are stored",
	.description =
		"Lists the extents of the virtual disk: where each begins, "
		"how long it is, which layer stores it and where in that "
		"layer's file. Adjacent equal extents are merged. The "
		"image itself is layer 0, its parent layer 1.",
	.options = options,
	.examples = "  vhdtool map --allocated disk.vhdx\n"
		    "  vhdtool map --svg layout.svg snapshot.avhdx",
	.exits = "  0  listed\n"
		 "  1  the image is not readable, or its block table is "
		 "damaged\n"
		 "  2  wrong usage",
	.run = run,
};

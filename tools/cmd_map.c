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
	bool begun;
};

static bool skipped(const struct vhd_extent *extent)
{
	return opt.allocated && extent->kind != VHD_EXTENT_DATA;
}

static int add_json(void *ctx, const struct vhd_extent *extent)
{
	struct list *list = ctx;
	bool data = extent->kind == VHD_EXTENT_DATA;
	json_t *out;

	if (skipped(extent))
		return TOOL_DONE;
	out = json_new_object();
	json_put_size(out, "start", extent->start);
	json_put_size(out, "length", extent->length);
	json_put_size(out, "depth", extent->depth);
	json_put_bool(out, "present", data);
	json_put_bool(out, "zero", !data);
	json_put_bool(out, "data", data);
	if (data)
		json_put_size(out, "offset", extent->offset);
	fputs(list->begun ? ",\n" : "", list->out);
	json_dumpf(out, list->out, 0);
	json_decref(out);
	list->begun = true;
	return TOOL_DONE;
}

static int print_json(struct vhd_disk *disk, const char *path)
{
	struct list list = {.out = output_spool()};
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

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool dump: every structure of an image field by field, also of a damaged
 * one. Printed as it comes; JSON waits in a spool file.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "confine_image.h"
#include "diag.h"
#include "escape.h"
#include "json.h"
#include "open.h"
#include "output.h"

static struct {
	struct open_options open;
	bool json;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .target = &opt.json,
	 .help = "one JSON document"},
	{.name = "force-share",
	 .kind = OPTION_FLAG,
	 .target = &opt.open.force_share,
	 .help = "read even if another program writes the image"},
	{0},
};

/* The structure the last field belonged to. */
struct place {
	char structure[64];
	uint64_t base;
	bool begun;
	FILE *spool;
	json_t *current; /* its JSON */
};

/* True once for each structure. */
static bool enter(struct place *place, const struct vhd_field *field)
{
	if (place->begun && place->base == field->base &&
	    strcmp(place->structure, field->structure) == 0)
		return false;
	place->begun = true;
	place->base = field->base;
	snprintf(place->structure, sizeof(place->structure), "%s",
		 field->structure);
	return true;
}

static void print_field(void *ctx, const struct vhd_field *field)
{
	struct place *place = ctx;
	bool first = !place->begun;
	char *value = escape(field->value);

	if (enter(place, field))
		printf("%s%s at byte %" PRIu64 " (0x%" PRIx64 ")\n",
		       first ? "" : "\n", field->structure, field->base,
		       field->base);
	printf("  %#10" PRIx64 "  +%-5u %5u  %-24s %s\n",
	       field->base + field->offset, field->offset, field->size,
	       field->name, value);
	free(value);
}

static void spool_current(struct place *place, bool last)
{
	if (!place->current)
		return;
	json_write(place->current, JSON_INDENT(4), place->spool);
	fputs(last ? "\n" : ",\n", place->spool);
	place->current = NULL;
}

static void begin_structure(struct place *place, const struct vhd_field *field)
{
	spool_current(place, false);
	place->current = json_new_object();
	json_put_text(place->current, "structure", field->structure);
	json_put_size(place->current, "offset", field->base);
	json_put(place->current, "fields", json_new_array());
}

static void add_field(void *ctx, const struct vhd_field *field)
{
	struct place *place = ctx;
	json_t *out = json_new_object();

	if (enter(place, field))
		begin_structure(place, field);
	json_put_text(out, "name", field->name);
	json_put_size(out, "offset", field->offset);
	json_put_size(out, "size", field->size);
	json_put_text(out, "value", field->value);
	json_add(json_object_get(place->current, "fields"), out);
}

static int dump_json(struct vhd_file *file, int format, const char *path)
{
	struct place place = {.spool = output_spool()};
	struct vhd_diag diag = {0};
	int rc;

	if (!place.spool)
		return TOOL_FAILED;
	fputs("[\n", place.spool);
	rc = vhd_image_dump(file, format, add_field, &place, &diag);
	spool_current(&place, true);
	fputs("]\n", place.spool);
	if (!rc)
		return output_spool_finish(place.spool);
	fclose(place.spool);
	return diag_failure(path, rc, &diag);
}

static int dump_text(struct vhd_file *file, int format, const char *path)
{
	struct place place = {0};
	struct vhd_diag diag = {0};
	int rc = vhd_image_dump(file, format, print_field, &place, &diag);

	return rc ? diag_failure(path, rc, &diag) : TOOL_DONE;
}

static int run(const char *const *arguments)
{
	struct vhd_file *file;
	int format, rc;

	if (opt.json && output_spool_prepare())
		return TOOL_FAILED;
	confine_reader(arguments, 1, &opt.open, NULL);
	rc = open_file(arguments[0], &opt.open, &file, &format);
	if (rc)
		return rc;
	confine_reader_opened();
	rc = opt.json ? dump_json(file, format, arguments[0])
		      : dump_text(file, format, arguments[0]);
	vhd_file_close(file);
	return rc;
}

const struct command dump_command = {
	.name = "dump",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "show every structure of an image, field by field",
	.description =
		"Shows every on-disk structure: file offset, offset in the "
		"structure, size, name and value of each field. Works on "
		"damaged images too: what makes no sense is said. If "
		"neither -f nor the extension tell the format, the content "
		"is asked.",
	.options = options,
	.examples = "  vhdtool dump disk.vhd\n"
		    "  vhdtool dump --json disk.vhdx | jq '.[].structure'",
	.exits = "  0  shown\n  1  not readable\n  2  wrong usage",
	.run = run,
};

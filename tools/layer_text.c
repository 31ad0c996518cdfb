/* SPDX-License-Identifier: BSD-2-Clause */
/* A layer as `info` shows it to a person: "label: value" lines. */
#include "layer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "diag.h"
#include "escape.h"
#include "format.h"
#include "memory.h"
#include "size.h"

static void line(const char *label, const char *format, ...) DIAG_FORMAT(2);

static void line(const char *label, const char *format, ...)
{
	char text[2048], *safe;
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	safe = escape(text);
	printf("%-16s%s\n", label, safe);
	free(safe);
}

static void line_size(const char *label, uint64_t bytes)
{
	char text[SIZE_TEXT_SIZE];

	if (bytes < 1024)
		line(label, "%" PRIu64 " bytes", bytes);
	else
		line(label, "%s (%" PRIu64 " bytes)", size_text(bytes, text),
		     bytes);
}

static void line_if(const char *label, const char *text)
{
	if (*text)
		line(label, "%s", text);
}

static void print_sizes(const struct vhd_image_info *info)
{
	line_size("virtual size:", info->virtual_size);
	line_size("file size:", info->file_size);
	line_size("on host:", info->allocated_size);
	line("sector size:", "%u logical, %u physical",
	     info->logical_sector_size, info->physical_sector_size);
}

static void print_blocks(const struct layer *layer)
{
	const struct vhd_image_usage *usage = &layer->usage;
	char text[SIZE_TEXT_SIZE];

	if (!layer->info.total_blocks)
		return;
	line("block size:", "%s", size_text(layer->info.block_size, text));
	if (!layer->usage_known) {
		line("blocks:", "%" PRIu64 ", stored: unknown, %s",
		     layer->info.total_blocks,
		     layer->usage_skipped
			     ? "the block table is large (--count counts)"
			     : "the block table is damaged");
		return;
	}
	line("blocks:", "%" PRIu64 ", stored: %" PRIu64,
	     layer->info.total_blocks, usage->allocated_blocks);
	if (usage->partial_blocks)
		line("", "partially: %" PRIu64, usage->partial_blocks);
	if (usage->allocated_blocks)
		line("alignment:",
		     "%" PRIu64 " of %" PRIu64
		     " stored blocks have data on 4 KiB",
		     usage->aligned_blocks, usage->allocated_blocks);
}

static void print_time(int64_t seconds)
{
	char text[64];
	time_t t = (time_t)seconds;
	struct tm tm;

	if (seconds == 0 || !gmtime_r(&t, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
		return;
	line("created:", "%s", text);
}

static void print_creator(const struct vhd_image_info *info)
{
	if (info->format != VHD_FORMAT_VHD) {
		line_if("creator:", info->creator);
		return;
	}
	line("creator:", "\"%s\" version %u.%u%s%s", info->creator,
	     info->creator_version >> 16, info->creator_version & 0xffff,
	     info->creator_name[0] ? ", " : "", info->creator_name);
	print_time(info->timestamp);
	line("geometry:", "%u cylinders, %u heads, %u sectors", info->cylinders,
	     info->heads, info->sectors);
}

static void print_log(const struct vhd_image_info *info)
{
	char text[SIZE_TEXT_SIZE];
	const char *state = "clean";

	if (info->format != VHD_FORMAT_VHDX)
		return;
	if (info->conditions & VHD_COND_LOG_INVALID)
		state = "invalid: named by the header, but without entries";
	else if (info->conditions & VHD_COND_LOG_DIRTY)
		state = "dirty: holds updates that need replay";
	line("log:", "%s, %s", size_text(info->log_length, text), state);
}

static void print_identity(const struct vhd_image_info *info)
{
	line_if("id:", info->id_text);
	if (info->format == VHD_FORMAT_VHDX) {
		line_if("data write id:", info->link_id_text);
		line_if("file write id:", info->file_write_id_text);
	}
	print_creator(info);
}

/* Windows refuses to attach files that NTFS stores in these ways. */
static void print_host(const struct layer *layer)
{
	bool sparse = layer->info.allocated_size < layer->info.file_size;

	if (sparse || layer->compressed)
		line("host file:",
		     "%s%s%s; Windows refuses such a file until it is copied "
		     "in full",
		     sparse ? "sparse" : "",
		     sparse && layer->compressed ? " and " : "",
		     layer->compressed ? "compressed" : "");
}

static void print_locators(const struct layer *layer)
{
	struct vhd_parent_hint *hint = tool_zalloc(sizeof(*hint));
	int rc = 0;

	for (unsigned i = 0; rc == 0 || rc == VHD_E_NOENT; i++) {
		rc = vhd_image_parent_hint(layer->image, i, hint);
		if (rc == 0)
			line("  locator:", "%s: %s%s", hint->key, hint->stored,
			     hint->path[0] ? "" : " (not usable here)");
	}
	layer_warn(layer, "the parent locators", rc);
	free(hint);
}

static void print_parent(const struct layer *layer)
{
	const struct chain_link *link = &layer->link;

	if (link->verdict == CHAIN_BASE)
		return;
	line("parent:", "%s (%s)", link->path,
	     chain_verdict_text(link->verdict));
	if (link->verdict != CHAIN_MATCH)
		line_if("", link->why.text);
	line_if("parent id:", layer->info.parent_id_text);
	print_locators(layer);
}

static void print_metadata(struct vhd_image *image)
{
	struct vhd_metadata_item item;

	for (unsigned i = 0; !vhd_image_metadata(image, i, &item); i++)
		if (item.user)
			line("user metadata:", "%s, %u bytes", item.id_text,
			     item.length);
}

static void print_conditions(uint32_t conditions)
{
	for (uint32_t bit = 1; bit; bit <<= 1) {
		const char *structure = NULL;
		const char *text = vhd_condition_text(bit, NULL, &structure);

		if ((conditions & bit) && text)
			line("note:", "%s: %s", structure, text);
	}
}

void layer_print(const struct layer *layer)
{
	line("image:", "%s", layer->path);
	line("format:", "%s, %s", format_name(layer->info.format),
	     format_type_name(layer->info.type));
	print_sizes(&layer->info);
	print_blocks(layer);
	print_identity(&layer->info);
	print_log(&layer->info);
	print_metadata(layer->image);
	print_host(layer);
	print_parent(layer);
	line("chain length:", "%u%s", layer->chain_length,
	     layer->link.verdict == CHAIN_MISSING ? " (incomplete)" : "");
	print_conditions(layer->info.conditions);
}

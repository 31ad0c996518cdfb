/* SPDX-License-Identifier: BSD-2-Clause */
/* The structures of a VHDX, as tables of fields. vhdx.md 3 to 6, 9, 13 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "core/guid.h"
#include "core/vhdx_log.h"
#include "core/vhdx_open.h"
#include "dump.h"
#include "hint.h"

#define H(name, kind)                                                          \
	{                                                                      \
#		name, offsetof(struct vhdx_header_disk, name),                \
			sizeof(((struct vhdx_header_disk *)0)->name),          \
			VHD_DUMP_##kind                                        \
	}
#define R(name, kind)                                                          \
	{                                                                      \
#		name, offsetof(struct vhdx_region_disk, name),                \
			sizeof(((struct vhdx_region_disk *)0)->name),          \
			VHD_DUMP_##kind                                        \
	}
#define M(name, kind)                                                          \
	{                                                                      \
#		name, offsetof(struct vhdx_metadata_entry_disk, name),        \
			sizeof(((struct vhdx_metadata_entry_disk *)0)->name),  \
			VHD_DUMP_##kind                                        \
	}
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct vhd_dump_row identifier_rows[] = {
	{"signature", 0, 8, VHD_DUMP_TEXT},
	{"creator", 8, 512, VHD_DUMP_UTF16LE},
};

static const struct vhd_dump_row header_rows[] = {
	H(signature, TEXT),       H(checksum, LE),          H(sequence, LE),
	H(file_write_guid, GUID), H(data_write_guid, GUID), H(log_guid, GUID),
	H(log_version, LE),       H(version, LE),           H(log_length, LE),
	H(log_offset, LE),        H(reserved, BYTES),
};

static const struct vhd_dump_row region_table_rows[] = {
	{"signature", 0, 4, VHD_DUMP_TEXT},
	{"checksum", 4, 4, VHD_DUMP_LE},
	{"count", 8, 4, VHD_DUMP_LE},
};

static const struct vhd_dump_row region_rows[] = {
	R(guid, GUID),
	R(offset, LE),
	R(length, LE),
	R(required, LE),
};

static const struct vhd_dump_row metadata_rows[] = {
	{"signature", 0, 8, VHD_DUMP_TEXT},
	{"count", 10, 2, VHD_DUMP_LE},
};

static const struct vhd_dump_row item_rows[] = {
	M(id, GUID),
	M(offset, LE),
	M(length, LE),
	M(flags, LE),
};

static void dump_header(struct vhd_dump *d, const char *name, uint64_t at)
{
	struct vhdx_header header;

	if (!vhd_dump_read(d, name, at, VHDX_HEADER_SIZE))
		return;
	vhd_dump_rows(d, name, at, d->buf, header_rows, COUNT(header_rows));
	if (!vhdx_header_decode(d->buf, &header))
		vhd_dump_note(d, name, at, "(damaged)",
			      "the signature or the checksum is wrong");
}

static const char *region_name(const uint8_t *guid)
{
	if (!memcmp(guid, vhdx_region_bat.b, 16))
		return "BAT";
	if (!memcmp(guid, vhdx_region_metadata.b, 16))
		return "metadata";
	return "unknown";
}

static void dump_regions(struct vhd_dump *d, const char *name, uint64_t at)
{
	const struct vhdx_region_table_disk *disk = (const void *)d->buf;
	struct vhd_source source;
	uint32_t count;

	if (vhd_file_source(d->file, &source) ||
	    !vhd_dump_read(d, name, at, VHDX_REGION_TABLE_SIZE))
		return;
	vhd_dump_rows(d, name, at, d->buf, region_table_rows,
		      COUNT(region_table_rows));
	count = le32_get(disk->count);
	if (!vhdx_region_table_usable(&source, at, d->buf)) {
		vhd_dump_note(d, name, at, "(damaged)",
			      "the signature, checksum or count is wrong");
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		uint32_t from = (uint32_t)(sizeof(*disk) +
					   i * sizeof(struct vhdx_region_disk));
		char entry[64];

		snprintf(entry, sizeof(entry), "%s, entry %" PRIu32 " (%s)",
			 name, i, region_name(d->buf + from));
		vhd_dump_rows(d, entry, at + from, d->buf + from, region_rows,
			      COUNT(region_rows));
	}
}

static void dump_locator(struct vhd_dump *d, const struct vhdx_meta *meta)
{
	static const char name[] = "VHDX parent locator";
	uint64_t at = meta->metadata.locator_offset;
	struct vhdx_locator locator;
	struct vhd_source source;

	if (!at)
		return;
	if (vhd_file_source(d->file, &source) ||
	    vhdx_locator_read(&source, &meta->metadata, d->buf, VHDX_SCRATCH,
			      &locator, NULL)) {
		vhd_dump_note(d, name, at, "(missing)", "cannot be read");
		return;
	}
	for (uint32_t i = 0; i < locator.count; i++) {
		char key[64], value[1024], k[128], v[1024];

		if (!vhdx_locator_entry(&locator, i, key, sizeof(key), value,
					sizeof(value)))
			continue;
		vhd_escape(key, k, sizeof(k));
		vhd_escape(value, v, sizeof(v));
		vhd_dump_note(d, name, at, k, v);
	}
}

/* the value of one known item, as its length suggests */
static void dump_item_value(struct vhd_dump *d, const char *structure,
			    uint64_t at, const struct vhdx_metadata_entry *e)
{
	uint8_t bytes[16] = {0};
	const struct vhd_dump_row integer = {"value", 0, e->length,
					     VHD_DUMP_LE};
	const struct vhd_dump_row guid = {"value", 0, 16, VHD_DUMP_GUID};

	if (!e->length || e->length > sizeof(bytes) ||
	    !vhd_inside(at, e->length, d->file_size))
		return;
	if (vhd_file_read(d->file, at, bytes, e->length)) {
		vhd_dump_note(d, structure, at, "value", "cannot be read");
		return;
	}
	vhd_dump_rows(d, structure, at, bytes,
		      e->length == 16 ? &guid : &integer, 1);
}

/* the first bytes of an item that only its maker understands */
static void dump_user_item(struct vhd_dump *d, const char *structure,
			   uint64_t at, const struct vhdx_metadata_entry *e)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t bytes[32];
	char text[3 * sizeof(bytes) + 8], *out = text;
	uint32_t n = (uint32_t)vhd_min(e->length, sizeof(bytes));

	if (!n || !vhd_inside(at, e->length, d->file_size))
		return;
	if (vhd_file_read(d->file, at, bytes, n)) {
		vhd_dump_note(d, structure, at, "value", "cannot be read");
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		*out++ = hex[bytes[i] >> 4];
		*out++ = hex[bytes[i] & 15];
		*out++ = ' ';
	}
	memcpy(out - 1, n < e->length ? " ..." : "", n < e->length ? 5 : 1);
	vhd_dump_note(d, structure, at, "value", text);
}

static void dump_items(struct vhd_dump *d, const struct vhdx_region *region)
{
	static const char name[] = "VHDX metadata table";
	const struct vhdx_metadata_table_disk *disk = (const void *)d->buf;
	uint32_t count;

	if (!vhd_dump_read(d, name, region->offset, VHDX_METADATA_TABLE_SIZE))
		return;
	vhd_dump_rows(d, name, region->offset, d->buf, metadata_rows,
		      COUNT(metadata_rows));
	count = le16_get(disk->count);
	if (count > VHDX_METADATA_COUNT_MAX) {
		vhd_dump_note(d, name, region->offset, "(damaged)",
			      "more entries than the table holds");
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct vhdx_metadata_entry e = vhdx_metadata_entry(d->buf, i);
		uint32_t from = (uint32_t)(sizeof(*disk) + i * 32);
		const char *known = vhdx_item_name(&e.id);
		char entry[96];

		snprintf(entry, sizeof(entry),
			 "VHDX metadata item %" PRIu32 " (%s)", i,
			 known && !(e.flags & VHDX_ITEM_USER) ? known
							      : "other");
		vhd_dump_rows(d, entry, region->offset + from, d->buf + from,
			      item_rows, COUNT(item_rows));
		if (e.flags & VHDX_ITEM_USER)
			dump_user_item(d, entry, region->offset + e.offset, &e);
		else
			dump_item_value(d, entry, region->offset + e.offset,
					&e);
	}
}

static void show_log_entry(void *ctx, const struct vhd_log_entry *e)
{
	const struct vhd_dump *d = ctx;
	char value[400];

	snprintf(value, sizeof(value),
		 "sequence %" PRIu64 ", %" PRIu64 " bytes, tail %" PRIu64
		 ", %" PRIu32 " descriptors, flushed %" PRIu64 ", last %" PRIu64
		 ": %s",
		 e->sequence, e->length, e->tail, e->descriptors,
		 e->flushed_file_offset, e->last_file_offset,
		 e->why      ? e->why
		 : e->active ? "active"
			     : "valid, not active");
	vhd_dump_note(d, "VHDX log entry", e->offset, "entry", value);
}

/* metadata at home; with a dirty log the file's own, stale state */
static void dump_metadata(struct vhd_dump *d)
{
	struct vhdx_meta *meta = malloc(sizeof(*meta));
	struct vhd_source source;
	struct vhd_diag why = {0};
	struct vhd_map map;

	if (!meta) {
		vhd_dump_note(d, "image", 0, "(missing)", "out of memory");
		return;
	}
	if (!vhd_file_source(d->file, &source) &&
	    !vhdx_open_headers(&source, d->buf, meta, &why) &&
	    !vhdx_regions_read(&source, &meta->headers.current, d->buf,
			       &meta->regions, &why)) {
		dump_items(d, &meta->regions.metadata);
		if (!vhdx_open_body(&source, d->buf, meta, &map, &why))
			dump_locator(d, meta);
	}
	if (why.error)
		vhd_dump_note(d, why.structure ? why.structure : "image",
			      why.offset, "(damaged)", why.text);
	free(meta);
}

void vhd_dump_vhdx(struct vhd_dump *d)
{
	struct vhd_diag why = {0};
	struct vhd_log_info info;

	if (vhd_dump_read(d, "VHDX file identifier", 0, VHDX_IDENTIFIER_SIZE))
		vhd_dump_rows(d, "VHDX file identifier", 0, d->buf,
			      identifier_rows, COUNT(identifier_rows));
	dump_header(d, "VHDX header 1", VHDX_HEADER1_OFFSET);
	dump_header(d, "VHDX header 2", VHDX_HEADER2_OFFSET);
	dump_regions(d, "VHDX region table 1", VHDX_REGION_TABLE1);
	dump_regions(d, "VHDX region table 2", VHDX_REGION_TABLE2);
	dump_metadata(d);
	if (vhd_image_log(d->file, show_log_entry, d, &info, &why))
		vhd_dump_note(d, "VHDX log", why.offset, "(missing)", why.text);
}

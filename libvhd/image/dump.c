/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine behind `vhdtool dump`. It shows what is there, damaged or not, so
 * it reads structures itself instead of opening the image; only the block
 * table, which needs everything else to be right, comes from an open.
 */
#include "dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/checked.h"
#include "core/diag.h"
#include "core/guid.h"
#include "core/utf16.h"
#include "core/vhd1_footer.h"
#include "core/vhdx_bat.h"
#include "core/vhdx_open.h"
#include "hint.h"
#include "layer.h"
#include "table.h"

void vhd_dump_note(const struct vhd_dump *d, const char *structure,
		   uint64_t base, const char *name, const char *value)
{
	const struct vhd_field field = {
		.structure = structure,
		.base = base,
		.name = name,
		.value = value,
	};

	d->field(d->ctx, &field);
}

bool vhd_dump_read(const struct vhd_dump *d, const char *structure,
		   uint64_t base, size_t size)
{
	if (!vhd_inside(base, size, d->file_size)) {
		vhd_dump_note(d, structure, base, "(missing)",
			      "lies outside the file");
		return false;
	}
	if (vhd_file_read(d->file, base, d->buf, size)) {
		vhd_dump_note(d, structure, base, "(missing)",
			      "cannot be read");
		return false;
	}
	return true;
}

static uint64_t integer(const uint8_t *p, uint32_t size, bool big_endian)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < size; i++)
		v = v << 8 | p[big_endian ? i : size - 1 - i];
	return v;
}

static void format_integer(uint64_t v, char *out, size_t size)
{
	snprintf(out, size, "%" PRIu64 " (0x%" PRIx64 ")", v, v);
}

static void format_time(uint64_t v, char *out, size_t size)
{
	time_t t = (time_t)(v + VHD1_EPOCH);
	struct tm tm;
	char text[32] = "";

	if (gmtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	snprintf(out, size, "%" PRIu64 " (%s)", v, text);
}

static void format_bytes(const uint8_t *p, uint32_t size, char *out,
			 size_t room)
{
	uint32_t used = 0, last = size;

	while (last && !p[last - 1])
		last--;
	if (!last) {
		snprintf(out, room, "zero");
		return;
	}
	for (uint32_t i = 0; i < last && used + 8 < room; i++)
		used += (uint32_t)snprintf(out + used, room - used, "%02x",
					   p[i]);
	if (used + 8 >= room)
		snprintf(out + used, room - used, "...");
}

static void format_text(const uint8_t *p, uint32_t size, char *out, size_t room)
{
	char text[64];

	size = size < sizeof(text) - 1 ? size : (uint32_t)sizeof(text) - 1;
	memcpy(text, p, size);
	text[size] = '\0';
	vhd_escape(text, out, room);
}

static void format(const struct vhd_dump_row *row, const uint8_t *p, char *out,
		   size_t room)
{
	struct vhd_guid guid = {{0}};

	if (row->kind == VHD_DUMP_GUID || row->kind == VHD_DUMP_ID)
		memcpy(guid.b, p, 16);
	switch (row->kind) {
	case VHD_DUMP_TEXT:
		format_text(p, row->size, out, room);
		break;
	case VHD_DUMP_BE:
	case VHD_DUMP_LE:
		format_integer(integer(p, row->size, row->kind == VHD_DUMP_BE),
			       out, room);
		break;
	case VHD_DUMP_GUID:
		vhd_guid_text(&guid, out);
		break;
	case VHD_DUMP_ID:
		vhd1_id_text(&guid, out);
		break;
	case VHD_DUMP_UTF16BE:
		vhd_utf16_display(p, row->size, VHD_UTF16_BE, out, room);
		break;
	case VHD_DUMP_UTF16LE:
		vhd_utf16_display(p, row->size, VHD_UTF16_LE, out, room);
		break;
	case VHD_DUMP_TIME:
		format_time(integer(p, row->size, true), out, room);
		break;
	case VHD_DUMP_BYTES:
		format_bytes(p, row->size, out, room);
		break;
	}
}

void vhd_dump_rows(const struct vhd_dump *d, const char *structure,
		   uint64_t base, const uint8_t *bytes,
		   const struct vhd_dump_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char value[1024] = "";
		const struct vhd_field field = {
			.structure = structure,
			.base = base,
			.name = rows[i].name,
			.offset = rows[i].offset,
			.size = rows[i].size,
			.value = value,
		};

		format(&rows[i], bytes + rows[i].offset, value, sizeof(value));
		d->field(d->ctx, &field);
	}
}

static const char *state_name(const struct vhd_table_entry *e, bool vhdx)
{
	static const char *const names[8] = {
		"NOT_PRESENT",   "UNDEFINED",         "ZERO",
		"UNMAPPED",      "reserved (4)",      "reserved (5)",
		"FULLY_PRESENT", "PARTIALLY_PRESENT",
	};

	if (!vhdx)
		return "allocated";
	return e->is_bitmap ? "sector bitmap"
			    : names[vhdx_entry_state(e->block.raw)];
}

struct table_dump {
	const struct vhd_dump *d;
	bool vhdx;
};

static int show_entry(void *ctx, const struct vhd_table_entry *e)
{
	const struct table_dump *t = ctx;
	char name[48], value[400];
	const struct vhd_field field = {
		.structure = "block table (BAT)",
		.base = e->block.entry,
		.name = name,
		.size = t->vhdx ? 8 : 4,
		.value = value,
	};

	snprintf(name, sizeof(name), "%s[%" PRIu64 "]",
		 e->is_bitmap ? "chunk" : "block", e->index);
	if (e->error)
		snprintf(value, sizeof(value), "0x%" PRIx64 ": %s",
			 e->block.raw, e->diag->text);
	else
		snprintf(value, sizeof(value),
			 "0x%" PRIx64 ": %s at offset %" PRIu64, e->block.raw,
			 state_name(e, t->vhdx), e->owned);
	t->d->field(t->d->ctx, &field);
	return 0;
}

void vhd_dump_table(const struct vhd_dump *d, int format_id)
{
	const struct vhd_image_options options = {
		.size = sizeof(options),
		.format = format_id,
	};
	struct table_dump t = {d, format_id == VHD_FORMAT_VHDX};
	struct vhd_diag why = {0};
	struct vhd_image *image;

	if (vhd_image_open(d->file, &options, &image, &why)) {
		vhd_dump_note(d, why.structure ? why.structure : "image",
			      why.offset, "(cannot be opened)", why.text);
		return;
	}
	if (vhd_table_walk(image, show_entry, &t, &why))
		vhd_dump_note(d, "block table (BAT)", why.offset, "(stopped)",
			      why.text);
	vhd_image_detach(image);
}

int vhd_image_dump(struct vhd_file *file, int format_id, vhd_field_fn *field,
		   void *ctx, struct vhd_diag *diag)
{
	struct vhd_dump d = {.file = file, .field = field, .ctx = ctx};
	int rc = vhd_file_size(file, &d.file_size);

	if (rc)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				"its size cannot be found");
	d.buf = malloc(VHDX_SCRATCH);
	if (!d.buf)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_NOMEM));
	if (format_id == VHD_FORMAT_VHD)
		vhd_dump_vhd1(&d);
	else if (format_id == VHD_FORMAT_VHDX)
		vhd_dump_vhdx(&d);
	else
		rc = vhd_fail(diag, VHD_E_UNSUPPORTED, NULL, VHD_NO_OFFSET,
			      "a raw disk has no structures to show");
	if (!rc && format_id != VHD_FORMAT_RAW)
		vhd_dump_table(&d, format_id);
	free(d.buf);
	return rc;
}

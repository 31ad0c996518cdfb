/* SPDX-License-Identifier: BSD-2-Clause */
/* The order is in mend_entries.h. */
#include "mend_entries.h"

#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "core/bytes.h"
#include "core/checked.h"
#include "core/vhdx_bat.h"
#include "table.h"
#include "vhdx_patch.h"

#define COPY_PIECE ((size_t)1 << 20)
/* a block of a VHD starts below 2 TiB: its sector number has 32 bits */
#define VHD1_START_MAX ((uint64_t)0xFFFFFFFE * 512)

static const char bat_name[] = "block table (BAT)";

/* clang-format off */
static const struct vhd_mend_kind no_room = {"bat-overlap",
	"the block shared its space with another one, and the format has no "
	"room for a copy: the entry was cleared and the block is lost", false};
/* clang-format on */

static bool is_vhd1(const struct vhd_changes *t)
{
	return t->image->format == VHD_FORMAT_VHD;
}

int vhd_changes_add(struct vhd_changes *t, const struct vhd_change *c)
{
	if (t->count == t->room) {
		size_t room = t->room ? 2 * t->room : 64;
		struct vhd_change *items =
			realloc(t->items, room * sizeof(*items));

		if (!items)
			return VHD_E_NOMEM;
		t->items = items;
		t->room = room;
	}
	t->items[t->count++] = *c;
	return 0;
}

void vhd_changes_free(struct vhd_changes *t)
{
	free(t->items);
}

void vhd_change_lose(const struct vhd_image *image, uint64_t block,
		     struct vhd_change *c)
{
	c->lost_at = block << image->map.block_shift;
	c->lost = vhd_map_block_need(&image->map, block);
}

uint64_t vhd_change_empty(const struct vhd_image *image)
{
	if (image->format == VHD_FORMAT_VHD)
		return UINT32_MAX;
	return image->map.has_parent ? VHDX_NOT_PRESENT : VHDX_ZERO;
}

/* a VHD's footer; until the table is sound the copy at 0 may stand in */
static int load_footer(struct vhd_changes *t)
{
	t->has_footer =
		is_vhd1(t) && !(t->image->conditions & VHD_COND_FOOTER_LOST);
	return t->has_footer ? vhd_file_read(t->m->file, t->image->map.limit,
					     t->footer, sizeof(t->footer))
			     : 0;
}

/* the file ends with the footer again, durably */
static int put_footer(struct vhd_changes *t)
{
	uint64_t size;
	int rc = vhd_file_size(t->m->file, &size);

	if (!rc && t->has_footer)
		rc = vhd_file_write(t->m->file, vhd_round_up(size, VHD1_SECTOR),
				    t->footer, sizeof(t->footer));
	return rc ? rc : vhd_file_flush(t->m->file);
}

/*
 * Bytes are added behind a VHD's footer only after it was cut off: it must not
 * turn up inside a block.
 */
static int extend_file(struct vhd_changes *t)
{
	struct vhd_file *file = t->m->file;
	int rc = 0;

	if (!t->extended)
		return 0;
	if (t->has_footer) {
		rc = vhd_file_resize(file, t->image->map.limit);
		if (!rc)
			rc = vhd_file_flush(file);
	}
	if (!rc)
		rc = vhd_file_resize(file, t->extended);
	return rc ? rc : put_footer(t);
}

/* what a clear bit hides, unless it is zeros as the new place is */
static int copy_hidden(struct vhd_changes *t, uint64_t from, uint64_t to)
{
	uint8_t sector[VHD1_SECTOR];
	int rc = vhd_file_read(t->m->file, from, sector, sizeof(sector));

	if (rc || (!sector[0] && !memcmp(sector, sector + 1, VHD1_SECTOR - 1)))
		return rc;
	return vhd_file_write(t->m->file, to, sector, sizeof(sector));
}

/* No payload, but what later steps look at: a VHD's bitmap, and what it says
 * was never written. */
static int copy_dry(struct vhd_changes *t, uint64_t from, uint64_t to,
		    uint64_t length, uint8_t *bits)
{
	const struct vhd_map *map = &t->image->map;
	uint32_t bitmap = map->bitmap_bytes;
	uint64_t count = (length - bitmap) / VHD1_SECTOR;
	int rc;

	if (!is_vhd1(t) || !bitmap || bitmap > COPY_PIECE)
		return 0;
	rc = vhd_file_read(t->m->file, from, bits, bitmap);
	if (!rc)
		rc = vhd_file_write(t->m->file, to, bits, bitmap);
	for (uint64_t i = 0; i < count && !map->has_parent && !rc; i++) {
		uint64_t at = bitmap + i * VHD1_SECTOR;

		if (!(bits[i / 8] & 0x80 >> i % 8))
			rc = copy_hidden(t, from + at, to + at);
	}
	return rc;
}

static int copy_bytes(struct vhd_changes *t, uint64_t from, uint64_t to,
		      uint64_t length, uint8_t *buf)
{
	int rc = 0;

	if (t->m->options->dry_run)
		return copy_dry(t, from, to, length, buf);
	while (length && !rc) {
		size_t n = (size_t)vhd_min(length, COPY_PIECE);

		rc = vhd_file_read(t->m->file, from, buf, n);
		if (!rc)
			rc = vhd_file_write(t->m->file, to, buf, n);
		from += n;
		to += n;
		length -= n;
	}
	return rc;
}

/* the next place for a copy at or behind `at` */
static uint64_t copy_place(const struct vhd_changes *t, uint64_t at)
{
	uint64_t bitmap = t->image->map.bitmap_bytes;

	return is_vhd1(t) ? vhd_round_up(at + bitmap, 4096) - bitmap
			  : vhd_round_up(at, VHDX_ALIGN);
}

/* no place that an entry could name: the later block is given up */
static void give_up(struct vhd_changes *t, struct vhd_change *c)
{
	const struct vhd_map *map = &t->image->map;
	uint64_t index = (c->entry - map->bat_offset) /
			 (is_vhd1(t) ? 4 : VHDX_BAT_ENTRY_SIZE);

	if (!is_vhd1(t))
		index -= index / (((uint64_t)1 << map->chunk_shift) + 1);
	c->kind = &no_room;
	c->value = vhd_change_empty(t->image);
	c->length = 0;
	vhd_change_lose(t->image, index, c);
}

static int place_copy(struct vhd_changes *t, struct vhd_change *c, uint64_t *at,
		      uint8_t *buf)
{
	uint64_t to = copy_place(t, *at);
	uint64_t most = is_vhd1(t) ? VHD1_START_MAX : VHD_CLAIMS_FILE_MAX;
	uint64_t room = vhd_max(vhd_table_place(t->image), c->length);
	int rc;

	if (to + room > most) {
		give_up(t, c);
		return 0;
	}
	rc = vhd_file_resize(t->m->file, to + room);
	if (!rc)
		rc = copy_bytes(t, c->from, to, c->length, buf);
	c->value = is_vhd1(t) ? to / VHD1_SECTOR : to | c->value;
	*at = to + room;
	return rc;
}

static int copy_blocks(struct vhd_changes *t)
{
	uint8_t *buf = malloc(COPY_PIECE);
	bool any = false;
	uint64_t at;
	int rc = buf ? vhd_file_size(t->m->file, &at) : VHD_E_NOMEM;

	for (size_t i = 0; i < t->count && !rc; i++) {
		if (!t->items[i].length)
			continue;
		any = true;
		rc = place_copy(t, &t->items[i], &at, buf);
	}
	free(buf);
	return rc || !any ? rc : put_footer(t);
}

static int by_entry(const void *a, const void *b)
{
	const struct vhd_change *x = a, *y = b;

	return (x->entry > y->entry) - (x->entry < y->entry);
}

/* each entry lies in one sector, which is old or new */
static int put_vhd1(struct vhd_changes *t)
{
	int rc = 0;

	for (size_t i = 0; i < t->count && !rc; i++) {
		be32 value = be32_of((uint32_t)t->items[i].value);

		if (!t->items[i].same)
			rc = vhd_file_write(t->m->file, t->items[i].entry,
					    &value, sizeof(value));
	}
	return rc ? rc : vhd_file_flush(t->m->file);
}

static int put_vhdx(struct vhd_changes *t)
{
	struct vhdx_patch patch;
	bool content = false;
	int rc;

	for (size_t i = 0; i < t->count; i++)
		content |= !t->items[i].kind->lossless;
	rc = vhdx_patch_begin(&patch, t->image, content);
	for (size_t i = 0; i < t->count && !rc; i++) {
		le64 value = le64_of(t->items[i].value);

		if (!t->items[i].same)
			rc = vhdx_patch_put(&patch, t->items[i].entry, &value,
					    sizeof(value));
	}
	return vhdx_patch_end(&patch, rc);
}

int vhd_changes_make(struct vhd_changes *t)
{
	int rc = load_footer(t);

	if (!rc)
		rc = extend_file(t);
	if (!rc)
		rc = copy_blocks(t);
	if (rc)
		return rc;
	qsort(t->items, t->count, sizeof(*t->items), by_entry);
	return is_vhd1(t) ? put_vhd1(t) : put_vhdx(t);
}

void vhd_changes_report(const struct vhd_changes *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct vhd_change *c = &t->items[i];
		const struct vhd_fault fault = {
			.code = c->kind->code,
			.structure = bat_name,
			.offset = c->entry,
			.severity = c->lost ? VHD_SEVERITY_CORRUPT
					    : VHD_SEVERITY_ERROR,
			.message = c->kind->message,
			.repairable = c->kind->lossless
					      ? VHD_REPAIRABLE_LOSSLESS
					      : VHD_REPAIRABLE_SALVAGE,
			.start = c->lost_at,
			.length = c->lost,
		};

		t->m->mended(t->m->ctx, &fault);
	}
}

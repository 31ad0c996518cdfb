/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VHDX (vhdx.md 14.5). The size is one item of the metadata region, changed by
 * one log entry.
 *
 *   grow    the table moves to a longer place, if it needs one - entries behind
 *           those in use say what the new blocks are - zeros in the rest of the
 *           old last block - barrier - the size
 *   shrink  the size - no entry of the log will be replayed any more - blocks
 *           behind it are free - their entries and bits are cleared
 *
 * Entries in pages that hold none in use go to the file directly: nothing
 * refers to them, and half a gigabyte of table is more than a log takes. The
 * log must not hold older contents of these pages then (vhdx_journal_settle()).
 */
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/checked.h"
#include "core/vhdx_bat.h"
#include "move.h"
#include "resize.h"
#include "vhdx_edit.h"
#include "vhdx_journal.h"

#define PAGE ((uint64_t)VHD_WINDOW_PAGE)
#define STEP ((size_t)64 << 10)

/* -- entries -----------------------------------------------------------------
 */

static uint64_t entry_at(const struct vhd_image *image, uint64_t index)
{
	return image->map.bat_offset + index * VHDX_BAT_ENTRY_SIZE;
}

static uint64_t table_end(const struct vhd_image *image)
{
	return image->map.bat_offset + image->meta.vhdx.regions.bat.length;
}

/* behind the entry of the last block */
static uint64_t payload_end(const struct vhd_image *image)
{
	const struct vhd_map *map = &image->map;

	return entry_at(image,
			vhdx_payload_index(map->blocks - 1, map->chunk_shift) +
				1);
}

/* the entry of the last sector bitmap block of a child */
static uint64_t last_bitmap(const struct vhd_image *image)
{
	const struct vhd_map *map = &image->map;

	return entry_at(image,
			vhdx_bitmap_index((map->blocks - 1) >> map->chunk_shift,
					  map->chunk_shift));
}

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, length - 1);
}

/* a part of a page that also holds entries in use goes through the log */
static int store_part(struct vhd_image *image, uint64_t at, const void *bytes,
		      size_t length)
{
	const struct vhd_patch patch = {at, bytes, length};

	return vhd_image_patch(image, &patch, 1);
}

/* the first stored byte of [at, end) that is not zero; `end` if there is none
 */
static int find_used(struct vhd_image *image, uint64_t at, uint64_t end,
		     uint64_t *used)
{
	uint8_t *buf = malloc(STEP);
	int rc = buf ? 0 : VHD_E_NOMEM;
	uint64_t stop = at;

	for (size_t n; at < end && !rc; at += n) {
		rc = vhd_file_next_data(image->file, at, &at, &stop);
		if (rc || at >= end || at == stop)
			break;
		n = (size_t)vhd_min(STEP, vhd_min(end, stop) - at);
		rc = vhd_file_read(image->file, at, buf, n);
		if (!rc && !is_zero(buf, n))
			break;
	}
	free(buf);
	*used = at < end && at != stop ? at : end;
	return rc;
}

/* [at, end) of the table, none of it in use; `end` is the end of a page, or
 * an entry in use follows */
static int clear_entries(struct vhd_image *image, uint64_t at, uint64_t end)
{
	static const uint8_t zeros[VHD_WINDOW_PAGE];
	uint64_t first, whole, last, used;
	int rc = at < end ? find_used(image, at, end, &used) : 0;

	if (rc || at >= end || used >= end)
		return rc;
	whole = vhd_min(vhd_round_up(at, PAGE), end);
	last = vhd_max(vhd_round_down(end, PAGE), whole);
	first = vhd_max(whole, vhd_round_down(used, PAGE));
	if (used < whole)
		rc = store_part(image, at, zeros, (size_t)(whole - at));
	if (!rc && last < end)
		rc = store_part(image, last, zeros, (size_t)(end - last));
	if (rc || first >= last)
		return rc;
	vhd_pages_drop(image->pages, first, last - first);
	return vhd_file_punch(image->file, first, last - first);
}

/* what lies behind the entries in use is zeros: "not present" */
static int reset_entries(struct vhd_image *image)
{
	uint64_t at = payload_end(image);
	int rc = vhdx_journal_settle(image);

	if (!rc && image->map.has_parent) {
		rc = clear_entries(image, at, last_bitmap(image));
		at = last_bitmap(image) + VHDX_BAT_ENTRY_SIZE;
	}
	return rc ? rc : clear_entries(image, at, table_end(image));
}

int vhdx_resize_is_done(struct vhd_image *image, bool *done)
{
	uint64_t at = payload_end(image), end = table_end(image), used;
	int rc;

	if (image->map.has_parent)
		at = last_bitmap(image) + VHDX_BAT_ENTRY_SIZE;
	rc = find_used(image, at, end, &used);
	*done = !rc && used == end &&
		image->writer->file_size <= vhd_space_end(image->writer->space);
	return rc;
}

/* -- a longer table ----------------------------------------------------------
 */

static uint64_t table_need(const struct vhd_image *image, uint64_t size)
{
	const struct vhd_map *map = &image->map;

	return vhdx_bat_entries(vhd_shift_up(size, map->block_shift),
				map->chunk_shift, map->has_parent) *
	       VHDX_BAT_ENTRY_SIZE;
}

/* space of the file that reads as zeros */
static int take_space(struct vhd_image *image, uint64_t length,
		      struct vhd_place *out)
{
	struct vhd_writer *w = image->writer;
	int rc;

	pthread_mutex_lock(&w->mutex);
	rc = vhd_write_take(image, length, out);
	if (!rc) {
		rc = w->ops->grow(image, out->offset, out->offset + length);
		if (rc)
			vhd_space_return(w->space, out->offset, length);
	}
	pthread_mutex_unlock(&w->mutex);
	return rc;
}

static void give_back(struct vhd_image *image, uint64_t offset, uint64_t length)
{
	struct vhd_writer *w = image->writer;

	pthread_mutex_lock(&w->mutex);
	vhd_space_return(w->space, offset, length);
	pthread_mutex_unlock(&w->mutex);
}

/* the copy is durable before the region tables name it */
static int move_table(struct vhd_image *image, uint64_t to, uint64_t length)
{
	struct vhdx_regions *regions = malloc(sizeof(*regions));
	uint64_t used = table_need(image, image->map.size);
	int rc = regions ? 0 : VHD_E_NOMEM;

	if (!rc)
		rc = vhd_file_copy(image->file, image->map.bat_offset, to,
				   used);
	if (!rc) {
		*regions = image->meta.vhdx.regions;
		regions->bat.offset = to;
		regions->bat.length = (uint32_t)length;
		vhd_pages_drop(image->pages, to, length);
		rc = vhdx_edit_regions(image, regions);
	}
	free(regions);
	return rc;
}

static int make_room(struct vhd_image *image, uint64_t size)
{
	const struct vhdx_region old = image->meta.vhdx.regions.bat;
	uint64_t need = vhd_round_up(table_need(image, size), VHDX_ALIGN);
	struct vhd_place place;
	int rc;

	if (need <= old.length)
		return 0;
	rc = take_space(image, need, &place);
	if (rc)
		return rc;
	rc = move_table(image, place.offset, need);
	if (image->meta.vhdx.regions.bat.offset == old.offset) {
		give_back(image, place.offset, need);
		return rc;
	}
	vhd_pages_drop(image->pages, old.offset, old.length);
	if (!rc) /* entries of the log may have targets there */
		rc = vhdx_journal_settle(image);
	if (!rc)
		give_back(image, old.offset, old.length);
	return rc;
}

/* -- new blocks --------------------------------------------------------------
 */

/* Entries being written, from one place of the table on. */
struct filling {
	struct vhd_image *image;
	uint64_t at; /* of the first in the buffer */
	size_t used; /* bytes */
	uint8_t *buf;
};

/* a page of the table with entries that count already */
static bool is_in_use(const struct vhd_image *image, uint64_t at)
{
	uint64_t page = vhd_round_down(at, PAGE);

	return page < payload_end(image) ||
	       (image->map.has_parent &&
		page == vhd_round_down(last_bitmap(image), PAGE));
}

static int write_entries(struct filling *f)
{
	struct vhd_image *image = f->image;
	int rc = 0;

	for (size_t from = 0, n; from < f->used && !rc; from += n) {
		uint64_t at = f->at + from;

		n = (size_t)vhd_min(vhd_round_down(at, PAGE) + PAGE - at,
				    f->used - from);
		if (is_in_use(image, at)) {
			rc = store_part(image, at, f->buf + from, n);
			continue;
		}
		rc = vhd_file_write(image->file, at, f->buf + from, n);
		vhd_pages_drop(image->pages, at, n);
	}
	f->at += f->used;
	f->used = 0;
	return rc;
}

static int add_entry(struct filling *f, uint64_t entry)
{
	le64 raw = le64_of(entry);

	memcpy(f->buf + f->used, &raw, sizeof(raw));
	f->used += sizeof(raw);
	return f->used == STEP ? write_entries(f) : 0;
}

/*
 * Entries of blocks [first, end), of which the table knows nothing yet: `entry`
 * for the first one, `step` more for each that follows. Entries of sector
 * bitmap blocks between them stay out of it.
 */
static int add_entries(struct vhd_image *image, uint64_t first, uint64_t end,
		       uint64_t entry, uint64_t step)
{
	uint8_t shift = image->map.chunk_shift;
	uint64_t mask = ((uint64_t)1 << shift) - 1;
	struct filling f = {.image = image, .buf = malloc(STEP)};
	int rc = f.buf ? 0 : VHD_E_NOMEM;

	for (uint64_t b = first; b < end && !rc; b++, entry += step) {
		if (!f.used || !(b & mask)) {
			rc = write_entries(&f);
			f.at = entry_at(image, vhdx_payload_index(b, shift));
		}
		if (!rc)
			rc = add_entry(&f, entry);
	}
	if (!rc)
		rc = write_entries(&f);
	free(f.buf);
	return rc;
}

/* stored zeros, one block behind the other */
static int add_stored(struct vhd_image *image, uint64_t first, uint64_t end)
{
	uint64_t block = (uint64_t)1 << image->map.block_shift;
	struct vhd_place place;
	int rc = take_space(image, (end - first) * block, &place);

	return rc ? rc
		  : add_entries(image, first, end,
				place.offset | VHDX_FULLY_PRESENT, block);
}

/* blocks [first, end), as far as they must be more than "not present" */
static int add_blocks(struct vhd_image *image, uint64_t first, uint64_t end)
{
	if (first >= end)
		return 0;
	if (image->type == VHD_TYPE_FIXED)
		return add_stored(image, first, end);
	/* zeros that hide the parent */
	return add_entries(image, first, end, VHDX_ZERO, 0);
}

/* the blocks of a grown disk that must be more than "not present" */
static uint64_t blocks_to_add(const struct vhd_image *image, uint64_t size)
{
	uint64_t end = image->type == VHD_TYPE_FIXED
			       ? size
			       : vhd_resize_hidden_end(image, size);

	return vhd_shift_up(end, image->map.block_shift);
}

/* -- the last block ----------------------------------------------------------
 */

/* a place that a block without content keeps would grow with the disk */
static int drop_anchor(struct vhd_image *image)
{
	const struct vhd_map *map = &image->map;
	const le64 zero = le64_of(VHDX_ZERO);
	struct vhd_block b;
	int rc = vhd_map_block(map, vhd_pages_window(image->pages),
			       map->blocks - 1, &b, NULL);

	if (rc || b.data || !vhdx_entry_offset(b.raw))
		return rc;
	rc = store_part(image, b.entry, &zero, sizeof(zero));
	if (!rc)
		vhd_space_drop(image->writer->space, vhdx_entry_offset(b.raw),
			       (uint64_t)1 << map->block_shift);
	return rc;
}

static int show_zeros(struct vhd_image *image, uint64_t size)
{
	uint64_t old = image->map.size;
	uint64_t block = (uint64_t)1 << image->map.block_shift;
	uint64_t end = vhd_min(vhd_round_up(old, block),
			       vhd_resize_hidden_end(image, size));
	int rc = drop_anchor(image);

	if (!rc)
		rc = vhd_resize_clear_tail(image);
	if (rc || end <= old)
		return rc;
	vhd_resize_show(image, end);
	rc = vhd_resize_hide(image, old, end);
	if (!rc)
		rc = vhd_image_flush(image);
	vhd_resize_show(image, old);
	return rc;
}

/* behind the disk's end a partly present block has no sectors */
static int clear_bits(struct vhd_image *image)
{
	const struct vhd_map *map = &image->map;
	struct vhd_window *window = vhd_pages_window(image->pages);
	uint64_t last = map->blocks - 1, first, bytes;
	uint8_t *bits;
	struct vhd_block b;
	int rc = vhd_map_block(map, window, last, &b, NULL);

	if (rc || b.state != VHD_BLOCK_PARTIAL)
		return rc;
	first = vhd_map_block_need(map, last) >> map->sector_shift;
	bytes = ((uint64_t)1 << (map->block_shift - map->sector_shift - 3)) -
		first / 8;
	if (!bytes)
		return 0;
	bits = calloc(1, (size_t)bytes);
	rc = bits ? window->load(window, b.bitmap + first / 8, bits, 1)
		  : VHD_E_NOMEM;
	if (!rc) {
		bits[0] &= (uint8_t)((1u << (first & 7)) - 1);
		rc = store_part(image, b.bitmap + first / 8, bits,
				(size_t)bytes);
	}
	free(bits);
	return rc;
}

/* -- both directions ---------------------------------------------------------
 */

static int publish(struct vhd_image *image, uint64_t size)
{
	const le64 value = le64_of(size);

	return vhdx_edit_known(image, VHDX_ITEM_DISK_SIZE, &value,
			       sizeof(value));
}

static int grow(struct vhd_image *image, uint64_t size)
{
	int rc = make_room(image, size);

	if (!rc)
		rc = reset_entries(image);
	if (!rc)
		rc = show_zeros(image, size);
	if (!rc)
		rc = add_blocks(image, image->map.blocks,
				blocks_to_add(image, size));
	return rc ? rc : publish(image, size);
}

static int shrink(struct vhd_image *image, uint64_t size)
{
	const struct vhd_map before = image->map;
	int rc = publish(image, size);

	if (!rc)
		rc = vhdx_journal_settle(image);
	if (!rc)
		rc = vhd_resize_free(image, &before);
	if (!rc)
		rc = reset_entries(image);
	if (!rc)
		rc = clear_bits(image);
	return rc ? rc : vhd_image_flush(image);
}

int vhdx_resize(struct vhd_image *image, uint64_t size, struct vhd_diag *diag)
{
	int rc;

	(void)diag;
	if (size > image->map.size)
		return grow(image, size);
	if (size < image->map.size)
		return shrink(image, size);
	rc = reset_entries(image);
	return rc ? rc : vhd_image_flush(image);
}

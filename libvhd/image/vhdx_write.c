/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocating in a VHDX. Which state follows which is the table of vhdx.md 7.4:
 * a partial write to a block that showed the parent makes it PARTIALLY_PRESENT;
 * one to a block that hid it (ZERO, UNMAPPED, UNDEFINED) or of a disk without a
 * parent makes it FULLY_PRESENT, the rest being zeros.
 *
 * The one-barrier path: new space that was never used reads as zeros if its
 * data are lost, which is what the block read before, unless a parent showed
 * through. Everything else is committed with the data durable first.
 */
#include <string.h>

#include "break.h"
#include "core/bytes.h"
#include "core/checked.h"
#include "core/vhdx_bat.h"
#include "vhdx_journal.h"

/* the file grows ahead of its use, so that most blocks need no resize */
#define GROW_MAX ((uint64_t)256 << 20)

/*
 * A host without holes in files (FAT) has to have the space at once, and has
 * filled itself up to where it did not: that goes back.
 */
static int resize_file(struct vhd_image *image, uint64_t size)
{
	struct vhd_writer *w = image->writer;
	int rc;

	size = vhd_round_up(size, VHDX_ALIGN);
	rc = vhd_file_resize(image->file, size);
	if (rc == VHD_E_NOSPACE)
		vhd_file_resize(image->file, w->file_size);
	if (rc)
		return rc;
	w->file_size = size;
	vhd_pages_set_size(image->pages, size);
	return 0;
}

static int grow_to(struct vhd_image *image, uint64_t place, uint64_t end)
{
	uint64_t block = (uint64_t)1 << image->map.block_shift;
	int rc;

	(void)place;
	if (end <= image->writer->file_size)
		return 0;
	rc = resize_file(image, end + vhd_min(32 * block, GROW_MAX));
	return rc == VHD_E_NOSPACE ? resize_file(image, end) : rc;
}

/*
 * The first change. Space a crash left behind the last object may hold
 * anything; cutting it off makes everything behind the end fresh.
 */
static int start(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	uint64_t end = vhd_space_end(w->space);
	int rc = vhdx_session_start(image);

	if (rc || w->file_size <= end || VHD_BROKEN(VHD_RULE_CUT_STALE_TAIL))
		return rc;
	rc = vhd_file_resize(image->file, end);
	if (!rc)
		rc = vhd_write_barrier(image);
	if (!rc)
		w->file_size = end;
	return rc;
}

static uint64_t bitmap_entry(const struct vhd_map *map, uint64_t block)
{
	return map->bat_offset +
	       vhdx_bitmap_index(block >> map->chunk_shift, map->chunk_shift) *
		       VHDX_BAT_ENTRY_SIZE;
}

/* bytes of bitmap a block has */
static uint64_t bitmap_bytes(const struct vhd_map *map)
{
	return (uint64_t)1 << (map->block_shift - map->sector_shift - 3);
}

static int load_entry(struct vhd_image *image, uint64_t at, uint64_t *out)
{
	struct vhd_window *window = vhd_pages_window(image->pages);
	le64 raw;
	int rc = window->load(window, at, &raw, sizeof(raw));

	if (!rc)
		*out = le64_get(raw);
	return rc;
}

static void store_entry(struct vhd_image *image, uint64_t at, uint64_t entry)
{
	le64 raw = le64_of(entry);

	vhd_pages_store(image->pages, at, &raw, sizeof(raw));
}

/* finds, or takes, the bitmap block of w's chunk; sets w->bits */
static int plan_bitmap(struct vhd_image *image, struct vhd_write *w)
{
	const struct vhd_map *map = &image->map;
	uint64_t at = bitmap_entry(map, w->block), entry, start;
	uint64_t inside = (w->block & (((uint64_t)1 << map->chunk_shift) - 1)) *
			  bitmap_bytes(map);
	int rc = load_entry(image, at, &entry);

	if (rc)
		return rc;
	start = vhdx_entry_offset(entry);
	if (vhdx_entry_state(entry) != VHDX_BITMAP_PRESENT) {
		rc = vhd_write_take(image, VHDX_BITMAP_BLOCK, &w->bitmap);
		if (rc)
			return rc;
		w->new_bitmap = true;
		start = w->bitmap.offset;
		rc = grow_to(image, start, start + VHDX_BITMAP_BLOCK);
		if (!rc)
			rc = vhd_write_pin(image, w, at, VHDX_BAT_ENTRY_SIZE);
	}
	if (rc)
		return rc;
	w->bits = start + inside;
	return vhd_write_pin(image, w, w->bits, bitmap_bytes(map));
}

static int plan_new(struct vhd_image *image, const struct vhd_block *b,
		    struct vhd_write *w)
{
	const struct vhd_map *map = &image->map;
	uint64_t size = (uint64_t)1 << map->block_shift;
	uint64_t inside = w->start - (w->block << map->block_shift);
	bool whole = !inside && w->length >= vhd_map_block_need(map, w->block);
	bool shows_parent = map->has_parent && b->state == VHD_BLOCK_ABSENT;
	int rc = vhd_write_take(image, size, &w->place);

	if (rc)
		return rc;
	w->kind = VHD_WRITE_ALLOCATE;
	w->place_length = size;
	w->partial = shows_parent && !whole;
	w->ordered = !w->place.fresh || shows_parent;
	if (VHD_BROKEN(VHD_RULE_PARENT_IS_ORDERED))
		w->ordered = !w->place.fresh;
	if (VHD_BROKEN(VHD_RULE_RECYCLED_IS_ORDERED))
		w->ordered = shows_parent;
	w->offset = w->place.offset + inside;
	rc = grow_to(image, w->place.offset, w->place.offset + size);
	if (!rc)
		rc = vhd_write_pin(image, w, b->entry, VHDX_BAT_ENTRY_SIZE);
	if (!rc && w->partial)
		rc = plan_bitmap(image, w);
	return rc;
}

static int plan_fill(struct vhd_image *image, const struct vhd_block *b,
		     struct vhd_write *w)
{
	const struct vhd_map *map = &image->map;

	w->kind = VHD_WRITE_FILL;
	w->ordered = true;
	w->bits = b->bitmap;
	w->offset = b->data + (w->start - (w->block << map->block_shift));
	return vhd_write_pin(image, w, w->bits, bitmap_bytes(map));
}

static int plan(struct vhd_image *image, const struct vhd_block *b,
		struct vhd_write *w)
{
	int rc = b->state == VHD_BLOCK_PARTIAL ? plan_fill(image, b, w)
					       : plan_new(image, b, w);

	if (rc)
		vhd_write_undo(image, w);
	return rc;
}

/* bits left from an earlier life of the block */
static void clear_bits(struct vhd_image *image, const struct vhd_write *w)
{
	static const uint8_t zeros[4096];
	uint64_t left = bitmap_bytes(&image->map), at = w->bits;

	while (left) {
		size_t n = (size_t)vhd_min(left, sizeof(zeros));

		vhd_pages_store(image->pages, at, zeros, n);
		at += n;
		left -= n;
	}
}

static void publish(struct vhd_image *image, const struct vhd_write *w)
{
	const struct vhd_map *map = &image->map;
	uint64_t first = (w->start - (w->block << map->block_shift)) >>
			 map->sector_shift;
	uint64_t count = w->length >> map->sector_shift;
	uint64_t state =
		w->partial ? VHDX_PARTIALLY_PRESENT : VHDX_FULLY_PRESENT;

	if (w->partial && w->kind == VHD_WRITE_ALLOCATE)
		clear_bits(image, w);
	if (w->partial || w->kind == VHD_WRITE_FILL)
		vhd_write_bits(image, w->bits, first, count);
	if (w->new_bitmap)
		store_entry(image, bitmap_entry(map, w->block),
			    w->bitmap.offset | VHDX_BITMAP_PRESENT);
	if (w->kind == VHD_WRITE_ALLOCATE)
		store_entry(image, vhd_map_entry_offset(map, w->block),
			    w->place.offset | state);
}

/* a soft anchor: a block that reads as zeros and still owns space */
static bool is_anchor(const struct vhd_block *b)
{
	return b->state == VHD_BLOCK_ZERO && b->raw != VHDX_ZERO &&
	       vhdx_entry_offset(b->raw);
}

/* the block's entry gets a state without a place */
static int let_go(struct vhd_image *image, const struct vhd_block *b,
		  uint64_t state)
{
	uint64_t owned = is_anchor(b) ? vhdx_entry_offset(b->raw) : b->data;
	int rc = vhd_pages_pin(image->pages, b->entry, VHDX_BAT_ENTRY_SIZE);

	if (rc)
		return rc;
	store_entry(image, b->entry, state);
	vhd_pages_unpin(image->pages, b->entry, VHDX_BAT_ENTRY_SIZE);
	if (owned)
		vhd_space_release(image->writer->space, owned,
				  (uint64_t)1 << image->map.block_shift);
	return 0;
}

/* state ZERO hides the parent and takes no space */
static int drop(struct vhd_image *image, uint64_t block,
		const struct vhd_block *b)
{
	(void)block;
	if (image->type == VHD_TYPE_FIXED)
		return VHD_E_UNSUPPORTED;
	if (b->raw == VHDX_ZERO ||
	    (b->state != VHD_BLOCK_FULL && b->state != VHD_BLOCK_PARTIAL &&
	     !is_anchor(b) && !image->map.has_parent))
		return 0;
	return let_go(image, b, VHDX_ZERO);
}

static int revert(struct vhd_image *image, uint64_t block,
		  const struct vhd_block *b)
{
	(void)block;
	return b->state == VHD_BLOCK_ABSENT
		       ? 0
		       : let_go(image, b, VHDX_NOT_PRESENT);
}

static int commit(struct vhd_image *image, struct vhd_page_set *set,
		  bool ordered)
{
	struct vhd_writer *w = image->writer;
	uint64_t end;

	pthread_mutex_lock(&w->mutex);
	end = vhd_space_end(w->space);
	pthread_mutex_unlock(&w->mutex);
	return vhdx_journal_commit(image, set, ordered, end);
}

/* clean log; then the space that was grown ahead goes back. No entry names a
 * larger file by then: the next one goes to a new log */
static int close_image(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	uint64_t end = vhd_space_end(w->space);
	int rc = vhdx_journal_close(image);

	if (rc)
		return rc;
	vhdx_journal_free(image);
	if (w->file_size <= end)
		return 0;
	rc = vhd_file_resize(image->file, end);
	if (!rc)
		rc = vhd_write_barrier(image);
	if (rc)
		return rc;
	w->file_size = end;
	vhd_pages_set_size(image->pages, end);
	return 0;
}

const struct vhd_writer_ops vhdx_writer_ops = {
	.start = start,
	.plan = plan,
	.publish = publish,
	.grow = grow_to,
	.drop = drop,
	.revert = revert,
	.commit = commit,
	.close = close_image,
	.free = vhdx_journal_free,
};

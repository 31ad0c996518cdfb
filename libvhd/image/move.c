/* SPDX-License-Identifier: BSD-2-Clause */
#include "move.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/checked.h"
#include "core/vhdx_bat.h"
#include "vhd1_tail.h"

/* -- who owns what -----------------------------------------------------------
 */

struct finding {
	struct vhd_owners *owners;
	uint64_t from;
	uint64_t to;
};

static int note(void *ctx, const struct vhd_table_entry *e)
{
	struct finding *f = ctx;
	struct vhd_owners *o = f->owners;

	if (e->error)
		return e->error;
	if (!e->owned ||
	    !vhd_overlap(e->owned, e->owned + e->owned_length, f->from, f->to))
		return 0;
	if (o->count == o->room) {
		size_t room = o->room ? o->room * 2 : 256;
		struct vhd_owner *items =
			realloc(o->items, room * sizeof(*items));

		if (!items)
			return VHD_E_NOMEM;
		o->items = items;
		o->room = room;
	}
	o->items[o->count++] = (struct vhd_owner){
		.offset = e->owned,
		.length = e->place_length,
		.own = e->owned_length,
		.index = e->index,
		.is_bitmap = e->is_bitmap,
	};
	return 0;
}

static int by_offset(const void *a, const void *b)
{
	uint64_t x = ((const struct vhd_owner *)a)->offset;
	uint64_t y = ((const struct vhd_owner *)b)->offset;

	return (x > y) - (x < y);
}

int vhd_owners_find(struct vhd_image *image, uint64_t from, uint64_t to,
		    struct vhd_owners *out)
{
	struct finding f = {out, from, to};
	int rc;

	*out = (struct vhd_owners){0};
	rc = vhd_table_walk(image, note, &f, NULL);
	if (rc)
		vhd_owners_free(out);
	else if (out->count)
		qsort(out->items, out->count, sizeof(*out->items), by_offset);
	return rc;
}

void vhd_owners_free(struct vhd_owners *owners)
{
	free(owners->items);
	*owners = (struct vhd_owners){0};
}

/* -- moving ------------------------------------------------------------------
 */

static uint64_t entry_place(const struct vhd_image *image,
			    const struct vhd_owner *o)
{
	const struct vhd_map *map = &image->map;

	if (!o->is_bitmap)
		return vhd_map_entry_offset(map, o->index);
	return map->bat_offset + vhdx_bitmap_index(o->index, map->chunk_shift) *
					 VHDX_BAT_ENTRY_SIZE;
}

int vhd_owner_place(struct vhd_image *image, const struct vhd_owner *o,
		    uint64_t *out)
{
	struct vhd_window *window = vhd_pages_window(image->pages);
	bool vhdx = image->format == VHD_FORMAT_VHDX;
	struct vhd_block b;
	le64 entry;
	int rc;

	*out = 0;
	if (o->is_bitmap) {
		rc = window->load(window, entry_place(image, o), &entry,
				  sizeof(entry));
		if (!rc)
			*out = vhdx_entry_offset(le64_get(entry));
		return rc;
	}
	rc = vhd_map_block(&image->map, window, o->index, &b, NULL);
	if (!rc && b.data)
		*out = b.data - image->map.bitmap_bytes;
	else if (!rc && vhdx)
		*out = vhdx_entry_offset(b.raw);
	return rc;
}

/* with the entry's page pinned: the same entry with another offset */
static void store_entry(struct vhd_image *image, uint64_t at, uint64_t offset)
{
	struct vhd_window *window = vhd_pages_window(image->pages);

	if (image->format == VHD_FORMAT_VHD) {
		be32 entry = be32_of((uint32_t)(offset / VHD1_SECTOR));

		vhd_pages_store(image->pages, at, &entry, sizeof(entry));
	} else {
		le64 entry;

		window->load(window, at, &entry, sizeof(entry));
		entry = le64_of(offset | vhdx_entry_state(le64_get(entry)));
		vhd_pages_store(image->pages, at, &entry, sizeof(entry));
	}
}

/* with the mutex */
static int publish(struct vhd_image *image, const struct vhd_owner *o,
		   uint64_t to)
{
	uint64_t at = entry_place(image, o);
	size_t size = image->format == VHD_FORMAT_VHD ? 4 : VHDX_BAT_ENTRY_SIZE;
	int rc = vhd_pages_pin(image->pages, at, size);

	if (rc)
		return rc;
	store_entry(image, at, to);
	vhd_write_note_change(image->writer);
	vhd_pages_unpin(image->pages, at, size);
	image->writer->ordered = true;
	/* a last block may be cut off, with metadata in the rest of its place
	 */
	if (image->format == VHD_FORMAT_VHDX ||
	    vhd_map_is_free(&image->map, o->offset, o->length))
		vhd_space_release(image->writer->space, o->offset, o->length);
	return 0;
}

/*
 * What the place held goes; so do pages of bitmaps that were read there. A
 * fresh place of a dynamic VHD holds a bitmap already, and the copy leaves out
 * what is a hole.
 */
static int prepare(struct vhd_image *image, const struct vhd_owner *o,
		   const struct vhd_place *place)
{
	uint64_t used = place->fresh ? image->map.bitmap_bytes : o->length;

	vhd_pages_drop(image->pages, place->offset,
		       o->is_bitmap ? o->length
				    : vhd_max(image->map.bitmap_bytes, 1));
	return used ? vhd_file_punch(image->file, place->offset, used) : 0;
}

/* the file holds the source's place only as far as it was written */
static uint64_t stored_length(const struct vhd_image *image,
			      const struct vhd_owner *o)
{
	uint64_t size = image->writer->file_size;

	return o->offset < size ? vhd_min(o->own, size - o->offset) : 0;
}

static int publish_locked(struct vhd_image *image, const struct vhd_owner *o,
			  uint64_t to)
{
	int rc;

	pthread_mutex_lock(&image->writer->mutex);
	rc = publish(image, o, to);
	pthread_mutex_unlock(&image->writer->mutex);
	return rc;
}

static void give_back(struct vhd_image *image, const struct vhd_place *place,
		      uint64_t length)
{
	pthread_mutex_lock(&image->writer->mutex);
	vhd_space_return(image->writer->space, place->offset, length);
	pthread_mutex_unlock(&image->writer->mutex);
}

int vhd_image_move(struct vhd_image *image, const struct vhd_owner *o,
		   const struct vhd_place *place)
{
	int rc = prepare(image, o, place);

	if (!rc)
		rc = vhd_file_copy(image->file, o->offset, place->offset,
				   stored_length(image, o));
	if (!rc)
		rc = publish_locked(image, o, place->offset);
	if (rc == VHD_E_LIMIT) { /* as many changes as a flush can take */
		rc = vhd_image_flush(image);
		if (!rc)
			rc = publish_locked(image, o, place->offset);
	}
	if (rc)
		give_back(image, place, o->length);
	return rc;
}

/* takes space, at the end if nothing else is free, inside the file */
static int take(struct vhd_image *image, const struct vhd_owner *o,
		struct vhd_place *out)
{
	struct vhd_writer *w = image->writer;
	int rc;

	pthread_mutex_lock(&w->mutex);
	rc = vhd_space_take(w->space, o->length, out);
	if (!rc) {
		rc = w->ops->grow(image, out->offset, out->offset + o->length);
		if (rc)
			vhd_space_return(w->space, out->offset, o->length);
	}
	pthread_mutex_unlock(&w->mutex);
	return rc;
}

int vhd_image_evict(struct vhd_image *image, const struct vhd_owner *owner)
{
	struct vhd_place place;
	int rc = take(image, owner, &place);

	return rc ? rc : vhd_image_move(image, owner, &place);
}

int vhd_image_clear_range(struct vhd_image *image, uint64_t from, uint64_t to)
{
	struct vhd_writer *w = image->writer;
	struct vhd_owners owners;
	int rc = vhd_image_touch(image);

	if (!rc)
		rc = vhd_image_flush(image);
	if (rc)
		return rc;
	pthread_mutex_lock(&w->mutex);
	vhd_space_forbid(w->space, from, to);
	pthread_mutex_unlock(&w->mutex);
	rc = vhd_owners_find(image, from, to, &owners);
	for (size_t i = 0; i < owners.count && !rc; i++)
		rc = vhd_image_evict(image, &owners.items[i]);
	vhd_owners_free(&owners);
	return rc ? rc : vhd_image_flush(image);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "shed.h"

#include "core/bytes.h"
#include "core/checked.h"
#include "core/vhdx_bat.h"
#include "table.h"
#include "writer.h"

bool vhd_image_can_shed(const struct vhd_image *image)
{
	if (image->type == VHD_TYPE_FIXED || image->map.kind == VHD_MAP_LINEAR)
		return false;
	return image->format != VHD_FORMAT_VHD || !image->meta.vhd1.has_batmap;
}

bool vhd_image_can_zero(const struct vhd_image *image)
{
	return vhd_image_can_shed(image) &&
	       (image->format == VHD_FORMAT_VHDX || !image->map.has_parent);
}

/* -- what is stored ----------------------------------------------------------
 */

static int note_stored(void *ctx, const struct vhd_table_entry *e)
{
	if (!e->error && !e->is_bitmap && e->owned)
		vhd_blockset_add(ctx, e->index);
	return e->error;
}

int vhd_image_stored_blocks(struct vhd_image *image, struct vhd_blockset *out,
			    struct vhd_diag *diag)
{
	int rc = vhd_blockset_new(image->map.blocks, out);

	if (rc)
		return rc;
	rc = vhd_table_walk(image, note_stored, out, diag);
	if (rc)
		vhd_blockset_free(out);
	return rc;
}

int vhd_image_block_place(struct vhd_image *image, uint64_t block,
			  uint64_t *offset, uint64_t *length)
{
	struct vhd_block b;
	int rc = vhd_map_block(&image->map, vhd_pages_window(image->pages),
			       block, &b, NULL);

	if (rc)
		return rc;
	*offset = b.data ? b.data - image->map.bitmap_bytes
			 : vhdx_entry_offset(b.raw);
	*length = image->map.bitmap_bytes +
		  vhd_map_block_need(&image->map, block);
	return 0;
}

/* -- blocks ------------------------------------------------------------------
 */

int vhd_image_drop_block(struct vhd_image *image, uint64_t block)
{
	if (!image->writer)
		return VHD_E_READONLY;
	if (image->map.kind == VHD_MAP_LINEAR)
		return VHD_E_UNSUPPORTED;
	return vhd_image_change_block(image, block, image->writer->ops->drop);
}

int vhd_image_revert_block(struct vhd_image *image, uint64_t block)
{
	if (!vhd_image_can_shed(image) || !image->map.has_parent)
		return VHD_E_UNSUPPORTED;
	return vhd_image_change_block(image, block, image->writer->ops->revert);
}

static int complete(struct vhd_image *image, uint64_t block,
		    const struct vhd_block *b)
{
	struct vhd_window *window = vhd_pages_window(image->pages);
	uint64_t need = vhd_map_block_need(&image->map, block);
	le64 full = le64_of(b->data | VHDX_FULLY_PRESENT);
	struct vhd_extent e;
	int rc;

	if (b->state != VHD_BLOCK_PARTIAL)
		return 0;
	rc = vhd_map_extent(&image->map, window,
			    block << image->map.block_shift, need, &e, NULL);
	if (rc || e.kind != VHD_EXTENT_DATA || e.length < need)
		return rc;
	rc = vhd_pages_pin(image->pages, b->entry, sizeof(full));
	if (rc)
		return rc;
	vhd_pages_store(image->pages, b->entry, &full, sizeof(full));
	vhd_pages_unpin(image->pages, b->entry, sizeof(full));
	return 0;
}

int vhd_image_complete_block(struct vhd_image *image, uint64_t block)
{
	if (image->format != VHD_FORMAT_VHDX || !image->map.has_parent)
		return 0;
	return vhd_image_change_block(image, block, complete);
}

/* -- sector bitmaps ----------------------------------------------------------
 */

struct idling {
	const struct vhd_map *map;
	const struct vhd_blockset *gone;
	const struct vhd_blockset *whole;
	struct vhd_blockset *idle;
	uint64_t chunk; /* of the last block that needs its bitmap */
	bool needed;
};

/* a bitmap's entry follows those of its chunk's blocks */
static int note_idle(void *ctx, const struct vhd_table_entry *e)
{
	struct idling *i = ctx;

	if (e->error)
		return e->error;
	if (e->is_bitmap) {
		if (!i->needed || i->chunk != e->index)
			vhd_blockset_add(i->idle, e->index);
	} else if (e->block.state == VHD_BLOCK_PARTIAL &&
		   !vhd_blockset_has(i->gone, e->index) &&
		   !vhd_blockset_has(i->whole, e->index)) {
		i->chunk = e->index >> i->map->chunk_shift;
		i->needed = true;
	}
	return 0;
}

int vhd_image_idle_bitmaps(struct vhd_image *image,
			   const struct vhd_blockset *gone,
			   const struct vhd_blockset *whole,
			   struct vhd_blockset *out)
{
	struct idling i = {&image->map, gone, whole, out, 0, false};
	uint64_t chunks = 0;
	int rc;

	if (image->format == VHD_FORMAT_VHDX)
		chunks =
			vhd_shift_up(image->map.blocks, image->map.chunk_shift);
	rc = vhd_blockset_new(chunks, out);
	if (rc)
		return rc;
	if (chunks)
		rc = vhd_table_walk(image, note_idle, &i, NULL);
	if (rc)
		vhd_blockset_free(out);
	return rc;
}

/* with the mutex */
static int release_bitmap(struct vhd_image *image, uint64_t chunk)
{
	const struct vhd_map *map = &image->map;
	uint64_t at =
		map->bat_offset + vhdx_bitmap_index(chunk, map->chunk_shift) *
					  VHDX_BAT_ENTRY_SIZE;
	struct vhd_window *window = vhd_pages_window(image->pages);
	const le64 none = le64_of(0);
	le64 entry;
	int rc = vhd_pages_pin(image->pages, at, sizeof(entry));

	if (rc)
		return rc;
	window->load(window, at, &entry, sizeof(entry));
	vhd_pages_store(image->pages, at, &none, sizeof(none));
	vhd_pages_unpin(image->pages, at, sizeof(entry));
	vhd_space_release(image->writer->space,
			  vhdx_entry_offset(le64_get(entry)),
			  VHDX_BITMAP_BLOCK);
	return 0;
}

static int shed_bitmap(struct vhd_image *image, uint64_t chunk)
{
	struct vhd_writer *w = image->writer;
	int rc;

	do {
		pthread_mutex_lock(&w->mutex);
		rc = release_bitmap(image, chunk);
		pthread_mutex_unlock(&w->mutex);
		if (rc != VHD_E_LIMIT)
			break;
		rc = vhd_image_flush(image);
	} while (!rc);
	return rc;
}

int vhd_image_shed_bitmaps(struct vhd_image *image)
{
	struct vhd_blockset idle;
	uint64_t chunk;
	int rc = vhd_image_flush(image); /* the walk reads the file */

	if (!rc)
		rc = vhd_image_idle_bitmaps(image, NULL, NULL, &idle);
	if (rc)
		return rc;
	chunk = vhd_blockset_next(&idle, 0);
	if (chunk < idle.room)
		rc = vhd_image_touch(image);
	for (; chunk < idle.room && !rc;
	     chunk = vhd_blockset_next(&idle, chunk + 1))
		rc = shed_bitmap(image, chunk);
	vhd_blockset_free(&idle);
	return rc ? rc : vhd_image_flush(image);
}

/* -- holes -------------------------------------------------------------------
 */

int vhd_image_punch(struct vhd_image *image, uint64_t offset, uint64_t length)
{
	int rc = vhd_image_touch(image);

	return rc ? rc : vhd_file_hole(image->file, offset, length);
}

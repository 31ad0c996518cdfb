/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Order, for every format: what the new size shows is made and durable first;
 * then one change, that of a footer or of one item, publishes the size. A disk
 * that shrinks is published first, and what it lost is let go of afterwards.
 * Entries of the block table behind the disk's end mean nothing to any reader,
 * so they may be written without ceremony.
 */
#include "resize.h"

#include "core/checked.h"
#include "core/diag.h"
#include "move.h"

static bool is_sparse_vhd(const struct vhd_image *image)
{
	return image->format == VHD_FORMAT_VHD && image->type != VHD_TYPE_FIXED;
}

static int refuse(struct vhd_diag *diag, int error, const char *text)
{
	return vhd_fail(diag, error, NULL, VHD_NO_OFFSET, text);
}

/* a block's number has 32 bits, counted in sectors; blocks lie on 4 KiB */
static bool is_addressable(const struct vhd_image *image, uint64_t size)
{
	uint64_t block = (uint64_t)1 << image->map.block_shift;
	uint64_t stride = block + vhd_round_up(image->map.bitmap_bytes, 4096);
	uint64_t blocks = vhd_shift_up(size, image->map.block_shift);

	return (blocks + 1) * stride <= (uint64_t)UINT32_MAX * VHD1_SECTOR;
}

static int check_size(const struct vhd_image *image, uint64_t size,
		      struct vhd_diag *diag)
{
	if (!size)
		return refuse(diag, VHD_E_INVALID, "a disk has a size");
	if (!vhd_is_aligned(size, image->sector_size))
		return vhd_fail_value(diag, VHD_E_ALIGN, NULL, VHD_NO_OFFSET,
				      "the size is no whole number of sectors "
				      "of % bytes",
				      image->sector_size);
	if (size > INT64_MAX - VHD1_FOOTER_SIZE)
		return refuse(diag, VHD_E_LIMIT, "no file is so large");
	if (image->format == VHD_FORMAT_VHDX && size > VHDX_DISK_MAX)
		return refuse(diag, VHD_E_LIMIT, "a VHDX has at most 64 TiB");
	if (is_sparse_vhd(image) && size > VHD1_SPARSE_MAX)
		return refuse(diag, VHD_E_LIMIT,
			      "a dynamic or differencing VHD has at most "
			      "2040 GiB");
	if (is_sparse_vhd(image) && size > image->map.size &&
	    !is_addressable(image, size))
		return refuse(diag, VHD_E_LIMIT,
			      "with blocks this small, a VHD of this size "
			      "would not fit its own block table");
	return 0;
}

static int is_done(struct vhd_image *image, bool *done)
{
	if (image->format == VHD_FORMAT_VHDX)
		return vhdx_resize_is_done(image, done);
	if (image->format == VHD_FORMAT_VHD)
		return vhd1_resize_is_done(image, done);
	*done = true;
	return 0;
}

static int resize(struct vhd_image *image, uint64_t size, struct vhd_diag *diag)
{
	if (image->map.kind == VHD_MAP_LINEAR)
		return vhd_resize_linear(image, size);
	return image->format == VHD_FORMAT_VHDX
		       ? vhdx_resize(image, size, diag)
		       : vhd1_resize(image, size, diag);
}

int vhd_image_resize(struct vhd_image *image, uint64_t size,
		     struct vhd_diag *diag)
{
	struct vhd_diag why = {0};
	bool done = false;
	int rc = check_size(image, size, diag);

	if (rc)
		return rc;
	if (!image->writer)
		return refuse(diag, VHD_E_READONLY,
			      vhd_strerror(VHD_E_READONLY));
	if (size == image->map.size)
		rc = is_done(image, &done);
	if (!rc && !done)
		rc = vhd_image_touch(image);
	if (!rc && !done)
		rc = vhd_image_flush(image);
	if (!rc && !done)
		rc = resize(image, size, &why);
	if (!rc)
		return 0;
	if (!why.error)
		return refuse(diag, rc, vhd_strerror(rc));
	if (diag)
		*diag = why;
	return rc;
}

/* -- what the formats share --------------------------------------------------
 */

void vhd_resize_show(struct vhd_image *image, uint64_t size)
{
	image->map.size = size;
	image->map.blocks = vhd_shift_up(size, image->map.block_shift);
}

/* the last block, if the disk's end cuts it off; length 0 if not */
static int find_tail(struct vhd_image *image, struct vhd_owner *out)
{
	const struct vhd_map *map = &image->map;
	uint64_t block = (uint64_t)1 << map->block_shift;
	uint64_t need = vhd_map_block_need(map, map->blocks - 1);
	struct vhd_block b;
	int rc = vhd_map_block(map, vhd_pages_window(image->pages),
			       map->blocks - 1, &b, NULL);

	*out = (struct vhd_owner){.index = map->blocks - 1};
	if (rc || !b.data || need == block)
		return rc;
	out->offset = b.data - map->bitmap_bytes;
	out->length = map->bitmap_bytes + block;
	out->own = map->bitmap_bytes + need;
	return 0;
}

/* something else lies in what is left of its place: vhd.md 5.4 */
static bool is_shared(const struct vhd_image *image, const struct vhd_owner *o)
{
	return vhd_space_is_shared(image->writer->space, o->offset) ||
	       !vhd_map_is_free(&image->map, o->offset, o->length);
}

/* other programs may end the file behind the last sector in use */
static int complete_file(struct vhd_image *image, uint64_t end)
{
	struct vhd_writer *w = image->writer;
	int rc;

	if (image->format != VHD_FORMAT_VHDX)
		return 0; /* the footer lies behind whole blocks by now */
	pthread_mutex_lock(&w->mutex);
	rc = w->ops->grow(image, end, end);
	pthread_mutex_unlock(&w->mutex);
	return rc;
}

int vhd_resize_clear_tail(struct vhd_image *image)
{
	struct vhd_owner o;
	int rc = find_tail(image, &o);

	if (!rc && o.length && is_shared(image, &o)) {
		rc = vhd_image_evict(image, &o);
		if (!rc)
			rc = vhd_image_flush(image);
		if (!rc)
			rc = find_tail(image, &o);
	}
	if (rc || !o.length)
		return rc;
	rc = complete_file(image, o.offset + o.length);
	return rc ? rc
		  : vhd_file_punch(image->file, o.offset + o.own,
				   o.length - o.own);
}

uint64_t vhd_resize_hidden_end(const struct vhd_image *image, uint64_t size)
{
	return image->map.has_parent ? vhd_min(size, image->parent_size) : 0;
}

static int store_zeros(struct vhd_image *image, uint64_t from, uint64_t length,
		       uint64_t *stored)
{
	struct vhd_write w;
	int rc = vhd_image_write_begin(image, from, length, &w);

	if (rc)
		return rc;
	rc = vhd_file_punch(image->file, w.offset, w.length);
	if (rc) {
		vhd_image_write_abort(image, &w);
		return rc;
	}
	*stored = w.length;
	return vhd_image_write_commit(image, &w);
}

int vhd_resize_hide(struct vhd_image *image, uint64_t from, uint64_t to)
{
	int rc = 0;

	while (from < to && !rc) {
		struct vhd_extent e;
		uint64_t n = 0;

		rc = vhd_image_extent(image, from, to - from, &e, NULL);
		if (!rc && e.kind == VHD_EXTENT_PARENT)
			rc = store_zeros(image, from, e.length, &n);
		else if (!rc)
			n = e.length;
		from += n;
	}
	return rc;
}

struct freeing {
	struct vhd_image *image;
	uint64_t blocks; /* of the disk as it is now */
	uint64_t from;   /* a run to be punched */
	uint64_t to;
};

static int punch_run(struct freeing *f)
{
	uint64_t size = f->image->writer->file_size;
	uint64_t to = vhd_min(f->to, size);

	return f->from < to
		       ? vhd_file_punch(f->image->file, f->from, to - f->from)
		       : 0;
}

static bool is_lost(const struct freeing *f, const struct vhd_table_entry *e)
{
	uint8_t shift = f->image->map.chunk_shift;

	return e->owned && (e->is_bitmap ? e->index > (f->blocks - 1) >> shift
					 : e->index >= f->blocks);
}

static int free_entry(void *ctx, const struct vhd_table_entry *e)
{
	struct freeing *f = ctx;
	struct vhd_writer *w = f->image->writer;
	uint64_t length;
	int rc = 0;

	if (e->error)
		return e->error;
	if (!is_lost(f, e))
		return 0;
	if (e->is_bitmap)
		vhd_pages_drop(f->image->pages, e->owned, e->place_length);
	pthread_mutex_lock(&w->mutex);
	length = vhd_space_drop(w->space, e->owned, e->place_length);
	pthread_mutex_unlock(&w->mutex);
	if (e->owned != f->to) {
		rc = punch_run(f);
		f->from = e->owned;
	}
	f->to = e->owned + length;
	return rc;
}

int vhd_resize_free(struct vhd_image *image, const struct vhd_map *before)
{
	struct freeing f = {.image = image, .blocks = image->map.blocks};
	const struct vhd_map now = image->map;
	int rc;

	image->map.size = before->size;
	image->map.blocks = before->blocks;
	rc = vhd_table_walk(image, free_entry, &f, NULL);
	vhd_image_take_map(image, &now);
	return rc ? rc : punch_run(&f);
}

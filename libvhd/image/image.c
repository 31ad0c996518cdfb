/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One image file. What the formats share is here; what differs is behind
 * vhd_image_ops (raw.c, vhd1.c, vhdx.c).
 */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "core/diag.h"
#include "layer.h"
#include "table.h"
#include "vhd1_tail.h"
#include "writer.h"

static const struct vhd_image_ops *ops_of(int format)
{
	switch (format) {
	case VHD_FORMAT_RAW:
		return &vhd_image_raw;
	case VHD_FORMAT_VHD:
		return &vhd_image_vhd1;
	case VHD_FORMAT_VHDX:
		return &vhd_image_vhdx;
	default:
		return NULL;
	}
}

/* options as this version of the library knows them */
static struct vhd_image_options known(const struct vhd_image_options *options)
{
	struct vhd_image_options all = {0};
	size_t size = vhd_min(options->size, sizeof(all));

	memcpy(&all, options, size);
	return all;
}

static int start_pages(struct vhd_image *image)
{
	unsigned shift = image->format == VHD_FORMAT_VHD ? 9 : 12;

	if (image->map.kind == VHD_MAP_LINEAR)
		return 0;
	return vhd_pages_new(image->view, shift, &image->pages);
}

static int start_writing(struct vhd_image *image, struct vhd_diag *diag)
{
	int rc = 0;

	if (!vhd_file_is_writable(image->file))
		return vhd_fail(diag, VHD_E_READONLY, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_READONLY));
	if (image->format == VHD_FORMAT_VHD)
		rc = vhd1_check_writable(image, diag);
	return rc ? rc : vhd_writer_new(image, diag);
}

static int open_steps(struct vhd_image *image,
		      const struct vhd_image_options *options,
		      struct vhd_diag *diag)
{
	int rc = image->ops->open(image, options, diag);

	if (rc)
		return rc;
	image->map.ignore_bitmap = options->flags & VHD_IMAGE_IGNORE_BITMAP;
	rc = start_pages(image);
	if (rc)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				vhd_strerror(rc));
	if (options->flags & (VHD_IMAGE_VERIFY | VHD_IMAGE_WRITE))
		rc = vhd_table_verify(image, diag);
	if (!rc && (options->flags & VHD_IMAGE_WRITE))
		rc = start_writing(image, diag);
	return rc;
}

/* everything but the file itself */
static void release(struct vhd_image *image)
{
	vhd_writer_free(image);
	vhd_pages_free(image->pages);
	if (image->ops->close)
		image->ops->close(image);
	free(image);
}

int vhd_image_open(struct vhd_file *file,
		   const struct vhd_image_options *options,
		   struct vhd_image **out, struct vhd_diag *diag)
{
	struct vhd_image_options o = known(options);
	struct vhd_image *image;
	int rc;

	if (!ops_of(o.format))
		return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				"the format must be given");
	image = calloc(1, sizeof(*image));
	if (!image)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_NOMEM));
	image->ops = ops_of(o.format);
	image->format = o.format;
	image->parent_size = UINT64_MAX;
	image->same_content = o.flags & VHD_IMAGE_SAME_CONTENT;
	image->file = file;
	image->view = file;
	rc = open_steps(image, &o, diag);
	if (rc) {
		release(image);
		return rc;
	}
	*out = image;
	return 0;
}

void vhd_image_close(struct vhd_image *image)
{
	struct vhd_file *file;

	if (!image)
		return;
	file = image->file;
	release(image);
	vhd_file_close(file);
}

void vhd_image_detach(struct vhd_image *image)
{
	release(image);
}

void vhd_image_know_parent(struct vhd_image *child,
			   const struct vhd_image *parent)
{
	child->parent_size = parent->map.size;
}

void vhd_image_take_map(struct vhd_image *image, const struct vhd_map *now)
{
	struct vhd_map *map = &image->map;

	map->size = now->size;
	map->blocks = now->blocks;
	map->bat_offset = now->bat_offset;
	map->reserved_count = now->reserved_count;
	memcpy(map->reserved, now->reserved, sizeof(map->reserved));
}

uint64_t vhd_image_block_size(const struct vhd_image *image)
{
	return image->map.kind == VHD_MAP_LINEAR
		       ? 0
		       : (uint64_t)1 << image->map.block_shift;
}

int vhd_image_is_fixed(const struct vhd_image *image)
{
	return image->type == VHD_TYPE_FIXED;
}

int vhd_image_is_writable(const struct vhd_image *image)
{
	return image->writer != NULL;
}

struct vhd_file *vhd_image_base_file(struct vhd_image *image)
{
	return image->file;
}

uint64_t vhd_image_size(const struct vhd_image *image)
{
	return image->map.size;
}

uint32_t vhd_image_sector_size(const struct vhd_image *image)
{
	return image->sector_size;
}

int vhd_image_format(const struct vhd_image *image)
{
	return image->format;
}

int vhd_image_has_parent(const struct vhd_image *image)
{
	return image->map.has_parent;
}

uint32_t vhd_image_conditions(const struct vhd_image *image)
{
	return image->conditions;
}

struct vhd_file *vhd_image_file(struct vhd_image *image)
{
	return image->view;
}

int vhd_image_data_fd(struct vhd_image *image, uint64_t offset, uint64_t length)
{
	if (image->overlay &&
	    !vhdx_overlay_is_clear(image->overlay, offset, length))
		return -1;
	return vhd_file_fd(image->file);
}

int vhd_image_extent(struct vhd_image *image, uint64_t offset, uint64_t length,
		     struct vhd_extent *out, struct vhd_diag *diag)
{
	struct vhd_window *window =
		image->pages ? vhd_pages_window(image->pages) : NULL;

	if (!length || !vhd_inside(offset, length, image->map.size))
		return vhd_fail(diag, VHD_E_RANGE, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_RANGE));
	return vhd_map_extent(&image->map, window, offset, length, out, diag);
}

int vhd_image_extent_in_memory(struct vhd_image *image, uint64_t offset,
			       uint64_t length, struct vhd_extent *out)
{
	struct vhd_window *window =
		image->pages ? vhd_pages_memory(image->pages) : NULL;

	if (!length || !vhd_inside(offset, length, image->map.size))
		return VHD_E_RANGE;
	return vhd_map_extent(&image->map, window, offset, length, out, NULL);
}

int vhd_image_is_settled(const struct vhd_image *image)
{
	return !image->writer || !atomic_load(&image->writer->unsettled);
}

int vhd_image_takes_overwrites(const struct vhd_image *image)
{
	const struct vhd_writer *w = image->writer;

	return w && !atomic_load(&w->held) &&
	       atomic_load_explicit(&w->started, memory_order_acquire) &&
	       !atomic_load_explicit(&w->error, memory_order_relaxed);
}

int vhd_image_check_parent(struct vhd_image *child, struct vhd_image *parent,
			   struct vhd_diag *diag)
{
	if (child->format != parent->format ||
	    !child->ops->is_parent(child, parent))
		return vhd_fail(diag, VHD_E_MISMATCH, NULL, VHD_NO_OFFSET,
				"is not the parent its child was made of, or "
				"was changed since");
	if (child->sector_size != parent->sector_size)
		return vhd_fail_value(diag, VHD_E_MISMATCH, NULL, VHD_NO_OFFSET,
				      "has sectors of % bytes, unlike its "
				      "child",
				      parent->sector_size);
	return 0;
}

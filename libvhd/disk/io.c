/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data path. A range is resolved to one extent at a time: the leaf says
 * DATA or ZERO, or hands the range (as long as its own PARENT run) to the next
 * layer. A layer that ends before the range does reads as zeros from there on.
 *
 * A writable leaf is read inside an epoch, so that space it gives up meanwhile
 * is not used for something else. Nothing here allocates or locks; payload goes
 * straight from the image file into the caller's memory.
 */
#include <string.h>

#include "below.h"
#include "core/checked.h"
#include "core/diag.h"
#include "disk.h"
#include "image/writer.h"

int vhd_disk_extent_below(struct vhd_disk *disk, unsigned layer,
			  uint64_t offset, uint64_t length,
			  struct vhd_extent *out, struct vhd_diag *diag)
{
	for (unsigned depth = layer; depth < disk->count; depth++) {
		struct vhd_image *image = disk->layers[depth].image;
		uint64_t size = vhd_image_size(image);
		int rc;

		if (offset >= size)
			break;
		length = vhd_min(length, size - offset);
		rc = vhd_image_extent(image, offset, length, out, diag);
		if (rc)
			return vhd_diag_path(diag, rc,
					     disk->layers[depth].path);
		out->depth = depth;
		if (out->kind != VHD_EXTENT_PARENT)
			return 0;
		length = out->length;
	}
	*out = (struct vhd_extent){
		.start = offset,
		.length = length,
		.kind = VHD_EXTENT_ZERO,
		.depth = disk->count - 1,
	};
	return 0;
}

int vhd_disk_resolve(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		     struct vhd_extent *out, struct vhd_diag *diag)
{
	return vhd_disk_extent_below(disk, 0, offset, length, out, diag);
}

/* a range on an active disk, or why not */
static int check(const struct vhd_disk *disk, uint64_t offset, uint64_t length,
		 struct vhd_diag *diag)
{
	if (disk->inactive)
		return vhd_fail(diag, VHD_E_BUSY, NULL, VHD_NO_OFFSET,
				"the disk was handed over");
	if (!vhd_inside(offset, length, disk->size))
		return vhd_fail(diag, VHD_E_RANGE, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_RANGE));
	return 0;
}

int vhd_disk_extent(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		    struct vhd_extent *out, struct vhd_diag *diag)
{
	int rc = check(disk, offset, length, diag);

	if (!rc && !length)
		rc = VHD_E_RANGE;
	if (rc)
		return rc;
	return vhd_disk_resolve(disk, offset, length, out, diag);
}

static int read_extent(struct vhd_disk *disk, const struct vhd_extent *e,
		       void *buf, struct vhd_diag *diag)
{
	const struct vhd_layer *layer = &disk->layers[e->depth];
	int rc;

	if (e->kind == VHD_EXTENT_ZERO) {
		memset(buf, 0, (size_t)e->length);
		return 0;
	}
	rc = vhd_file_read(vhd_image_file(layer->image), e->offset, buf,
			   (size_t)e->length);
	if (rc) {
		vhd_fail(diag, rc, "data", e->offset, "cannot be read");
		vhd_diag_path(diag, rc, layer->path);
	}
	return rc;
}

int vhd_disk_read_below(struct vhd_disk *disk, unsigned layer, uint64_t offset,
			void *buf, size_t len, struct vhd_diag *diag)
{
	uint8_t *out = buf;

	while (len) {
		struct vhd_extent e;
		int rc = vhd_disk_extent_below(disk, layer, offset, len, &e,
					       diag);

		if (!rc)
			rc = read_extent(disk, &e, out, diag);
		if (rc)
			return rc;
		out += e.length;
		offset += e.length;
		len -= (size_t)e.length;
	}
	return 0;
}

int vhd_disk_read(struct vhd_disk *disk, uint64_t offset, void *buf, size_t len,
		  struct vhd_diag *diag)
{
	struct vhd_image *leaf = disk->layers[0].image;
	int rc = check(disk, offset, len, diag);
	unsigned token;

	if (rc)
		return rc;
	token = vhd_image_enter(leaf);
	rc = vhd_disk_read_below(disk, 0, offset, buf, len, diag);
	vhd_image_leave(leaf, token);
	return rc;
}

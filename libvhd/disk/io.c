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

#include "claim.h"
#include "core/checked.h"
#include "core/diag.h"
#include "disk.h"
#include "image/layer.h"
#include "image/writer.h"

/* layers [first, last): PARENT where none of them has it; reads no metadata if
 * not `may_wait` */
static inline int resolve_layers(struct vhd_disk *disk, unsigned first,
				 unsigned last, bool may_wait, uint64_t offset,
				 uint64_t length, struct vhd_extent *out,
				 struct vhd_diag *diag)
{
	unsigned depth = first;

	for (; depth < last; depth++) {
		struct vhd_image *image = disk->layers[depth].image;
		uint64_t size = vhd_image_size(image);
		int rc;

		if (offset >= size)
			break;
		length = vhd_min(length, size - offset);
		rc = may_wait ? vhd_image_extent(image, offset, length, out,
						 diag)
			      : vhd_image_extent_in_memory(image, offset,
							   length, out);
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
		/* a layer that ends here shows zeros, whatever is beneath */
		.kind = depth < last ? VHD_EXTENT_ZERO : VHD_EXTENT_PARENT,
		.depth = depth,
	};
	return 0;
}

static int resolve_between(struct vhd_disk *disk, unsigned first, unsigned last,
			   uint64_t offset, uint64_t length,
			   struct vhd_extent *out, struct vhd_diag *diag)
{
	return resolve_layers(disk, first, last, true, offset, length, out,
			      diag);
}

int vhd_disk_extent_above(struct vhd_disk *disk, unsigned layers,
			  uint64_t offset, uint64_t length,
			  struct vhd_extent *out, struct vhd_diag *diag)
{
	return resolve_between(disk, 0, layers, offset, length, out, diag);
}

/* behind the base are zeros */
static int resolve(struct vhd_disk *disk, unsigned first, uint64_t offset,
		   uint64_t length, struct vhd_extent *out,
		   struct vhd_diag *diag)
{
	int rc = resolve_between(disk, first, disk->count, offset, length, out,
				 diag);

	if (!rc && out->kind == VHD_EXTENT_PARENT) {
		out->kind = VHD_EXTENT_ZERO;
		out->depth = disk->count - 1;
	}
	return rc;
}

int vhd_disk_resolve(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		     struct vhd_extent *out, struct vhd_diag *diag)
{
	return resolve(disk, 0, offset, length, out, diag);
}

bool vhd_disk_may_read(const struct vhd_disk *disk, uint64_t offset,
		       uint64_t length)
{
	return !disk->inactive && vhd_inside(offset, length, disk->size);
}

int vhd_disk_resolve_in_memory(struct vhd_disk *disk, uint64_t offset,
			       uint64_t length, struct vhd_extent *out)
{
	int rc = resolve_layers(disk, 0, disk->count, false, offset, length,
				out, NULL);

	if (!rc && out->kind == VHD_EXTENT_PARENT)
		out->kind = VHD_EXTENT_ZERO;
	return rc;
}

bool vhd_disk_may_overwrite(const struct vhd_disk *disk, uint64_t offset,
			    uint64_t length)
{
	return vhd_disk_may_read(disk, offset, length) && disk->writable &&
	       vhd_is_aligned(offset | length, disk->sector_size) &&
	       vhd_image_takes_overwrites(disk->layers[0].image);
}

/* a range on an active disk, or why not */
static int check(struct vhd_disk *disk, unsigned first, uint64_t offset,
		 uint64_t length, struct vhd_diag *diag)
{
	uint64_t size = disk->size;

	if (disk->inactive)
		return vhd_fail(diag, VHD_E_BUSY, NULL, VHD_NO_OFFSET,
				"the disk was handed over");
	if (first) {
		struct vhd_image *image = vhd_disk_image(disk, first);

		size = image ? vhd_max(size, vhd_image_size(image)) : 0;
	}
	if (!vhd_inside(offset, length, size))
		return vhd_fail(diag, VHD_E_RANGE, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_RANGE));
	return 0;
}

int vhd_disk_layer_extent(struct vhd_disk *disk, unsigned first,
			  uint64_t offset, uint64_t length,
			  struct vhd_extent *out, struct vhd_diag *diag)
{
	int rc = check(disk, first, offset, length, diag);

	if (!rc && !length)
		rc = VHD_E_RANGE;
	return rc ? rc : resolve(disk, first, offset, length, out, diag);
}

int vhd_disk_extent(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		    struct vhd_extent *out, struct vhd_diag *diag)
{
	return vhd_disk_layer_extent(disk, 0, offset, length, out, diag);
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

static int read_range(struct vhd_disk *disk, unsigned first, uint64_t offset,
		      uint8_t *out, size_t len, struct vhd_diag *diag)
{
	while (len) {
		struct vhd_extent e;
		int rc = resolve(disk, first, offset, len, &e, diag);

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

int vhd_disk_layer_read(struct vhd_disk *disk, unsigned first, uint64_t offset,
			void *buf, size_t len, struct vhd_diag *diag)
{
	int rc = check(disk, first, offset, len, diag);
	unsigned token;

	if (rc)
		return rc;
	token = vhd_disk_hold(disk);
	rc = read_range(disk, first, offset, buf, len, diag);
	vhd_disk_release(disk, token);
	return rc;
}

int vhd_disk_read(struct vhd_disk *disk, uint64_t offset, void *buf, size_t len,
		  struct vhd_diag *diag)
{
	return vhd_disk_layer_read(disk, 0, offset, buf, len, diag);
}

bool vhd_disk_try_hold(struct vhd_disk *disk, unsigned *token)
{
	*token = vhd_image_enter(disk->layers[0].image);
	if (!atomic_load(&disk->stopped))
		return true;
	vhd_disk_release(disk, *token);
	return false;
}

unsigned vhd_disk_hold(struct vhd_disk *disk)
{
	unsigned token;

	while (!vhd_disk_try_hold(disk, &token)) {
		pthread_mutex_lock(&disk->mutex);
		while (atomic_load(&disk->stopped))
			pthread_cond_wait(&disk->goes_on, &disk->mutex);
		pthread_mutex_unlock(&disk->mutex);
	}
	return token;
}

void vhd_disk_release(struct vhd_disk *disk, unsigned token)
{
	vhd_image_leave(disk->layers[0].image, token);
}

static void let_in(struct vhd_disk *disk)
{
	pthread_mutex_lock(&disk->mutex);
	atomic_store(&disk->stopped, false);
	pthread_cond_broadcast(&disk->goes_on);
	pthread_mutex_unlock(&disk->mutex);
}

static void wait_for_flushes(struct vhd_disk *disk)
{
	pthread_mutex_lock(&disk->mutex);
	while (disk->flushing)
		pthread_cond_wait(&disk->goes_on, &disk->mutex);
	pthread_mutex_unlock(&disk->mutex);
}

/* whoever comes from now on waits; the writers' epoch is the readers' too */
static bool try_stop(struct vhd_disk *disk, unsigned ms)
{
	pthread_mutex_lock(&disk->mutex);
	atomic_store(&disk->stopped, true);
	pthread_mutex_unlock(&disk->mutex);
	if (vhd_image_try_hold_writes(disk->layers[0].image, ms)) {
		wait_for_flushes(disk);
		return true;
	}
	let_in(disk);
	return false;
}

void vhd_disk_stop(struct vhd_disk *disk)
{
	struct vhd_patience p = {0};

	while (!try_stop(disk, vhd_patience(&p)))
		vhd_have_patience(&p);
}

void vhd_disk_go_on(struct vhd_disk *disk)
{
	let_in(disk);
	vhd_image_let_write(disk->layers[0].image);
}

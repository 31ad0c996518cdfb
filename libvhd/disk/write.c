/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing a disk: pieces of a range go to the leaf in two phases (begin, move
 * the data, commit). Zeroing and discarding turn into metadata block by block
 * where the leaf can; what is left is written, or cut out of the host file.
 */
#include <string.h>

#include "core/checked.h"
#include "core/diag.h"
#include "disk.h"
#include "image/layer.h"
#include "image/shed.h"
#include "image/writer.h"

static int fail(const struct vhd_disk *disk, int rc, struct vhd_diag *diag)
{
	vhd_fail(diag, rc, NULL, VHD_NO_OFFSET, vhd_strerror(rc));
	return vhd_diag_path(diag, rc, disk->layers[0].path);
}

static int check_range(const struct vhd_disk *disk, uint64_t offset,
		       uint64_t length)
{
	if (disk->inactive)
		return VHD_E_BUSY;
	if (!disk->writable)
		return VHD_E_READONLY;
	if (!vhd_inside(offset, length, disk->size))
		return VHD_E_RANGE;
	if (!vhd_is_aligned(offset | length, disk->sector_size))
		return VHD_E_ALIGN;
	return 0;
}

_Static_assert(sizeof(struct vhd_write) <=
		       sizeof(((struct vhd_disk_piece *)NULL)->state),
	       "a piece has room for what begin() reserves");

int vhd_disk_piece_begin(struct vhd_disk *disk, uint64_t offset,
			 uint64_t length, struct vhd_disk_piece *out,
			 struct vhd_diag *diag)
{
	struct vhd_write w;
	int rc = check_range(disk, offset, length);

	if (!rc && !length)
		rc = VHD_E_RANGE;
	if (!rc)
		rc = vhd_image_write_begin(disk->layers[0].image, offset,
					   length, &w);
	if (rc)
		return fail(disk, rc, diag);
	out->start = offset;
	out->length = w.length;
	out->offset = w.offset;
	memcpy(out->state, &w, sizeof(w));
	return 0;
}

int vhd_disk_piece_commit(struct vhd_disk *disk, struct vhd_disk_piece *piece)
{
	struct vhd_write w;

	memcpy(&w, piece->state, sizeof(w));
	return vhd_image_write_commit(disk->layers[0].image, &w);
}

void vhd_disk_piece_abort(struct vhd_disk *disk, struct vhd_disk_piece *piece)
{
	struct vhd_write w;

	memcpy(&w, piece->state, sizeof(w));
	vhd_image_write_abort(disk->layers[0].image, &w);
}

static int write_data(struct vhd_image *leaf, uint64_t offset,
		      const uint8_t *in, size_t len)
{
	struct vhd_file *file = vhd_image_base_file(leaf);
	int rc = 0;

	while (len && !rc) {
		struct vhd_write w;

		rc = vhd_image_write_begin(leaf, offset, len, &w);
		if (rc)
			break;
		rc = vhd_file_write(file, w.offset, in, (size_t)w.length);
		if (rc)
			vhd_image_write_abort(leaf, &w);
		else
			rc = vhd_image_write_commit(leaf, &w);
		offset += w.length;
		in += w.length;
		len -= (size_t)w.length;
	}
	return rc;
}

int vhd_disk_write(struct vhd_disk *disk, uint64_t offset, const void *buf,
		   size_t len, struct vhd_diag *diag)
{
	int rc = check_range(disk, offset, len);

	if (!rc)
		rc = write_data(disk->layers[0].image, offset, buf, len);
	return rc ? fail(disk, rc, diag) : 0;
}

static int write_zeros(struct vhd_image *leaf, uint64_t offset, uint64_t length)
{
	static const uint8_t zeros[65536];
	int rc = 0;

	while (length && !rc) {
		size_t n = (size_t)vhd_min(length, sizeof(zeros));

		rc = write_data(leaf, offset, zeros, n);
		offset += n;
		length -= n;
	}
	return rc;
}

/* stored data of the leaf become zeros in place, as a hole if the host can */
static int punch(struct vhd_image *leaf, uint64_t offset, uint64_t length)
{
	int rc = 0;

	while (length && !rc) {
		struct vhd_write w;

		rc = vhd_image_write_begin(leaf, offset, length, &w);
		if (rc)
			break;
		if (w.kind != VHD_WRITE_OVER) {
			vhd_image_write_abort(leaf, &w);
			return VHD_E_UNSUPPORTED;
		}
		rc = vhd_file_punch(vhd_image_base_file(leaf), w.offset,
				    w.length);
		vhd_image_write_commit(leaf, &w);
		offset += w.length;
		length -= w.length;
	}
	return rc;
}

/* where a range is at the moment */
static int find(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		struct vhd_extent *out)
{
	unsigned token = vhd_disk_hold(disk);
	int rc = vhd_disk_resolve(disk, offset, length, out, NULL);

	vhd_disk_release(disk, token);
	return rc;
}

/* the same, of what the leaf itself stores */
static int find_stored(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		       struct vhd_extent *out)
{
	unsigned token = vhd_disk_hold(disk);
	int rc = vhd_image_extent(disk->layers[0].image, offset, length, out,
				  NULL);

	vhd_disk_release(disk, token);
	return rc;
}

/* part of a block, or a block that metadata alone cannot zero */
static int zero_part(struct vhd_disk *disk, uint64_t offset, uint64_t length)
{
	struct vhd_image *leaf = disk->layers[0].image;
	int rc = 0;

	while (length && !rc) {
		struct vhd_extent e;

		rc = find(disk, offset, length, &e);
		if (!rc && e.kind == VHD_EXTENT_DATA && e.depth == 0) {
			rc = punch(leaf, offset, e.length);
			if (rc == VHD_E_UNSUPPORTED)
				rc = write_zeros(leaf, offset, e.length);
		} else if (!rc && e.kind == VHD_EXTENT_DATA) {
			rc = write_zeros(leaf, offset, e.length);
		}
		offset += e.length;
		length -= e.length;
	}
	return rc;
}

/* bytes stored in the leaf may go; what a parent shows stays */
static int discard_part(struct vhd_disk *disk, uint64_t offset, uint64_t length)
{
	struct vhd_image *leaf = disk->layers[0].image;
	int rc = 0;

	while (length && !rc) {
		struct vhd_extent e;

		rc = find_stored(disk, offset, length, &e);
		if (!rc && e.kind == VHD_EXTENT_DATA) {
			rc = punch(leaf, offset, e.length);
			if (rc == VHD_E_UNSUPPORTED)
				rc = 0;
		}
		offset += e.length;
		length -= e.length;
	}
	return rc;
}

/* calls `part` for what dropping whole blocks does not cover */
static int by_block(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		    int (*part)(struct vhd_disk *disk, uint64_t offset,
				uint64_t length))
{
	struct vhd_image *leaf = disk->layers[0].image;
	uint64_t block = vhd_image_block_size(leaf), end = offset + length;
	int rc = 0;

	while (offset < end && !rc) {
		uint64_t next =
			block ? vhd_round_down(offset, block) + block : end;
		uint64_t stop = vhd_min(vhd_min(next, disk->size), end);
		bool whole = block && vhd_is_aligned(offset, block) &&
			     stop == vhd_min(next, disk->size);

		rc = whole ? vhd_image_drop_block(leaf, offset / block)
			   : VHD_E_UNSUPPORTED;
		if (rc == VHD_E_UNSUPPORTED)
			rc = part(disk, offset, stop - offset);
		offset = stop;
	}
	return rc;
}

int vhd_disk_zero(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		  struct vhd_diag *diag)
{
	int rc = check_range(disk, offset, length);

	if (!rc)
		rc = by_block(disk, offset, length, zero_part);
	return rc ? fail(disk, rc, diag) : 0;
}

int vhd_disk_write_zeros(struct vhd_disk *disk, uint64_t offset,
			 uint64_t length, struct vhd_diag *diag)
{
	int rc = check_range(disk, offset, length);

	if (!rc)
		rc = write_zeros(disk->layers[0].image, offset, length);
	return rc ? fail(disk, rc, diag) : 0;
}

int vhd_disk_discard(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		     struct vhd_diag *diag)
{
	int rc = check_range(disk, offset, length);

	if (!rc && !vhd_image_is_fixed(disk->layers[0].image))
		rc = by_block(disk, offset, length, discard_part);
	return rc ? fail(disk, rc, diag) : 0;
}

/* not inside, as other requests are: a flush is what frees space */
static int flush(struct vhd_disk *disk)
{
	int rc;

	pthread_mutex_lock(&disk->mutex);
	while (atomic_load(&disk->stopped))
		pthread_cond_wait(&disk->goes_on, &disk->mutex);
	disk->flushing++;
	pthread_mutex_unlock(&disk->mutex);
	rc = vhd_image_flush(disk->layers[0].image);
	pthread_mutex_lock(&disk->mutex);
	if (!--disk->flushing)
		pthread_cond_broadcast(&disk->goes_on);
	pthread_mutex_unlock(&disk->mutex);
	return rc;
}

int vhd_disk_flush(struct vhd_disk *disk, struct vhd_diag *diag)
{
	int rc = disk->writable ? flush(disk) : 0;

	return rc ? fail(disk, rc, diag) : 0;
}

int vhd_disk_shut(struct vhd_disk *disk, struct vhd_diag *diag)
{
	int rc = disk->writable ? vhd_image_shut(disk->layers[0].image) : 0;

	disk->writable = disk->layers[0].image->writer != NULL;
	return rc ? fail(disk, rc, diag) : 0;
}

int vhd_disk_is_settled(const struct vhd_disk *disk)
{
	return vhd_image_is_settled(disk->layers[0].image);
}

int vhd_disk_is_writable(const struct vhd_disk *disk)
{
	return disk->writable;
}

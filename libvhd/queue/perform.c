/* SPDX-License-Identifier: BSD-2-Clause */
/* A request done from beginning to end, with waiting: what the pool's threads
 * run. */
#include <string.h>

#include "core/checked.h"
#include "file/file.h"
#include "queue.h"

/* -- a walk through iovecs ---------------------------------------------------
 */

struct walk {
	const struct iovec *iov;
	size_t used; /* of *iov */
};

/* the next bytes that lie together, at most `most` of them */
static uint8_t *next_bytes(struct walk *w, uint64_t most, size_t *length)
{
	uint8_t *bytes;

	while (w->used == w->iov->iov_len) {
		w->iov++;
		w->used = 0;
	}
	bytes = (uint8_t *)w->iov->iov_base + w->used;
	*length = (size_t)vhd_min(most, w->iov->iov_len - w->used);
	w->used += *length;
	return bytes;
}

/* -- the kinds ---------------------------------------------------------------
 */

static int read_all(struct vhd_disk *disk, const struct vhd_request *r)
{
	uint64_t at = r->offset, end = r->offset + r->length;
	struct walk w = {r->iov, 0};
	int rc = 0;

	if (!vhd_inside(r->offset, r->length, vhd_disk_size(disk)))
		return VHD_E_RANGE;
	while (at < end && !rc) {
		size_t n;
		uint8_t *bytes = next_bytes(&w, end - at, &n);

		rc = vhd_disk_read(disk, at, bytes, n, NULL);
		at += n;
	}
	return rc;
}

static int write_piece(struct vhd_file *file, const struct vhd_disk_piece *p,
		       struct walk *w)
{
	uint64_t done = 0;
	int rc = 0;

	while (done < p->length && !rc) {
		size_t n;
		uint8_t *bytes = next_bytes(w, p->length - done, &n);

		rc = vhd_file_write(file, p->offset + done, bytes, n);
		done += n;
	}
	return rc;
}

static int write_all(struct vhd_disk *disk, const struct vhd_request *r)
{
	struct vhd_file *file = vhd_image_file(vhd_disk_image(disk, 0));
	uint64_t at = r->offset, end = r->offset + r->length;
	struct walk w = {r->iov, 0};
	int rc = 0;

	if (!r->length) /* the checks of a write */
		return vhd_disk_write(disk, r->offset, NULL, 0, NULL);
	if (!vhd_inside(r->offset, r->length, vhd_disk_size(disk)))
		return VHD_E_RANGE;
	while (at < end && !rc) {
		struct vhd_disk_piece p;

		rc = vhd_disk_piece_begin(disk, at, end - at, &p, NULL);
		if (rc)
			break;
		rc = write_piece(file, &p, &w);
		if (rc)
			vhd_disk_piece_abort(disk, &p);
		else
			rc = vhd_disk_piece_commit(disk, &p);
		at += p.length;
	}
	return rc;
}

static int zero(struct vhd_disk *disk, const struct vhd_request *r)
{
	if (r->flags & VHD_REQUEST_NO_UNMAP)
		return vhd_disk_write_zeros(disk, r->offset, r->length, NULL);
	return vhd_disk_zero(disk, r->offset, r->length, NULL);
}

static bool needs_flush(const struct vhd_disk *disk,
			const struct vhd_request *r)
{
	return (r->flags & VHD_REQUEST_FUA) ||
	       ((r->flags & VHD_REQUEST_SURVIVES) &&
		!vhd_disk_is_settled(disk));
}

int vhd_request_perform(struct vhd_disk *disk, const struct vhd_request *r)
{
	int rc = VHD_E_INVALID;

	switch (r->kind) {
	case VHD_REQUEST_READ:
		return read_all(disk, r);
	case VHD_REQUEST_WRITE:
		rc = write_all(disk, r);
		break;
	case VHD_REQUEST_ZERO:
		rc = zero(disk, r);
		break;
	case VHD_REQUEST_DISCARD:
		rc = vhd_disk_discard(disk, r->offset, r->length, NULL);
		break;
	case VHD_REQUEST_FLUSH:
		return vhd_disk_flush(disk, NULL);
	}
	if (!rc && needs_flush(disk, r))
		rc = vhd_disk_flush(disk, NULL);
	return rc;
}

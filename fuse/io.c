/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads become a list of pieces: file descriptor and offset for stored data,
 * memory for zeros. libfuse splices the former, so present data never pass
 * through our memory. The disk is held meanwhile, so that no block is given to
 * something else between the look-up and the copy.
 *
 * Writes are whole sectors nearly always: they go piece by piece to the places
 * the library reserves, spliced again. A write that begins or ends inside a
 * sector reads the rest of that sector first, alone, since another write to the
 * same sector must not come in between.
 */
#include "io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* longest request of the kernel */
#define ZEROS ((size_t)1 << 20)
/* pieces of one read; more are gathered in memory */
#define PIECES 64u

static const char zeros[ZEROS];

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t sector_size(const struct view *view)
{
	return vhd_disk_sector_size(view->disk);
}

/* -- reading -----------------------------------------------------------------
 */

static int find_extent(const struct view *view, uint64_t offset,
		       uint64_t length, struct vhd_extent *out)
{
	return view_errno(vhd_disk_layer_extent(view->disk, view->layer,
						view->start + offset, length,
						out, NULL));
}

/* false if the extent is not in a descriptor as it is */
static bool describe(const struct view *view, const struct vhd_extent *e,
		     struct fuse_buf *out)
{
	if (e->kind == VHD_EXTENT_ZERO) {
		*out = (struct fuse_buf){
			.size = min_u64(e->length, ZEROS),
			.mem = (void *)(uintptr_t)zeros,
		};
		return e->length <= ZEROS;
	}
	*out = (struct fuse_buf){
		.size = e->length,
		.flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK | FUSE_BUF_FD_RETRY,
		.fd = vhd_image_data_fd(vhd_disk_image(view->disk, e->depth),
					e->offset, e->length),
		.pos = (off_t)e->offset,
	};
	return out->fd >= 0;
}

/* false: not all of it can be described */
static bool describe_all(const struct view *view, uint64_t offset, size_t size,
			 struct fuse_bufvec *v, int *error)
{
	v->count = 0;
	v->idx = 0;
	v->off = 0;
	while (size) {
		struct vhd_extent e;

		*error = v->count < PIECES ? find_extent(view, offset, size, &e)
					   : 0;
		if (*error || v->count == PIECES ||
		    !describe(view, &e, &v->buf[v->count]))
			return false;
		v->count++;
		offset += e.length;
		size -= (size_t)e.length;
	}
	return true;
}

static void reply_from_memory(fuse_req_t req, const struct view *view,
			      uint64_t offset, size_t size)
{
	char *buf = malloc(size);
	int rc =
		buf ? vhd_disk_layer_read(view->disk, view->layer,
					  view->start + offset, buf, size, NULL)
		    : VHD_E_NOMEM;

	if (rc)
		fuse_reply_err(req, view_errno(rc));
	else
		fuse_reply_buf(req, buf, size);
	free(buf);
}

void io_read(fuse_req_t req, const struct view *view, uint64_t offset,
	     size_t size)
{
	union {
		struct fuse_bufvec v;
		char room[sizeof(struct fuse_bufvec) +
			  PIECES * sizeof(struct fuse_buf)];
	} list;
	unsigned token;
	int error = 0;

	if (offset >= view->length) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	size = (size_t)min_u64(size, view->length - offset);
	token = vhd_disk_hold(view->disk);
	if (describe_all(view, offset, size, &list.v, &error))
		fuse_reply_data(req, &list.v, FUSE_BUF_SPLICE_MOVE);
	else if (error)
		fuse_reply_err(req, error);
	else
		reply_from_memory(req, view, offset, size);
	vhd_disk_release(view->disk, token);
}

/* -- writing -----------------------------------------------------------------
 */

/* one piece from the kernel's buffer to its place in the image */
static int write_piece(const struct view *view, uint64_t offset,
		       uint64_t length, struct fuse_bufvec *in, uint64_t *done)
{
	struct vhd_file *file = vhd_image_file(vhd_disk_image(view->disk, 0));
	struct fuse_bufvec out = FUSE_BUFVEC_INIT(0);
	struct vhd_disk_piece piece;
	ssize_t n;
	int rc = vhd_disk_piece_begin(view->disk, view->start + offset, length,
				      &piece, NULL);

	if (rc)
		return view_errno(rc);
	out.buf[0] = (struct fuse_buf){
		.size = (size_t)piece.length,
		.flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK | FUSE_BUF_FD_RETRY,
		.fd = vhd_file_fd(file),
		.pos = (off_t)piece.offset,
	};
	n = fuse_buf_copy(&out, in, 0);
	if (n != (ssize_t)piece.length) {
		vhd_disk_piece_abort(view->disk, &piece);
		return n < 0 ? (int)-n : EIO;
	}
	*done = piece.length;
	return view_errno(vhd_disk_piece_commit(view->disk, &piece));
}

static int write_pieces(const struct view *view, uint64_t offset, size_t size,
			struct fuse_bufvec *in)
{
	int rc = 0;

	while (size && !rc) {
		uint64_t done = 0;

		rc = write_piece(view, offset, size, in, &done);
		offset += done;
		size -= (size_t)done;
	}
	return rc;
}

/* bytes of memory anywhere; the rest of the sectors they touch is kept. Under
 * the lock, alone */
static int modify(const struct view *view, uint64_t offset, const char *bytes,
		  size_t size)
{
	uint64_t sector = sector_size(view), at = view->start + offset;
	uint64_t from = at / sector * sector;
	uint64_t to = (at + size + sector - 1) / sector * sector;
	char *buf = malloc((size_t)(to - from));
	int rc = buf ? vhd_disk_read(view->disk, from, buf, (size_t)(to - from),
				     NULL)
		     : VHD_E_NOMEM;

	if (!rc) {
		memcpy(buf + (at - from), bytes, size);
		rc = vhd_disk_write(view->disk, from, buf, (size_t)(to - from),
				    NULL);
	}
	free(buf);
	return view_errno(rc);
}

static int modify_from(struct views *views, const struct view *view,
		       uint64_t offset, struct fuse_bufvec *in, size_t size)
{
	struct fuse_bufvec out = FUSE_BUFVEC_INIT(size);
	char *buf = malloc(size);
	ssize_t n;
	int rc = ENOMEM;

	if (!buf)
		return rc;
	out.buf[0].mem = buf;
	n = fuse_buf_copy(&out, in, 0);
	if (n == (ssize_t)size) {
		pthread_rwlock_wrlock(&views->sectors);
		rc = modify(view, offset, buf, size);
		pthread_rwlock_unlock(&views->sectors);
	} else {
		rc = n < 0 ? (int)-n : EIO;
	}
	free(buf);
	return rc;
}

int io_write(struct views *views, const struct view *view, uint64_t offset,
	     struct fuse_bufvec *in, size_t *written)
{
	size_t size = fuse_buf_size(in);
	int rc;

	if (offset > view->length || size > view->length - offset)
		return EFBIG;
	if (!size)
		rc = 0;
	else if ((view->start + offset) % sector_size(view) ||
		 size % sector_size(view)) {
		rc = modify_from(views, view, offset, in, size);
	} else {
		pthread_rwlock_rdlock(&views->sectors);
		rc = write_pieces(view, offset, size, in);
		pthread_rwlock_unlock(&views->sectors);
	}
	if (!rc)
		*written = size;
	return rc;
}

/* -- zeroing -----------------------------------------------------------------
 */

/* a part of one sector */
static int zero_bytes(struct views *views, const struct view *view,
		      uint64_t offset, uint64_t length)
{
	int rc = 0;

	if (!length)
		return 0;
	pthread_rwlock_wrlock(&views->sectors);
	rc = modify(view, offset, zeros, (size_t)length);
	pthread_rwlock_unlock(&views->sectors);
	return rc;
}

int io_zero(struct views *views, const struct view *view, uint64_t offset,
	    uint64_t length)
{
	uint64_t sector = sector_size(view), at = view->start + offset, end;
	uint64_t head, tail;
	int rc;

	if (offset >= view->length)
		return 0;
	end = at + min_u64(length, view->length - offset);
	head = min_u64((sector - at % sector) % sector, end - at);
	tail = end - at > head ? end % sector : 0;
	rc = zero_bytes(views, view, offset, head);
	if (!rc)
		rc = zero_bytes(views, view, end - tail - view->start, tail);
	if (rc || at + head >= end - tail)
		return rc;
	pthread_rwlock_rdlock(&views->sectors);
	rc = vhd_disk_zero(view->disk, at + head, end - tail - at - head, NULL);
	pthread_rwlock_unlock(&views->sectors);
	return view_errno(rc);
}

/* -- holes -------------------------------------------------------------------
 */

/* what of an extent is a hole of the host file, or the image, counts as one:
 * *data says what begins here, *length how far it goes */
static int look(const struct view *view, uint64_t offset, bool *data,
		uint64_t *length)
{
	struct vhd_extent e;
	uint64_t start, end;
	int rc = find_extent(view, offset, view->length - offset, &e);

	if (rc)
		return rc;
	*data = e.kind == VHD_EXTENT_DATA;
	*length = e.length;
	if (!*data)
		return 0;
	rc = vhd_file_next_data(
		vhd_image_file(vhd_disk_image(view->disk, e.depth)), e.offset,
		&start, &end);
	if (rc)
		return view_errno(rc);
	if (start > e.offset) {
		*data = false;
		*length = min_u64(e.length, start - e.offset);
	} else if (end > start) {
		*length = min_u64(e.length, end - e.offset);
	}
	return 0;
}

int io_seek(const struct view *view, uint64_t offset, int whence, off_t *out)
{
	bool wanted = whence == SEEK_DATA, data;
	uint64_t length;
	int rc;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return EINVAL;
	while (offset < view->length) {
		rc = look(view, offset, &data, &length);
		if (rc)
			return rc;
		if (data == wanted) {
			*out = (off_t)offset;
			return 0;
		}
		offset += length;
	}
	if (offset > view->length || wanted)
		return ENXIO;
	*out = (off_t)view->length;
	return 0;
}

/* -- copying -----------------------------------------------------------------
 */

/* from a descriptor to the next piece of the disk */
static int copy_piece(const struct view *to, uint64_t offset, uint64_t length,
		      int fd, uint64_t from, uint64_t *done)
{
	int out = vhd_file_fd(vhd_image_file(vhd_disk_image(to->disk, 0)));
	struct vhd_disk_piece piece;
	off_t in_offset = (off_t)from, out_offset;
	uint64_t left;
	int rc = vhd_disk_piece_begin(to->disk, to->start + offset, length,
				      &piece, NULL);

	if (rc)
		return view_errno(rc);
	out_offset = (off_t)piece.offset;
	for (left = piece.length; left;) {
		ssize_t n = copy_file_range(fd, &in_offset, out, &out_offset,
					    (size_t)left, 0);

		if (n <= 0) {
			rc = n < 0 ? errno : EIO;
			vhd_disk_piece_abort(to->disk, &piece);
			return rc;
		}
		left -= (uint64_t)n;
	}
	*done = piece.length;
	return view_errno(vhd_disk_piece_commit(to->disk, &piece));
}

/* one run of the source, whole sectors */
static int copy_run(const struct view *from, uint64_t from_offset,
		    const struct view *to, uint64_t to_offset, uint64_t length,
		    uint64_t *done)
{
	struct vhd_extent e;
	int fd, rc = find_extent(from, from_offset, length, &e);

	if (rc)
		return rc;
	if (e.kind == VHD_EXTENT_ZERO) {
		*done = e.length;
		return view_errno(vhd_disk_zero(to->disk, to->start + to_offset,
						e.length, NULL));
	}
	fd = vhd_image_data_fd(vhd_disk_image(from->disk, e.depth), e.offset,
			       e.length);
	if (fd < 0)
		return EOPNOTSUPP;
	return copy_piece(to, to_offset, e.length, fd, e.offset, done);
}

int io_copy(struct views *views, const struct view *from, uint64_t from_offset,
	    const struct view *to, uint64_t to_offset, size_t length,
	    size_t *copied)
{
	uint64_t sector = sector_size(to), done = 0;
	unsigned token;
	int rc = 0;

	if (from_offset >= from->length || to_offset >= to->length) {
		*copied = 0;
		return from_offset >= from->length ? 0 : EFBIG;
	}
	length = (size_t)min_u64(length, min_u64(from->length - from_offset,
						 to->length - to_offset));
	if ((from->start + from_offset) % sector ||
	    (to->start + to_offset) % sector || length % sector)
		return EOPNOTSUPP; /* the kernel copies through its cache */
	token = vhd_disk_hold(from->disk);
	pthread_rwlock_rdlock(&views->sectors);
	while (length && !rc) {
		rc = copy_run(from, from_offset, to, to_offset, length, &done);
		if (rc)
			break;
		from_offset += done;
		to_offset += done;
		*copied += (size_t)done;
		length -= (size_t)done;
	}
	pthread_rwlock_unlock(&views->sectors);
	vhd_disk_release(from->disk, token);
	return *copied ? 0 : rc;
}

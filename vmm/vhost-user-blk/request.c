/* SPDX-License-Identifier: BSD-2-Clause */
#include "request.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* -- pieces ------------------------------------------------------------------
 */

/* what of a chain we read, or what we write */
struct part {
	struct iovec *iov;
	unsigned count;
	uint64_t bytes;
};

/* takes `length` bytes from the front; there are so many */
static void take_front(struct part *p, void *out, size_t length)
{
	uint8_t *to = out;

	p->bytes -= length;
	while (length) {
		struct iovec *v = p->iov;
		size_t n = v->iov_len < length ? v->iov_len : length;

		memcpy(to, v->iov_base, n);
		to += n;
		length -= n;
		v->iov_base = (uint8_t *)v->iov_base + n;
		v->iov_len -= n;
		if (!v->iov_len) {
			p->iov++;
			p->count--;
		}
	}
}

/* the last byte, which is the status */
static uint8_t *take_last(struct part *p)
{
	struct iovec *last = &p->iov[p->count - 1];

	p->bytes--;
	if (!--last->iov_len)
		p->count--;
	return (uint8_t *)last->iov_base + last->iov_len;
}

static bool keep(struct vub_request *r, const struct part *p)
{
	r->iov = r->own;
	if (p->count > VUB_OWN_PIECES)
		r->iov = malloc(p->count * sizeof(*r->iov));
	if (!r->iov)
		return false;
	memcpy(r->iov, p->iov, p->count * sizeof(*r->iov));
	r->count = p->count;
	return true;
}

/* -- kinds -------------------------------------------------------------------
 */

static bool inside(const struct vub_target *t, uint64_t sector, uint64_t length)
{
	uint64_t size = vhd_disk_size(t->disk);

	return sector <= size / VIRTIO_BLK_SECTOR &&
	       length <= size - sector * VIRTIO_BLK_SECTOR;
}

static int read_transfer(struct vub_request *r, const struct vub_target *t,
			 uint64_t sector, const struct part *data)
{
	if (r->type == VIRTIO_BLK_T_OUT && t->read_only)
		return VIRTIO_BLK_S_IOERR;
	if (data->bytes % VIRTIO_BLK_SECTOR || !inside(t, sector, data->bytes))
		return VIRTIO_BLK_S_IOERR;
	r->offset = sector * VIRTIO_BLK_SECTOR;
	r->length = data->bytes;
	return keep(r, data) ? -1 : VIRTIO_BLK_S_IOERR;
}

static int check_segment(const struct vub_request *r,
			 const struct vub_target *t,
			 struct virtio_blk_segment *s)
{
	uint32_t allowed =
		r->type == VIRTIO_BLK_T_WRITE_ZEROES ? VIRTIO_BLK_UNMAP : 0;
	uint64_t length;

	s->sector = le64toh(s->sector);
	s->sectors = le32toh(s->sectors);
	s->flags = le32toh(s->flags);
	length = (uint64_t)s->sectors * VIRTIO_BLK_SECTOR;
	if (s->flags & ~allowed)
		return VIRTIO_BLK_S_UNSUPP;
	if (length > VUB_RANGE_MAX || !inside(t, s->sector, length))
		return VIRTIO_BLK_S_IOERR;
	return -1;
}

static int read_segments(struct vub_request *r, const struct vub_target *t,
			 struct part *data)
{
	size_t length = (size_t)data->bytes;
	size_t n = length / sizeof(*r->segments);
	int rc = -1;

	if (t->read_only || !n || n > VUB_SEGMENTS_MAX ||
	    length % sizeof(*r->segments))
		return VIRTIO_BLK_S_IOERR;
	r->segments = malloc(length);
	if (!r->segments)
		return VIRTIO_BLK_S_IOERR;
	take_front(data, r->segments, length);
	r->segment_count = (unsigned)n;
	for (unsigned i = 0; i < n && rc < 0; i++)
		rc = check_segment(r, t, &r->segments[i]);
	return rc;
}

/* the text, and zeros behind it */
static int read_id(struct vub_request *r, const struct vub_target *t,
		   const struct part *data)
{
	char id[VIRTIO_BLK_ID_BYTES] = {0};
	size_t done = 0, left = sizeof(id);

	memcpy(id, t->serial, strnlen(t->serial, sizeof(id)));
	if (data->bytes < left)
		left = (size_t)data->bytes;
	if (!keep(r, data))
		return VIRTIO_BLK_S_IOERR;
	r->length = left;
	for (unsigned i = 0; i < data->count && left; i++) {
		const struct iovec *v = &data->iov[i];
		size_t n = v->iov_len < left ? v->iov_len : left;

		memcpy(v->iov_base, id + done, n);
		done += n;
		left -= n;
	}
	return VIRTIO_BLK_S_OK;
}

static int read_kind(struct vub_request *r, const struct vub_target *t,
		     const struct virtio_blk_header *h, struct part *out,
		     const struct part *in)
{
	/* another host has the image */
	if (r->type != VIRTIO_BLK_T_GET_ID && !vhd_disk_is_active(t->disk))
		return VIRTIO_BLK_S_IOERR;
	switch (r->type) {
	case VIRTIO_BLK_T_IN:
		return read_transfer(r, t, le64toh(h->sector), in);
	case VIRTIO_BLK_T_OUT:
		return read_transfer(r, t, le64toh(h->sector), out);
	case VIRTIO_BLK_T_FLUSH:
		return t->read_only ? VIRTIO_BLK_S_OK : -1;
	case VIRTIO_BLK_T_GET_ID:
		return read_id(r, t, in);
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return read_segments(r, t, out);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

int vub_request_read(struct vub_request *r, struct vub_chain *chain,
		     const struct vub_target *t, const char **wrong)
{
	struct part out = {chain->pieces, chain->readable,
			   chain->readable_bytes};
	struct part in = {chain->pieces + chain->readable, chain->writable,
			  chain->writable_bytes};
	struct virtio_blk_header header;

	*wrong = NULL;
	r->status = in.count ? take_last(&in) : NULL;
	if (!r->status)
		*wrong = "a request without a place for its status";
	else if (out.bytes < sizeof(header))
		*wrong = "a request without a header";
	if (*wrong)
		return VIRTIO_BLK_S_IOERR;
	take_front(&out, &header, sizeof(header));
	r->type = le32toh(header.type);
	return read_kind(r, t, &header, &out, &in);
}

/* -- doing -------------------------------------------------------------------
 */

unsigned vub_request_parts(const struct vub_request *r)
{
	return r->segment_count ? r->segment_count : 1;
}

static int submit_segment(struct vub_request *r, struct vhd_queue *queue,
			  const struct virtio_blk_segment *s, uint32_t flags)
{
	uint64_t offset = s->sector * VIRTIO_BLK_SECTOR;
	uint64_t length = (uint64_t)s->sectors * VIRTIO_BLK_SECTOR;

	if (r->type == VIRTIO_BLK_T_DISCARD)
		return vhd_queue_discard(queue, offset, length, r, 0);
	if (!(s->flags & VIRTIO_BLK_UNMAP))
		flags |= VHD_REQUEST_NO_UNMAP;
	return vhd_queue_zero(queue, offset, length, r, flags);
}

static int submit_part(struct vub_request *r, struct vhd_queue *queue,
		       unsigned part, uint32_t flags)
{
	switch (r->type) {
	case VIRTIO_BLK_T_IN:
		return vhd_queue_readv(queue, r->offset, r->iov, r->count, r,
				       0);
	case VIRTIO_BLK_T_OUT:
		return vhd_queue_writev(queue, r->offset, r->iov, r->count, r,
					flags);
	case VIRTIO_BLK_T_FLUSH:
		return vhd_queue_flush(queue, r, 0);
	default:
		return submit_segment(r, queue, &r->segments[part], flags);
	}
}

void vub_request_submit(struct vub_request *r, struct vhd_queue *queue,
			uint32_t flags)
{
	unsigned parts = vub_request_parts(r);

	r->result = 0;
	r->pending = 0;
	for (unsigned i = 0; i < parts; i++)
		if (!submit_part(r, queue, i, flags))
			r->pending++;
}

bool vub_request_changes(const struct vub_request *r,
			 const struct vub_target *t)
{
	uint64_t at = r->offset, end = r->offset + r->length;

	if (r->type != VIRTIO_BLK_T_OUT)
		return r->type == VIRTIO_BLK_T_WRITE_ZEROES;
	while (at < end) {
		struct vhd_extent e;

		if (vhd_disk_extent(t->disk, at, end - at, &e, NULL) ||
		    e.kind != VHD_EXTENT_DATA || e.depth)
			return true;
		at += e.length;
	}
	return false;
}

int vub_request_write(const struct vub_request *r, const struct vub_target *t)
{
	uint64_t at = r->offset;
	int rc = 0;

	for (unsigned i = 0; i < r->count && !rc; i++) {
		rc = vhd_disk_write(t->disk, at, r->iov[i].iov_base,
				    r->iov[i].iov_len, NULL);
		at += r->iov[i].iov_len;
	}
	return rc;
}

/* -- ending ------------------------------------------------------------------
 */

uint8_t vub_request_status(int result)
{
	return result ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
}

static bool answers(const struct vub_request *r)
{
	return r->type == VIRTIO_BLK_T_IN || r->type == VIRTIO_BLK_T_GET_ID;
}

uint32_t vub_request_written(const struct vub_request *r, uint8_t status)
{
	if (!r->status)
		return 0;
	if (!answers(r))
		return 1;
	/* the status lies behind data that may not have been written */
	if (status != VIRTIO_BLK_S_OK)
		return 0;
	return r->length < UINT32_MAX ? (uint32_t)r->length + 1 : UINT32_MAX;
}

void vub_request_mark(const struct vub_request *r,
		      const struct vub_guest *guest, struct vub_dirty *dirty)
{
	if (r->status)
		vub_guest_mark(guest, dirty, r->status, 1);
	for (unsigned i = 0; answers(r) && i < r->count; i++)
		vub_guest_mark(guest, dirty, r->iov[i].iov_base,
			       r->iov[i].iov_len);
}

void vub_request_drop(struct vub_request *r)
{
	if (r->iov != r->own)
		free(r->iov);
	free(r->segments);
	r->iov = NULL;
	r->count = 0;
	r->segments = NULL;
	r->segment_count = 0;
	r->status = NULL;
	r->busy = false;
}

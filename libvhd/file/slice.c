/* SPDX-License-Identifier: BSD-2-Clause */
/* A range of another file as a file of its own: an image inside an archive. */
#include <stdlib.h>

#include "core/checked.h"
#include "file.h"

struct slice {
	struct vhd_file *inner;
	uint64_t offset;
	uint64_t length;
};

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct slice *s = ctx;

	if (!vhd_inside(offset, len, s->length))
		return VHD_E_IO;
	return vhd_file_read(s->inner, s->offset + offset, buf, len);
}

static int write_at(void *ctx, uint64_t offset, const void *buf, size_t len)
{
	const struct slice *s = ctx;

	if (!vhd_inside(offset, len, s->length))
		return VHD_E_NOSPACE;
	return vhd_file_write(s->inner, s->offset + offset, buf, len);
}

static int get_size(void *ctx, uint64_t *size)
{
	*size = ((const struct slice *)ctx)->length;
	return 0;
}

static int flush(void *ctx)
{
	return vhd_file_flush(((const struct slice *)ctx)->inner);
}

static int punch(void *ctx, uint64_t offset, uint64_t length)
{
	const struct slice *s = ctx;

	return vhd_file_punch(s->inner, s->offset + offset, length);
}

static int next_data(void *ctx, uint64_t offset, uint64_t *start, uint64_t *end)
{
	const struct slice *s = ctx;
	uint64_t from, to;
	int rc = vhd_file_next_data(s->inner, s->offset + offset, &from, &to);

	if (rc)
		return rc;
	*start = vhd_min(from - s->offset, s->length);
	*end = vhd_min(to - s->offset, s->length);
	return 0;
}

static int set_lock(void *ctx, enum vhd_lock lock)
{
	return vhd_file_lock(((const struct slice *)ctx)->inner, lock);
}

static void close_slice(void *ctx)
{
	struct slice *s = ctx;

	vhd_file_close(s->inner);
	free(s);
}

static const struct vhd_file_ops reading = {
	.size = sizeof(struct vhd_file_ops),
	.read_at = read_at,
	.get_size = get_size,
	.close = close_slice,
	.next_data = next_data,
	.set_lock = set_lock,
};

static const struct vhd_file_ops writing = {
	.size = sizeof(struct vhd_file_ops),
	.read_at = read_at,
	.get_size = get_size,
	.close = close_slice,
	.write_at = write_at,
	.flush = flush,
	.punch = punch,
	.next_data = next_data,
	.set_lock = set_lock,
};

int vhd_file_open_slice(struct vhd_file *inner, uint64_t offset,
			uint64_t length, struct vhd_file **out)
{
	struct slice *s;
	uint64_t size;
	int rc = vhd_file_size(inner, &size);

	if (rc)
		return rc;
	if (!vhd_inside(offset, length, size))
		return VHD_E_RANGE;
	s = malloc(sizeof(*s));
	if (!s)
		return VHD_E_NOMEM;
	*s = (struct slice){inner, offset, length};
	rc = vhd_file_new(vhd_file_is_writable(inner) ? &writing : &reading, s,
			  out);
	if (rc)
		free(s);
	return rc;
}

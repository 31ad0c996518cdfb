/* SPDX-License-Identifier: BSD-2-Clause */
/* A file without its write side: whatever the image code does, not a byte of
 * the inner file changes. */
#include "file.h"

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	return vhd_file_read(ctx, offset, buf, len);
}

static int get_size(void *ctx, uint64_t *size)
{
	return vhd_file_size(ctx, size);
}

static int next_data(void *ctx, uint64_t offset, uint64_t *start, uint64_t *end)
{
	return vhd_file_next_data(ctx, offset, start, end);
}

static int get_id(void *ctx, struct vhd_file_id *id)
{
	return vhd_file_id(ctx, id);
}

static int set_lock(void *ctx, enum vhd_lock lock)
{
	return vhd_file_lock(ctx, lock);
}

static int get_allocated(void *ctx, uint64_t *bytes)
{
	return vhd_file_allocated(ctx, bytes);
}

static void close_inner(void *ctx)
{
	vhd_file_close(ctx);
}

/* no descriptor: one that is open for writing must not leak past this door */
static const struct vhd_file_ops ops = {
	.size = sizeof(struct vhd_file_ops),
	.read_at = read_at,
	.get_size = get_size,
	.close = close_inner,
	.next_data = next_data,
	.get_id = get_id,
	.set_lock = set_lock,
	.get_allocated = get_allocated,
};

int vhd_file_open_readonly(struct vhd_file *inner, struct vhd_file **out)
{
	return vhd_file_new(&ops, inner, out);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/sparse_file.h"

#include <stdlib.h>

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	struct sparse *s = ctx;
	struct vhd_source source = sparse_source(s);

	if (offset > s->size || len > s->size - offset)
		return VHD_E_IO;
	return source.read_at(source.ctx, offset, buf, len);
}

static int get_size(void *ctx, uint64_t *size)
{
	const struct sparse *s = ctx;

	*size = s->size;
	return 0;
}

static int next_data(void *ctx, uint64_t offset, uint64_t *start, uint64_t *end)
{
	const struct sparse *s = ctx;

	if (!sparse_next(s, offset, start, end))
		*start = *end = s->size;
	return 0;
}

static int get_id(void *ctx, struct vhd_file_id *id)
{
	*id = (struct vhd_file_id){1, (uintptr_t)ctx};
	return 0;
}

struct vhd_file *sparse_file_new(struct sparse *s)
{
	static const struct vhd_file_ops ops = {
		.size = sizeof(ops),
		.read_at = read_at,
		.get_size = get_size,
		.next_data = next_data,
		.get_id = get_id,
	};
	struct vhd_file *file;

	if (vhd_file_new(&ops, s, &file))
		abort();
	return file;
}

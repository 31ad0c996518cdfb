/* SPDX-License-Identifier: BSD-2-Clause */
/* A file in memory. Not for writing from several threads at once. */
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "file.h"

struct memory {
	uint8_t *bytes;
	const uint8_t *view; /* bytes, or the caller's */
	size_t size;
	size_t room;
};

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct memory *m = ctx;

	if (!vhd_inside(offset, len, m->size))
		return VHD_E_IO;
	memcpy(buf, m->view + offset, len);
	return 0;
}

static int get_size(void *ctx, uint64_t *size)
{
	*size = ((const struct memory *)ctx)->size;
	return 0;
}

static int resize(void *ctx, uint64_t size)
{
	struct memory *m = ctx;

	if (size > m->room) {
		size_t room = (size_t)vhd_max(size, m->room * 2);
		uint8_t *bytes = realloc(m->bytes, room);

		if (!bytes)
			return VHD_E_NOMEM;
		m->bytes = bytes;
		m->view = bytes;
		m->room = room;
	}
	if (size > m->size)
		memset(m->bytes + m->size, 0, (size_t)size - m->size);
	m->size = (size_t)size;
	return 0;
}

static int write_at(void *ctx, uint64_t offset, const void *buf, size_t len)
{
	struct memory *m = ctx;
	int rc = 0;

	if (!vhd_inside(offset, len, m->size))
		rc = resize(ctx, offset + len);
	if (!rc)
		memcpy(m->bytes + offset, buf, len);
	return rc;
}

static int punch(void *ctx, uint64_t offset, uint64_t length)
{
	struct memory *m = ctx;

	memset(m->bytes + offset, 0, (size_t)length);
	return 0;
}

static void close_memory(void *ctx)
{
	struct memory *m = ctx;

	free(m->bytes);
	free(m);
}

static const struct vhd_file_ops reading = {
	.size = sizeof(struct vhd_file_ops),
	.read_at = read_at,
	.get_size = get_size,
	.close = close_memory,
};

static const struct vhd_file_ops writing = {
	.size = sizeof(struct vhd_file_ops),
	.read_at = read_at,
	.get_size = get_size,
	.close = close_memory,
	.write_at = write_at,
	.resize = resize,
	.punch = punch,
};

int vhd_file_open_memory(const void *bytes, size_t len, uint32_t flags,
			 struct vhd_file **out)
{
	bool copy = flags & VHD_FILE_WRITE;
	struct memory *m = calloc(1, sizeof(*m));
	int rc = VHD_E_NOMEM;

	if (!m)
		return rc;
	if (copy) {
		rc = resize(m, len);
		if (rc)
			goto fail;
		if (bytes && len)
			memcpy(m->bytes, bytes, len);
	} else {
		m->view = bytes;
		m->size = len;
	}
	rc = vhd_file_new(copy ? &writing : &reading, m, out);
	if (rc)
		goto fail;
	return 0;
fail:
	close_memory(m);
	return rc;
}

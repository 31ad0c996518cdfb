/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic side of vhd_file: arguments are checked here once, optional
 * operations get their defaults here, and implementations see only ranges that
 * make sense.
 */
#include "file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"

int vhd_error_of_errno(int err)
{
	switch (err) {
	case 0:
		return 0;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return VHD_E_NOMEM;
	case ENOENT:
	case ENOTDIR:
		return VHD_E_NOENT;
	case EACCES:
	case EPERM:
		return VHD_E_ACCESS;
	case EEXIST:
		return VHD_E_EXISTS;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return VHD_E_NOSPACE;
	case EROFS:
	case ETXTBSY:
		return VHD_E_READONLY;
	case EAGAIN:
	case EBUSY:
		return VHD_E_BUSY;
	case EINVAL:
	case ENXIO:
	case EISDIR:
		return VHD_E_INVALID;
	case ELOOP:
		return VHD_E_LOOP;
	case EOPNOTSUPP:
	case ENOSYS:
	case EXDEV:
	case ENOTTY:
		return VHD_E_UNSUPPORTED;
	default:
		return VHD_E_IO;
	}
}

const char *vhd_errno_text(int err, const char *text)
{
	switch (err) {
	case ENOMEM:
		return vhd_strerror(VHD_E_NOMEM);
	case EMFILE:
	case ENFILE:
		return "too many open files";
	default:
		return text;
	}
}

int vhd_file_new(const struct vhd_file_ops *ops, void *ctx,
		 struct vhd_file **out)
{
	struct vhd_file *file;
	size_t known = sizeof(file->ops);

	if (!ops || ops->size < offsetof(struct vhd_file_ops, close))
		return VHD_E_INVALID;
	file = calloc(1, sizeof(*file));
	if (!file)
		return VHD_E_NOMEM;
	memcpy(&file->ops, ops, ops->size < known ? ops->size : known);
	if (!file->ops.read_at || !file->ops.get_size) {
		free(file);
		return VHD_E_INVALID;
	}
	file->ctx = ctx;
	*out = file;
	return 0;
}

void vhd_file_close(struct vhd_file *file)
{
	if (!file)
		return;
	if (file->ops.close)
		file->ops.close(file->ctx);
	free(file);
}

int vhd_file_read(struct vhd_file *file, uint64_t offset, void *buf, size_t len)
{
	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return VHD_E_RANGE;
	return len ? file->ops.read_at(file->ctx, offset, buf, len) : 0;
}

int vhd_file_write(struct vhd_file *file, uint64_t offset, const void *buf,
		   size_t len)
{
	if (!file->ops.write_at)
		return VHD_E_READONLY;
	if (offset > INT64_MAX || len > INT64_MAX - offset)
		return VHD_E_RANGE;
	return len ? file->ops.write_at(file->ctx, offset, buf, len) : 0;
}

int vhd_file_size(struct vhd_file *file, uint64_t *size)
{
	return file->ops.get_size(file->ctx, size);
}

int vhd_file_flush(struct vhd_file *file)
{
	return file->ops.flush ? file->ops.flush(file->ctx) : 0;
}

int vhd_file_resize(struct vhd_file *file, uint64_t size)
{
	if (!file->ops.write_at)
		return VHD_E_READONLY;
	if (!file->ops.resize)
		return VHD_E_UNSUPPORTED;
	if (size > INT64_MAX)
		return VHD_E_NOSPACE;
	return file->ops.resize(file->ctx, size);
}

static int write_zeros(struct vhd_file *file, uint64_t offset, uint64_t length)
{
	static const uint8_t zeros[65536];
	int rc = 0;

	while (length && !rc) {
		size_t n = (size_t)vhd_min(length, sizeof(zeros));

		rc = file->ops.write_at(file->ctx, offset, zeros, n);
		offset += n;
		length -= n;
	}
	return rc;
}

int vhd_file_hole(struct vhd_file *file, uint64_t offset, uint64_t length)
{
	uint64_t size;
	int rc;

	if (!file->ops.write_at)
		return VHD_E_READONLY;
	rc = vhd_file_size(file, &size);
	if (rc)
		return rc;
	if (!vhd_inside(offset, length, size))
		return VHD_E_RANGE;
	return file->ops.punch ? file->ops.punch(file->ctx, offset, length)
			       : VHD_E_UNSUPPORTED;
}

int vhd_file_punch(struct vhd_file *file, uint64_t offset, uint64_t length)
{
	int rc = vhd_file_hole(file, offset, length);

	return rc == VHD_E_UNSUPPORTED ? write_zeros(file, offset, length) : rc;
}

int vhd_file_next_data(struct vhd_file *file, uint64_t offset, uint64_t *start,
		       uint64_t *end)
{
	uint64_t size;
	int rc;

	if (file->ops.next_data) {
		rc = file->ops.next_data(file->ctx, offset, start, end);
		if (rc != VHD_E_UNSUPPORTED)
			return rc;
	}
	rc = vhd_file_size(file, &size);
	if (!rc) {
		*start = vhd_min(offset, size);
		*end = size;
	}
	return rc;
}

int vhd_file_fd(struct vhd_file *file)
{
	return file->ops.get_fd ? file->ops.get_fd(file->ctx) : -1;
}

int vhd_file_id(struct vhd_file *file, struct vhd_file_id *id)
{
	*id = (struct vhd_file_id){0, 0};
	return file->ops.get_id ? file->ops.get_id(file->ctx, id) : 0;
}

int vhd_file_allocated(struct vhd_file *file, uint64_t *bytes)
{
	if (!file->ops.get_allocated)
		return vhd_file_size(file, bytes);
	return file->ops.get_allocated(file->ctx, bytes);
}

int vhd_file_lock(struct vhd_file *file, enum vhd_lock lock)
{
	return file->ops.set_lock ? file->ops.set_lock(file->ctx, lock) : 0;
}

int vhd_file_is_writable(const struct vhd_file *file)
{
	return file->ops.write_at != NULL;
}

static int source_read(void *ctx, uint64_t offset, void *buf, size_t len)
{
	return vhd_file_read(ctx, offset, buf, len);
}

int vhd_file_source(struct vhd_file *file, struct vhd_source *out)
{
	uint64_t size;
	int rc = vhd_file_size(file, &size);

	if (!rc)
		*out = (struct vhd_source){file, source_read, size};
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A raw file starts as one hole, a new image as nothing but metadata, so zeros
 * cost nothing there. A device keeps its old bytes and is zeroed.
 *
 * The new image is a file without a name until it is complete, so nobody can
 * see it half-made; its own flushes are left out and one flush at the end makes
 * all of it durable. One that can be continued has a name as soon as it is an
 * empty image, and keeps to the order of an image in use: flushes are flushes.
 */
#include "target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fs.h>

#include "core/checked.h"
#include "core/diag.h"
#include "create.h"
#include "disk/clone.h"
#include "file/file.h"
#include "over.h"
#include "partial.h"
#include "zero.h"

/* zeros shorter than this are written, not left as a hole */
#define HOLE ((size_t)64 << 10)

/* -- raw files and devices
 * --------------------------------------------------------- */

static size_t zero_run(const uint8_t *buf, size_t len, bool zero)
{
	size_t n = 0;

	while (n < len && vhd_is_zero(buf + n, vhd_min(HOLE, len - n)) == zero)
		n += vhd_min(HOLE, len - n);
	return n;
}

/* writes what is not zero, and starts it on its way to the disk */
static int file_write(struct vhd_target *t, uint64_t at, const uint8_t *buf,
		      size_t len)
{
	int rc = 0;

	for (size_t from = 0, n; from < len && !rc; from += n) {
		from += zero_run(buf + from, len - from, true);
		n = zero_run(buf + from, len - from, false);
		if (n)
			rc = vhd_output_write_at(t->output, at + from,
						 buf + from, n);
	}
	vhd_fd_write_behind(t->output->fd, at, len);
	return rc;
}

static int file_replace(struct vhd_target *t, uint64_t at, const uint8_t *buf,
			size_t len)
{
	int rc = vhd_output_write_at(t->output, at, buf, len);

	vhd_fd_write_behind(t->output->fd, at, len);
	return rc;
}

static int file_zero(struct vhd_target *t, uint64_t at, uint64_t len)
{
	(void)t;
	(void)at;
	(void)len;
	return 0;
}

static int file_clone(struct vhd_target *t, uint64_t at, uint64_t len, int fd,
		      uint64_t from)
{
	struct file_clone_range range = {
		.src_fd = fd,
		.src_offset = from,
		.src_length = len,
		.dest_offset = at,
	};

	return ioctl(t->output->fd, FICLONERANGE, &range)
		       ? vhd_error_of_errno(errno)
		       : 0;
}

static int file_flush(struct vhd_target *t)
{
	return TEMP_FAILURE_RETRY(fdatasync(t->output->fd))
		       ? vhd_error_of_errno(errno)
		       : 0;
}

static int device_write(struct vhd_target *t, uint64_t at, const uint8_t *buf,
			size_t len)
{
	return vhd_output_write_at(t->output, at, buf, len);
}

static int device_zero(struct vhd_target *t, uint64_t at, uint64_t len)
{
	static const uint8_t zeros[65536];
	uint64_t range[2] = {at, len};
	int rc = 0;

	if (!ioctl(t->output->fd, BLKZEROOUT, range))
		return 0;
	while (len && !rc) {
		size_t n = (size_t)vhd_min(len, sizeof(zeros));

		rc = vhd_output_write_at(t->output, at, zeros, n);
		at += n;
		len -= n;
	}
	return rc;
}

static int no_clone(struct vhd_target *t, uint64_t at, uint64_t len, int fd,
		    uint64_t from)
{
	(void)t;
	(void)at;
	(void)len;
	(void)fd;
	(void)from;
	return VHD_E_UNSUPPORTED;
}

static const struct vhd_target_ops file_ops = {
	.write = file_write,
	.replace = file_replace,
	.zero = file_zero,
	.clone = file_clone,
	.flush = file_flush,
};
static const struct vhd_target_ops device_ops = {
	.write = device_write,
	.replace = device_write,
	.zero = device_zero,
	.clone = no_clone,
	.flush = file_flush,
};

/* what an earlier run wrote */
static int show_raw(struct vhd_target *t, uint64_t size, struct vhd_diag *diag)
{
	struct vhd_file *file;
	int rc = vhd_file_open_fd(dup(t->output->fd), 0, &file, diag);

	if (!rc)
		rc = vhd_open_over(file, t->output->temp, VHD_FORMAT_RAW,
				   VHD_DISK_FORCE_SHARE, NULL, &t->image, diag);
	if (rc)
		return rc;
	t->shown = t->image;
	if (vhd_disk_size(t->image) == size)
		return 0;
	vhd_target_free(t);
	return vhd_partial_misfit(t->output, "size", diag);
}

static int size_file(struct vhd_target *t, uint64_t size, struct vhd_diag *diag)
{
	if (t->output->found)
		return show_raw(t, size, diag);
	if (TEMP_FAILURE_RETRY(ftruncate(t->output->fd, (off_t)size)))
		return vhd_output_fail(diag, vhd_error_of_errno(errno),
				       t->output->path, "cannot be written");
	return t->output->resumable ? vhd_partial_publish(t->output, diag) : 0;
}

int vhd_target_raw(struct vhd_target *t, struct vhd_output *output,
		   uint64_t size, struct vhd_diag *diag)
{
	uint64_t room;

	*t = (struct vhd_target){
		.output = output,
		.name = output->path,
		.align = 1,
	};
	if (output->kind == VHD_OUTPUT_FILE) {
		t->ops = &file_ops;
		return size_file(t, size, diag);
	}
	t->ops = &device_ops;
	if (!ioctl(output->fd, BLKGETSIZE64, &room) && room >= size)
		return 0;
	return vhd_output_fail(diag, VHD_E_NOSPACE, output->path,
			       "the device is smaller than the disk");
}

/* -- a file whose writes start at once on their way to the disk
 * ---------------------- */

static int inner_read(void *ctx, uint64_t offset, void *buf, size_t len)
{
	return vhd_file_read(ctx, offset, buf, len);
}

static int inner_write(void *ctx, uint64_t offset, const void *buf, size_t len)
{
	int rc = vhd_file_write(ctx, offset, buf, len);

	if (!rc)
		vhd_file_write_behind(ctx, offset, len);
	return rc;
}

static int inner_flush(void *ctx)
{
	return vhd_file_flush(ctx);
}

static int inner_size(void *ctx, uint64_t *size)
{
	return vhd_file_size(ctx, size);
}

static int inner_resize(void *ctx, uint64_t size)
{
	return vhd_file_resize(ctx, size);
}

static int inner_punch(void *ctx, uint64_t offset, uint64_t length)
{
	return vhd_file_punch(ctx, offset, length);
}

static int inner_next_data(void *ctx, uint64_t offset, uint64_t *start,
			   uint64_t *end)
{
	return vhd_file_next_data(ctx, offset, start, end);
}

static int inner_fd(void *ctx)
{
	return vhd_file_fd(ctx);
}

static void inner_close(void *ctx)
{
	vhd_file_close(ctx);
}

/* no lock: nobody sees it, or partial.c holds one */
#define INNER_OPS                                                              \
	.size = sizeof(struct vhd_file_ops), .read_at = inner_read,            \
	.get_size = inner_size, .close = inner_close, .write_at = inner_write, \
	.resize = inner_resize, .punch = inner_punch,                          \
	.next_data = inner_next_data, .get_fd = inner_fd

static const struct vhd_file_ops flushed = {INNER_OPS, .flush = inner_flush};
/* for a file that one flush at the end makes durable */
static const struct vhd_file_ops unflushed = {INNER_OPS};

static int open_inner(const struct vhd_output *output, struct vhd_file **out,
		      struct vhd_diag *diag)
{
	struct vhd_file *inner;
	int rc =
		vhd_file_open_fd(dup(output->fd), VHD_FILE_WRITE, &inner, diag);

	if (rc)
		return rc;
	rc = vhd_file_new(output->resumable ? &flushed : &unflushed, inner,
			  out);
	if (rc)
		vhd_file_close(inner);
	return rc;
}

/* -- images
 * ---------------------------------------------------------------------------
 */

static int image_write(struct vhd_target *t, uint64_t at, const uint8_t *buf,
		       size_t len)
{
	int rc = 0;

	for (size_t from = 0, n; from < len && !rc; from += n) {
		from += zero_run(buf + from, len - from, true);
		n = zero_run(buf + from, len - from, false);
		if (n)
			rc = vhd_disk_write(t->image, at + from, buf + from, n,
					    NULL);
	}
	return rc;
}

static int image_replace(struct vhd_target *t, uint64_t at, const uint8_t *buf,
			 size_t len)
{
	return vhd_disk_write(t->image, at, buf, len, NULL);
}

static int image_clone(struct vhd_target *t, uint64_t at, uint64_t len, int fd,
		       uint64_t from)
{
	return vhd_disk_clone(t->image, at, len, fd, from);
}

static int image_flush(struct vhd_target *t)
{
	return vhd_disk_flush(t->image, NULL);
}

static const struct vhd_target_ops image_ops = {
	.write = image_write,
	.replace = image_replace,
	.zero = file_zero,
	.clone = image_clone,
	.flush = image_flush,
};

static int lay_out(struct vhd_target *t, struct vhd_file *file,
		   const struct vhd_make *make, struct vhd_diag *diag)
{
	int rc = vhd_create_in(file, make, diag);

	if (rc)
		vhd_output_fail_path(diag, t->output->path);
	if (!rc && t->output->resumable)
		rc = vhd_partial_publish(t->output, diag);
	return rc;
}

/* A new image lacks its parent: that is read through the caller's disk. What
 * was found has to be seen as a whole. Takes `file`. */
static int open_image(struct vhd_target *t, struct vhd_file *file, int format,
		      struct vhd_disk *parent, struct vhd_diag *diag)
{
	bool found = t->output->found;
	int rc;

	if (found && parent)
		rc = vhd_open_over(file, t->output->temp, format,
				   VHD_DISK_WRITE, parent, &t->image, diag);
	else
		rc = vhd_open_over(file, t->output->path, format,
				   VHD_DISK_WRITE | VHD_DISK_LAYER, NULL,
				   &t->image, diag);
	if (!rc)
		t->shown = found ? t->image : parent;
	return rc;
}

int vhd_target_image(struct vhd_target *t, struct vhd_output *output,
		     const struct vhd_make *make, struct vhd_disk *parent,
		     struct vhd_diag *diag)
{
	struct vhd_file *file;
	int rc;

	*t = (struct vhd_target){
		.ops = &image_ops,
		.output = output,
		.name = output->path,
		.is_child = parent,
		.align = make->logical_sector_size,
	};
	if (output->kind != VHD_OUTPUT_FILE)
		return vhd_output_fail(diag, VHD_E_INVALID, output->path,
				       "an image can only be written to a "
				       "file");
	rc = open_inner(output, &file, diag);
	if (rc)
		return rc;
	if (!output->found)
		rc = lay_out(t, file, make, diag);
	if (rc) {
		vhd_file_close(file);
		return rc;
	}
	rc = open_image(t, file, make->format, parent, diag);
	return rc && output->found ? vhd_hint(diag, rc, VHD_PARTIAL_HINT) : rc;
}

/* -- an image that exists
 * ----------------------------------------------------------- */

/* where the leaf stores the range, the host is told to begin */
static void existing_behind(struct vhd_target *t, uint64_t at, size_t len)
{
	struct vhd_file *file = vhd_image_file(vhd_disk_image(t->image, 0));
	struct vhd_extent e;

	for (uint64_t end = at + len; at < end; at += e.length) {
		if (vhd_disk_extent(t->image, at, end - at, &e, NULL))
			return;
		if (e.kind == VHD_EXTENT_DATA && !e.depth)
			vhd_file_write_behind(file, e.offset, (size_t)e.length);
	}
}

static int existing_write(struct vhd_target *t, uint64_t at, const uint8_t *buf,
			  size_t len)
{
	int rc = vhd_disk_write(t->image, at, buf, len, NULL);

	if (!rc)
		existing_behind(t, at, len);
	return rc;
}

static int existing_zero(struct vhd_target *t, uint64_t at, uint64_t len)
{
	return vhd_disk_zero(t->image, at, len, NULL);
}

static int existing_flush(struct vhd_target *t)
{
	return vhd_disk_flush(t->image, NULL);
}

static const struct vhd_target_ops existing_ops = {
	.write = existing_write,
	.replace = existing_write,
	.zero = existing_zero,
	.clone = image_clone,
	.flush = existing_flush,
};

void vhd_target_existing(struct vhd_target *t, struct vhd_disk *image)
{
	*t = (struct vhd_target){
		.ops = &existing_ops,
		.name = vhd_disk_path(image, 0),
		.image = image,
		.align = vhd_disk_sector_size(image),
	};
}

int vhd_target_finish(struct vhd_target *t, struct vhd_diag *diag)
{
	return t->image ? vhd_disk_shut(t->image, diag) : 0;
}

void vhd_target_free(struct vhd_target *t)
{
	vhd_disk_close(t->image);
	t->image = NULL;
	t->shown = NULL;
}

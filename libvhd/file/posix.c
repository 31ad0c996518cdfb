/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files of the host. Opening never blocks (a FIFO planted as a parent would
 * hang us) and accepts regular files and block devices only.
 *
 * Locks are open-file-description locks on the bytes that QEMU uses, so that
 * each program refuses what the other is writing. A byte 100 + n says "I use
 * right n", a byte 200 + n "others may not use right n"; all are held as read
 * locks, and a conflict is found by asking whether a write lock would be
 * granted on the opposite byte.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>

#include "core/diag.h"
#include "file.h"

#define LOCK_USED     100
#define LOCK_UNSHARED 200
#define RIGHT_READ    0 /* consistent read */
#define RIGHT_WRITE   1
#define RIGHT_RESIZE  3
#define RIGHTS        5

struct posix {
	int fd;
	bool block_device;
};

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct posix *p = ctx;
	char *out = buf;

	while (len) {
		ssize_t n = pread(p->fd, out, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return vhd_error_of_errno(errno);
		if (n == 0) /* the file is shorter than it was */
			return VHD_E_IO;
		out += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_at(void *ctx, uint64_t offset, const void *buf, size_t len)
{
	const struct posix *p = ctx;
	const char *in = buf;

	while (len) {
		ssize_t n = pwrite(p->fd, in, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return vhd_error_of_errno(errno);
		if (n == 0)
			return VHD_E_NOSPACE;
		in += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int get_size(void *ctx, uint64_t *size)
{
	const struct posix *p = ctx;
	struct stat st;

	if (p->block_device)
		return ioctl(p->fd, BLKGETSIZE64, size)
			       ? vhd_error_of_errno(errno)
			       : 0;
	if (fstat(p->fd, &st))
		return vhd_error_of_errno(errno);
	*size = (uint64_t)st.st_size;
	return 0;
}

static int get_allocated(void *ctx, uint64_t *bytes)
{
	const struct posix *p = ctx;
	struct stat st;

	if (p->block_device)
		return get_size(ctx, bytes);
	if (fstat(p->fd, &st))
		return vhd_error_of_errno(errno);
	*bytes = (uint64_t)st.st_blocks * 512;
	return 0;
}

static int flush(void *ctx)
{
	const struct posix *p = ctx;

	return TEMP_FAILURE_RETRY(fdatasync(p->fd)) ? vhd_error_of_errno(errno)
						    : 0;
}

static int resize(void *ctx, uint64_t size)
{
	const struct posix *p = ctx;

	return TEMP_FAILURE_RETRY(ftruncate(p->fd, (off_t)size))
		       ? vhd_error_of_errno(errno)
		       : 0;
}

static int punch(void *ctx, uint64_t offset, uint64_t length)
{
	const struct posix *p = ctx;
	int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	if (!length)
		return 0;
	if (TEMP_FAILURE_RETRY(
		    fallocate(p->fd, mode, (off_t)offset, (off_t)length)))
		return vhd_error_of_errno(errno);
	return 0;
}

static int next_data(void *ctx, uint64_t offset, uint64_t *start, uint64_t *end)
{
	const struct posix *p = ctx;
	off_t from = lseek(p->fd, (off_t)offset, SEEK_DATA), to;
	uint64_t size = 0;
	int rc;

	if (from < 0 && errno != ENXIO)
		return VHD_E_UNSUPPORTED;
	if (from < 0) {
		rc = get_size(ctx, &size);
		if (!rc)
			*start = *end = size;
		return rc;
	}
	to = lseek(p->fd, from, SEEK_HOLE);
	if (to < 0)
		return VHD_E_UNSUPPORTED;
	*start = (uint64_t)from;
	*end = (uint64_t)to;
	return 0;
}

static int get_fd(void *ctx)
{
	return ((const struct posix *)ctx)->fd;
}

static int get_id(void *ctx, struct vhd_file_id *id)
{
	const struct posix *p = ctx;
	struct stat st;

	if (fstat(p->fd, &st))
		return vhd_error_of_errno(errno);
	id->device = (uint64_t)(p->block_device ? st.st_rdev : st.st_dev);
	id->inode = (uint64_t)(p->block_device ? 0 : st.st_ino);
	return 0;
}

static int lock_byte(int fd, short type, off_t at)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = at,
		.l_len = 1,
	};

	return TEMP_FAILURE_RETRY(fcntl(fd, F_OFD_SETLK, &lock)) ? errno : 0;
}

static bool somebody_holds(int fd, off_t at)
{
	struct flock lock = {
		.l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = at,
		.l_len = 1,
	};

	return TEMP_FAILURE_RETRY(fcntl(fd, F_OFD_GETLK, &lock)) == 0 &&
	       lock.l_type != F_UNLCK;
}

static void unlock_all(int fd)
{
	for (int i = 0; i < RIGHTS; i++) {
		lock_byte(fd, F_UNLCK, LOCK_USED + i);
		lock_byte(fd, F_UNLCK, LOCK_UNSHARED + i);
	}
}

/* Rights as bit masks: what we use, and what others must not use meanwhile. */
static int take_rights(int fd, unsigned used, unsigned unshared)
{
	int err = 0;

	for (int i = 0; i < RIGHTS && !err; i++) {
		if (used >> i & 1)
			err = lock_byte(fd, F_RDLCK, LOCK_USED + i);
		if (!err && (unshared >> i & 1))
			err = lock_byte(fd, F_RDLCK, LOCK_UNSHARED + i);
	}
	for (int i = 0; i < RIGHTS && !err; i++)
		if (((used >> i & 1) &&
		     somebody_holds(fd, LOCK_UNSHARED + i)) ||
		    ((unshared >> i & 1) && somebody_holds(fd, LOCK_USED + i)))
			err = EAGAIN;
	return err;
}

static int set_lock(void *ctx, enum vhd_lock lock)
{
	const struct posix *p = ctx;
	unsigned change = 1u << RIGHT_WRITE | 1u << RIGHT_RESIZE;
	unsigned used = 1u << RIGHT_READ;
	int err;

	unlock_all(p->fd);
	if (lock == VHD_LOCK_NONE)
		return 0;
	if (lock == VHD_LOCK_EXCLUSIVE)
		used |= change;
	err = take_rights(p->fd, used, change);
	if (err)
		unlock_all(p->fd);
	if (err == EAGAIN || err == EACCES)
		return VHD_E_BUSY;
	return 0; /* a file system without locks: nothing to hold */
}

static void close_posix(void *ctx)
{
	struct posix *p = ctx;

	close(p->fd);
	free(p);
}

static const struct vhd_file_ops reading = {
	.size = sizeof(struct vhd_file_ops),
	.read_at = read_at,
	.get_size = get_size,
	.close = close_posix,
	.next_data = next_data,
	.get_fd = get_fd,
	.get_id = get_id,
	.set_lock = set_lock,
	.get_allocated = get_allocated,
};

static const struct vhd_file_ops writing = {
	.size = sizeof(struct vhd_file_ops),
	.read_at = read_at,
	.get_size = get_size,
	.close = close_posix,
	.write_at = write_at,
	.flush = flush,
	.resize = resize,
	.punch = punch,
	.next_data = next_data,
	.get_fd = get_fd,
	.get_id = get_id,
	.set_lock = set_lock,
	.get_allocated = get_allocated,
};

static int check_kind(int fd, bool *block_device, struct vhd_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st))
		return vhd_fail(diag, vhd_error_of_errno(errno), NULL,
				VHD_NO_OFFSET, "cannot be examined");
	*block_device = S_ISBLK(st.st_mode);
	if (S_ISDIR(st.st_mode))
		return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				"is a folder");
	if (!S_ISREG(st.st_mode) && !*block_device)
		return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				"is no regular file and no block device");
	return 0;
}

int vhd_file_open_fd(int fd, uint32_t flags, struct vhd_file **out,
		     struct vhd_diag *diag)
{
	struct posix *p;
	int rc = VHD_E_NOMEM;

	if (fd < 0) /* of a dup() that failed */
		return vhd_fail(diag, vhd_error_of_errno(errno), NULL,
				VHD_NO_OFFSET,
				vhd_errno_text(errno, "cannot be opened"));
	p = malloc(sizeof(*p));
	if (!p)
		goto fail_fd;
	p->fd = fd;
	rc = check_kind(fd, &p->block_device, diag);
	if (rc)
		goto fail_memory;
	rc = vhd_file_new(flags & VHD_FILE_WRITE ? &writing : &reading, p, out);
	if (rc)
		goto fail_memory;
	return 0;
fail_memory:
	free(p);
fail_fd:
	close(fd);
	return rc;
}

int vhd_file_open(const char *path, uint32_t flags, struct vhd_file **out,
		  struct vhd_diag *diag)
{
	int mode = flags & VHD_FILE_WRITE ? O_RDWR : O_RDONLY;
	int fd = (int)TEMP_FAILURE_RETRY(
		open(path, mode | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
	int rc;

	if (fd < 0) {
		int err = errno;

		rc = vhd_error_of_errno(err);
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				rc == VHD_E_NOENT ? "no such file"
				: rc == VHD_E_ACCESS
					? "permission denied"
					: vhd_errno_text(err, "cannot be "
							      "opened"));
	}
	return vhd_file_open_fd(fd, flags, out, diag);
}

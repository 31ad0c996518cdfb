/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Three ways out, tried in this order for each extent: inside the kernel
 * (splice into a pipe, copy_file_range into a file, sendfile else); zeros from
 * a buffer that is never changed; and through memory, which always works. The
 * first way gives up silently, the last one knows how to name an error.
 */
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "memory.h"
#include "output.h"

/* Also what a pipe is enlarged to: the most that needs no privilege. */
#define CHUNK ((size_t)1 << 20)

typedef ssize_t move_fn(int in, off_t *offset, int out, size_t len);

struct transfer {
	struct vhd_disk *disk;
	const char *path;
	int out;
	move_fn *move;
	unsigned char *buf; /* CHUNK bytes, made when needed */
	int advised;        /* descriptor that knows we read in order, or -1 */
};

static unsigned char zeros[CHUNK];

static ssize_t move_to_pipe(int in, off_t *offset, int out, size_t len)
{
	return splice(in, offset, out, NULL, len, SPLICE_F_MORE);
}

static ssize_t move_to_file(int in, off_t *offset, int out, size_t len)
{
	return copy_file_range(in, offset, out, NULL, len, 0);
}

static ssize_t move_to_other(int in, off_t *offset, int out, size_t len)
{
	return sendfile(out, in, offset, len);
}

static move_fn *choose_move(int out)
{
	struct stat st;

	if (fstat(out, &st))
		return move_to_other;
	if (S_ISREG(st.st_mode))
		return move_to_file;
	if (!S_ISFIFO(st.st_mode))
		return move_to_other;
	/* a wish: less switching to and fro with the reader */
	(void)fcntl(out, F_SETPIPE_SZ, (int)CHUNK);
	return move_to_pipe;
}

/* True if the call is worth repeating; waits if the reader is slow. */
static bool try_again(int out)
{
	struct pollfd wait = {.fd = out, .events = POLLOUT};

	if (errno == EINTR)
		return true;
	if (errno != EAGAIN)
		return false;
	(void)poll(&wait, 1, -1);
	return true;
}

static int write_all(int fd, const unsigned char *buf, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && !try_again(fd))
			return output_failed(errno);
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		}
	}
	return TOOL_DONE;
}

static size_t at_most(uint64_t length, size_t limit)
{
	return length < limit ? (size_t)length : limit;
}

static int write_zeros(struct transfer *t, uint64_t length)
{
	int rc = TOOL_DONE;

	while (length > 0 && !rc) {
		size_t n = at_most(length, CHUNK);

		rc = write_all(t->out, zeros, n);
		length -= n;
	}
	return rc;
}

static int write_buffered(struct transfer *t, uint64_t offset, uint64_t length)
{
	struct vhd_diag diag = {0};
	int rc = TOOL_DONE;

	if (!t->buf)
		t->buf = tool_buffer(CHUNK);
	while (length > 0 && !rc) {
		size_t n = at_most(length, CHUNK);
		int error = vhd_disk_read(t->disk, offset, t->buf, n, &diag);

		if (error)
			return diag_failure(t->path, error, &diag);
		rc = write_all(t->out, t->buf, n);
		offset += n;
		length -= n;
	}
	return rc;
}

/* Moves inside the kernel what it can; returns the bytes moved. */
static uint64_t move_stored(struct transfer *t, int in, uint64_t offset,
			    uint64_t length)
{
	off_t at = (off_t)offset;
	uint64_t moved = 0;

	if (t->advised != in)
		(void)posix_fadvise(in, 0, 0, POSIX_FADV_SEQUENTIAL);
	t->advised = in;
	while (moved < length) {
		size_t want = at_most(length - moved, (size_t)1 << 30);
		ssize_t n = t->move(in, &at, t->out, want);

		if (n == 0 || (n < 0 && !try_again(t->out)))
			break;
		if (n > 0)
			moved += (uint64_t)n;
	}
	return moved;
}

static int write_stored(struct transfer *t, const struct vhd_extent *extent)
{
	struct vhd_image *image = vhd_disk_image(t->disk, extent->depth);
	int in = vhd_image_data_fd(image, extent->offset, extent->length);
	uint64_t moved = 0;

	if (in >= 0)
		moved = move_stored(t, in, extent->offset, extent->length);
	return write_buffered(t, extent->start + moved, extent->length - moved);
}

int transfer_range(struct vhd_disk *disk, const char *path, uint64_t offset,
		   uint64_t length, int fd)
{
	struct transfer t = {
		.disk = disk,
		.path = path,
		.out = fd,
		.move = choose_move(fd),
		.advised = -1,
	};
	struct vhd_diag diag = {0};
	struct vhd_extent extent;
	int rc = TOOL_DONE;

	for (; length > 0 && !rc; length -= extent.length) {
		int error =
			vhd_disk_extent(disk, offset, length, &extent, &diag);

		if (error) {
			rc = diag_failure(path, error, &diag);
			break;
		}
		rc = extent.kind == VHD_EXTENT_DATA
			     ? write_stored(&t, &extent)
			     : write_zeros(&t, extent.length);
		offset += extent.length;
	}
	free(t.buf);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that move bytes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "disturb.h"

#define PIECES 1024 /* as many as the kernel takes */

/* -- one buffer --------------------------------------------------------------
 */

ssize_t read(int fd, void *buf, size_t len)
{
	if (disturb(CALL_read, fd, &len, HERE))
		return -1;
	return REAL(read)(fd, buf, len);
}

ssize_t write(int fd, const void *buf, size_t len)
{
	if (disturb(CALL_write, fd, &len, HERE))
		return -1;
	return REAL(write)(fd, buf, len);
}

ssize_t pread(int fd, void *buf, size_t len, off_t at)
{
	if (disturb(CALL_pread, fd, &len, HERE))
		return -1;
	return REAL(pread)(fd, buf, len, at);
}

ssize_t pread64(int fd, void *buf, size_t len, off_t at)
{
	if (disturb(CALL_pread, fd, &len, HERE))
		return -1;
	return REAL(pread)(fd, buf, len, at);
}

ssize_t pwrite(int fd, const void *buf, size_t len, off_t at)
{
	if (disturb(CALL_pwrite, fd, &len, HERE))
		return -1;
	return REAL(pwrite)(fd, buf, len, at);
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off_t at)
{
	if (disturb(CALL_pwrite, fd, &len, HERE))
		return -1;
	return REAL(pwrite)(fd, buf, len, at);
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	bool whole = flags & (MSG_WAITALL | MSG_PEEK);

	if (disturb(CALL_recv, fd, whole ? NULL : &len, HERE))
		return -1;
	return REAL(recv)(fd, buf, len, flags);
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	if (disturb(CALL_send, fd, &len, HERE))
		return -1;
	return REAL(send)(fd, buf, len, flags);
}

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
	if (disturb(CALL_getrandom, -1, &len, HERE))
		return -1;
	return REAL(getrandom)(buf, len, flags);
}

/* -- several -----------------------------------------------------------------
 */

static size_t length_of(const struct iovec *iov, size_t count)
{
	size_t length = 0;

	for (size_t i = 0; i < count; i++)
		length += iov[i].iov_len;
	return length;
}

/* the first `length` bytes of them; how many pieces that is */
static size_t cut(const struct iovec *iov, size_t count, size_t length,
		  struct iovec *out)
{
	size_t n = 0;

	for (; n < count && n < PIECES && length; n++) {
		out[n] = iov[n];
		if (out[n].iov_len > length)
			out[n].iov_len = length;
		length -= out[n].iov_len;
	}
	return n;
}

ssize_t readv(int fd, const struct iovec *iov, int count)
{
	size_t all = length_of(iov, (size_t)count), len = all;
	struct iovec part[PIECES];

	if (disturb(CALL_readv, fd, &len, HERE))
		return -1;
	if (len == all)
		return REAL(readv)(fd, iov, count);
	return REAL(readv)(fd, part, (int)cut(iov, (size_t)count, len, part));
}

ssize_t writev(int fd, const struct iovec *iov, int count)
{
	size_t all = length_of(iov, (size_t)count), len = all;
	struct iovec part[PIECES];

	if (disturb(CALL_writev, fd, &len, HERE))
		return -1;
	if (len == all)
		return REAL(writev)(fd, iov, count);
	return REAL(writev)(fd, part, (int)cut(iov, (size_t)count, len, part));
}

ssize_t preadv(int fd, const struct iovec *iov, int count, off_t at)
{
	size_t all = length_of(iov, (size_t)count), len = all;
	struct iovec part[PIECES];

	if (disturb(CALL_preadv, fd, &len, HERE))
		return -1;
	if (len == all)
		return REAL(preadv)(fd, iov, count, at);
	return REAL(preadv)(fd, part, (int)cut(iov, (size_t)count, len, part),
			    at);
}

ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t at, int flags)
{
	size_t all = length_of(iov, (size_t)count), len = all;
	struct iovec part[PIECES];

	if (disturb(CALL_preadv2, fd, &len, HERE))
		return -1;
	if (len == all)
		return REAL(preadv2)(fd, iov, count, at, flags);
	return REAL(preadv2)(fd, part, (int)cut(iov, (size_t)count, len, part),
			     at, flags);
}

ssize_t pwritev(int fd, const struct iovec *iov, int count, off_t at)
{
	size_t all = length_of(iov, (size_t)count), len = all;
	struct iovec part[PIECES];

	if (disturb(CALL_pwritev, fd, &len, HERE))
		return -1;
	if (len == all)
		return REAL(pwritev)(fd, iov, count, at);
	return REAL(pwritev)(fd, part, (int)cut(iov, (size_t)count, len, part),
			     at);
}

/* what comes along with the bytes comes with the first of them */
ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	size_t all = length_of(message->msg_iov, message->msg_iovlen);
	size_t len = all;
	bool whole = flags & (MSG_WAITALL | MSG_PEEK);
	struct iovec part[PIECES];
	struct msghdr less = *message;
	ssize_t n;

	if (disturb(CALL_recvmsg, fd, whole ? NULL : &len, HERE))
		return -1;
	if (len == all)
		return REAL(recvmsg)(fd, message, flags);
	less.msg_iov = part;
	less.msg_iovlen = cut(message->msg_iov, message->msg_iovlen, len, part);
	n = REAL(recvmsg)(fd, &less, flags);
	less.msg_iov = message->msg_iov;
	less.msg_iovlen = message->msg_iovlen;
	*message = less;
	return n;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	size_t all = length_of(message->msg_iov, message->msg_iovlen);
	size_t len = all;
	struct iovec part[PIECES];
	struct msghdr less = *message;

	if (disturb(CALL_sendmsg, fd, &len, HERE))
		return -1;
	if (len == all)
		return REAL(sendmsg)(fd, message, flags);
	less.msg_iov = part;
	less.msg_iovlen = cut(message->msg_iov, message->msg_iovlen, len, part);
	return REAL(sendmsg)(fd, &less, flags);
}

/* -- none: inside the kernel -------------------------------------------------
 */

ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at,
			size_t len, unsigned flags)
{
	if (disturb(CALL_copy_file_range, out, &len, HERE))
		return -1;
	return REAL(copy_file_range)(in, in_at, out, out_at, len, flags);
}

ssize_t splice(int in, off64_t *in_at, int out, off64_t *out_at, size_t len,
	       unsigned flags)
{
	if (disturb(CALL_splice, out, &len, HERE))
		return -1;
	return REAL(splice)(in, in_at, out, out_at, len, flags);
}

ssize_t sendfile(int out, int in, off_t *at, size_t len)
{
	if (disturb(CALL_sendfile, out, &len, HERE))
		return -1;
	return REAL(sendfile)(out, in, at, len);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copying inside a file. The kernel does it where there is a descriptor: on
 * XFS and btrfs copy_file_range() shares the blocks instead of copying them.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/checked.h"
#include "file.h"

#define STEP ((size_t)1 << 20)

/* VHD_E_UNSUPPORTED, and nothing copied, where the host cannot */
static int copy_in_kernel(int fd, uint64_t from, uint64_t to, uint64_t length)
{
	off64_t in = (off64_t)from, out = (off64_t)to;
	uint64_t done = 0;

	while (done < length) {
		ssize_t n = copy_file_range(fd, &in, fd, &out,
					    (size_t)(length - done), 0);

		if (n > 0)
			done += (uint64_t)n;
		else if (n == 0) /* the file ends here */
			return done ? VHD_E_IO : VHD_E_UNSUPPORTED;
		else if (errno != EINTR)
			break;
	}
	if (done == length)
		return 0;
	if (!done && (errno == EINVAL || errno == ENOSYS || errno == EXDEV ||
		      errno == EOPNOTSUPP))
		return VHD_E_UNSUPPORTED;
	return vhd_error_of_errno(errno);
}

static int copy_through_memory(struct vhd_file *file, uint64_t from,
			       uint64_t to, uint64_t length)
{
	size_t room = (size_t)vhd_min(length, STEP);
	uint8_t *buf = malloc(room);
	int rc = buf ? 0 : VHD_E_NOMEM;

	while (length && !rc) {
		size_t n = (size_t)vhd_min(length, room);

		rc = vhd_file_read(file, from, buf, n);
		if (!rc)
			rc = vhd_file_write(file, to, buf, n);
		from += n;
		to += n;
		length -= n;
	}
	free(buf);
	return rc;
}

static int copy_run(struct vhd_file *file, uint64_t from, uint64_t to,
		    uint64_t length)
{
	int fd = vhd_file_fd(file);
	int rc = fd < 0 ? VHD_E_UNSUPPORTED
			: copy_in_kernel(fd, from, to, length);

	if (rc == VHD_E_UNSUPPORTED)
		rc = copy_through_memory(file, from, to, length);
	if (!rc)
		vhd_fd_write_behind(fd, to, (size_t)length);
	return rc;
}

int vhd_file_copy(struct vhd_file *file, uint64_t from, uint64_t to,
		  uint64_t length)
{
	uint64_t at = from, end = from + length, start, stop;
	int rc = 0;

	while (at < end) {
		rc = vhd_file_next_data(file, at, &start, &stop);
		if (rc || start >= end || start == stop)
			break;
		stop = vhd_min(stop, end);
		rc = copy_run(file, start, to + (start - from), stop - start);
		if (rc)
			break;
		at = stop;
	}
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/uio.h>

#include "file.h"

bool vhd_file_read_cached(struct vhd_file *file, uint64_t offset, void *buf,
			  size_t len)
{
	struct iovec part = {buf, len};
	int fd = vhd_file_fd(file);

	return fd >= 0 &&
	       preadv2(fd, &part, 1, (off_t)offset, RWF_NOWAIT) == (ssize_t)len;
}

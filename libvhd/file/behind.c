/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>

#include "file.h"

/* less is gathered by the host better than by us */
#define LEAST ((size_t)64 << 10)

void vhd_fd_write_behind(int fd, uint64_t offset, size_t len)
{
	if (fd < 0 || len < LEAST)
		return;
	/* should it fail, the flush does the work */
	(void)sync_file_range(fd, (off_t)offset, (off_t)len,
			      SYNC_FILE_RANGE_WRITE);
}

void vhd_file_write_behind(struct vhd_file *file, uint64_t offset, size_t len)
{
	vhd_fd_write_behind(vhd_file_fd(file), offset, len);
}

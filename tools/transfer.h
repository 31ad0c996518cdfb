/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moves a range of a disk to a descriptor without looking at it: stored data
 * goes from the image's page cache into a pipe, file or socket inside the
 * kernel where that is possible.
 */
#ifndef TOOLS_TRANSFER_H
#define TOOLS_TRANSFER_H

#include <libvhd.h>

/*
 * Writes [offset, offset + length) of the disk, which must lie inside it, to
 * fd. Returns an enum tool_exit, failures printed; `path` is for messages.
 */
int transfer_range(struct vhd_disk *disk, const char *path, uint64_t offset,
		   uint64_t length, int fd);

#endif

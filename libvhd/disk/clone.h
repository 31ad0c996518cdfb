/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VHD_DISK_CLONE_H
#define VHD_DISK_CLONE_H

#include "disk.h"

/*
 * As vhd_disk_write(), the data being [from, from + length) of the descriptor,
 * whose blocks are shared (FICLONERANGE). VHD_E_UNSUPPORTED where the host
 * cannot; what was written before that stays.
 */
int vhd_disk_clone(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		   int fd, uint64_t from);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Copying a disk into a target, several requests in flight. */
#ifndef VHD_OPS_COPY_H
#define VHD_OPS_COPY_H

#include <libvhd/ops.h>

#include "target.h"

/*
 * Copies the whole disk. `jobs` workers (0: a good number); `reflink` is an
 * enum vhd_reflink.
 */
int vhd_copy(struct vhd_disk *disk, struct vhd_target *target, unsigned jobs,
	     int reflink, struct vhd_job *job, struct vhd_diag *diag);

/* Bytes a worker moves at once. */
#define VHD_COPY_PIECE ((size_t)2 << 20)

#endif

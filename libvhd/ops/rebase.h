/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VHD_OPS_REBASE_H
#define VHD_OPS_REBASE_H

#include <libvhd/ops.h>

/*
 * Copies into the child, a writable disk, what its parents show unlike `parent`
 * where the child stores nothing. Afterwards, durably, the child shows the same
 * on either.
 */
int vhd_rebase_copy(struct vhd_disk *child, struct vhd_disk *parent,
		    const struct vhd_rebase_options *options,
		    struct vhd_job *job, struct vhd_diag *diag);

#endif

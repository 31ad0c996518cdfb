/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking through a disk's leaf for what it need not store. */
#ifndef VHD_OPS_SIFT_H
#define VHD_OPS_SIFT_H

#include <libvhd/ops.h>

#include "image/blockset.h"

struct vhd_sifting {
	struct vhd_disk *disk;
	const struct vhd_compact_options *options;
	const struct vhd_blockset *stored; /* the blocks to look at */
	struct vhd_job *job;
	/* out: how many blocks and bytes, by reason */
	struct vhd_compact_result *result;
	/* out, with VHD_COMPACT_DRY_RUN: blocks that would go, blocks whose
	 * sector bitmap would, bytes of the host's that would be free */
	struct vhd_blockset *gone;
	struct vhd_blockset *whole;
	uint64_t freed;
};

/*
 * Looks at each of the stored blocks, several at a time, and lets go of what
 * options->flags and ->unused allow. Nothing is durable before a flush. The
 * job counts the blocks' bytes.
 */
int vhd_sift(struct vhd_sifting *sifting, struct vhd_diag *diag);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a merge. */
#ifndef VHD_OPS_MERGE_H
#define VHD_OPS_MERGE_H

#include <stdbool.h>

#include <libvhd/ops.h>

/* The three steps below for a disk that nobody else uses; layers 0 to `into`
 * stay locked until it is closed. */
int vhd_merge_layers(struct vhd_disk *disk, unsigned into,
		     const struct vhd_merge_options *options,
		     struct vhd_job *job, struct vhd_diag *diag);

/* VHD_E_READONLY if a layer from 0 to `into` belongs to a suspended machine. */
int vhd_merge_refuse_saved(struct vhd_disk *disk, unsigned into,
			   struct vhd_diag *diag);

/* Locks layers `child` to `into` exclusively (vhd_disk_claim()), and opens for
 * writing those that a merge writes. */
int vhd_merge_claim(struct vhd_disk *disk, unsigned child, unsigned into,
		    struct vhd_diag *diag);

/*
 * Merges the layers above `into` of a disk into that layer, which holds what
 * the disk shows afterwards. Layers 0 to `into` were claimed, and take no
 * writes any more when it returns. `user` is NULL, or the disk in use of which
 * `disk` is the lower part (vhd_disk_view()).
 */
int vhd_merge_claimed(struct vhd_disk *disk, unsigned into,
		      struct vhd_disk *user,
		      const struct vhd_merge_options *options,
		      struct vhd_job *job, struct vhd_diag *diag);

/*
 * vhd_merge_disk() for layers by number: from `top`, which is not the leaf,
 * down to the one above `into`. Looks for no other children of theirs.
 */
int vhd_merge_between(struct vhd_disk *disk, unsigned top, unsigned into,
		      const struct vhd_merge_options *options,
		      struct vhd_job *job, struct vhd_diag *diag);

/*
 * Sets *out to whether layer `into` holds already what the layers above say,
 * so that merging would change nothing. Reads what they store unless the
 * identities tell.
 */
int vhd_merge_is_done(struct vhd_disk *disk, unsigned into, bool *out,
		      struct vhd_diag *diag);

/*
 * VHD_E_CHILDREN if a layer from 1 to `into` is known to be the parent of an
 * image that is not the next layer: changing what lies beneath it would spoil
 * it. What a merge that was interrupted near its end leaves to do is allowed.
 */
int vhd_merge_refuse_children(struct vhd_disk *disk, unsigned into,
			      struct vhd_diag *diag);

/* The same for one layer, which is none of those. */
int vhd_merge_refuse_others(struct vhd_disk *disk, unsigned layer,
			    struct vhd_diag *diag);

/* Lets the known children of layer 0 name layer `into`, which is merged, as
 * their parent. */
int vhd_merge_relink(struct vhd_disk *disk, unsigned into,
		     struct vhd_diag *diag);

/* Removes the file of a layer, durably. */
int vhd_merge_delete_layer(struct vhd_disk *disk, unsigned layer,
			   struct vhd_diag *diag);

/* Removes the files of the layers above `into`, durably. */
int vhd_merge_delete(struct vhd_disk *disk, unsigned into,
		     struct vhd_diag *diag);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving blocks inside an image that is open for writing and that nobody else
 * writes meanwhile. What a guest reads never changes: the copy is durable
 * before the table refers to it, and the old place is free only when that is
 * durable.
 */
#ifndef VHD_IMAGE_MOVE_H
#define VHD_IMAGE_MOVE_H

#include "table.h"
#include "writer.h"

/* A block, or a VHDX sector bitmap block, and the space it has. */
struct vhd_owner {
	uint64_t offset; /* in the file */
	uint64_t length; /* of a whole block */
	uint64_t own;    /* of it: up to the disk's end */
	uint64_t index;  /* payload block, or chunk of a bitmap block */
	bool is_bitmap;
};

struct vhd_owners {
	struct vhd_owner *items; /* in rising order of offset */
	size_t count;
	size_t room;
};

/* Lists all owners that touch [from, to). Free with vhd_owners_free(). */
int vhd_owners_find(struct vhd_image *image, uint64_t from, uint64_t to,
		    struct vhd_owners *out);
void vhd_owners_free(struct vhd_owners *owners);

/* Sets *out to where the owner's space begins now; 0 if it has none. */
int vhd_owner_place(struct vhd_image *image, const struct vhd_owner *owner,
		    uint64_t *out);

/*
 * Copies an owner to a place that was taken for it and lets the table say so,
 * in memory; the next flush makes that durable and then frees the old place. No
 * change of metadata may be pending for what is moved: flush first. On failure
 * the place is given back.
 */
int vhd_image_move(struct vhd_image *image, const struct vhd_owner *owner,
		   const struct vhd_place *place);

/* Moves an owner to any place that is free, at the end if there is none. */
int vhd_image_evict(struct vhd_image *image, const struct vhd_owner *owner);

/*
 * VHD: moves every block that lies in [from, to) elsewhere and lets nothing new
 * go there; durable when it returns. Structures that are no blocks are the
 * caller's business.
 */
int vhd_image_clear_range(struct vhd_image *image, uint64_t from, uint64_t to);

#endif

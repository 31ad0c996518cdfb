/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Letting go of what an image need not store, block by block. Whoever calls
 * knows that the disk's content allows it; how it is said in the block table
 * is decided here. A flush makes it durable, and only then is the space used
 * again or given to the host. All but vhd_image_drop_block() are for an image
 * that nobody else writes meanwhile.
 */
#ifndef VHD_IMAGE_SHED_H
#define VHD_IMAGE_SHED_H

#include <stdbool.h>

#include <libvhd/image.h>

#include "blockset.h"

/* False where blocks can never be let go: fixed images and raw files; VHDs
 * with a XenServer batmap, in which a stale bit would call a later block of
 * that place full. */
bool vhd_image_can_shed(const struct vhd_image *image);

/* True if a block can read as zeros without being stored. In a differencing
 * VHD what is not stored shows the parent. */
bool vhd_image_can_zero(const struct vhd_image *image);

/* The blocks that own space in the file, as a new set. Changes must have been
 * flushed. */
int vhd_image_stored_blocks(struct vhd_image *image, struct vhd_blockset *out,
			    struct vhd_diag *diag);

/* Where the file keeps a block of that set: bytes [*offset, + *length). */
int vhd_image_block_place(struct vhd_image *image, uint64_t block,
			  uint64_t *offset, uint64_t *length);

/*
 * Makes one block, all of it that is on the disk, read as zeros by metadata
 * alone. VHD_E_UNSUPPORTED: write zeros instead.
 */
int vhd_image_drop_block(struct vhd_image *image, uint64_t block);

/*
 * Differencing: from now on the parent shows. (vhdx.md 7.4, "revert this
 * block"; vhd.md 14.4.)
 */
int vhd_image_revert_block(struct vhd_image *image, uint64_t block);

/* VHDX: a partially present block of which every sector is present becomes
 * fully present. Nothing happens to any other. */
int vhd_image_complete_block(struct vhd_image *image, uint64_t block);

/*
 * VHDX: the chunks whose sector bitmap no block needs, once the blocks of
 * `gone` are let go and those of `whole` complete; either may be NULL. A new
 * set.
 */
int vhd_image_idle_bitmaps(struct vhd_image *image,
			   const struct vhd_blockset *gone,
			   const struct vhd_blockset *whole,
			   struct vhd_blockset *out);

/* VHDX: lets go of the sector bitmaps that no block needs; durable when it
 * returns. */
int vhd_image_shed_bitmaps(struct vhd_image *image);

/*
 * Makes a part of a block's data a hole of the host file, in place; it reads as
 * zeros then. `offset` is the file's. VHD_E_UNSUPPORTED, and nothing changed,
 * where the host has no holes.
 */
int vhd_image_punch(struct vhd_image *image, uint64_t offset, uint64_t length);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packing an image: blocks move from the end of the file into free space in
 * front, so that the file can be cut. Only what lies behind the final end
 * moves, each once; highest first, so that what was done counts even if it is
 * stopped half-way.
 */
#ifndef VHD_IMAGE_PACK_H
#define VHD_IMAGE_PACK_H

#include "blockset.h"
#include "image.h"

struct vhd_packing {
	uint64_t file_size; /* when packed, and closed in order */
	uint64_t blocks;    /* to move, sector bitmap blocks included */
	uint64_t bytes;     /* of these */
};

/*
 * What vhd_image_pack() will do once the blocks of `gone` are let go and those
 * of `whole` are complete (either may be NULL). Without `move`: what the file's
 * size is if nothing moves. Changes must have been flushed; nothing is written.
 */
int vhd_image_plan(struct vhd_image *image, const struct vhd_blockset *gone,
		   const struct vhd_blockset *whole, bool move,
		   struct vhd_packing *out);

/* Makes sure that vhd_image_shut() cuts the file behind the last block, even if
 * nothing else was changed. */
int vhd_image_cut(struct vhd_image *image);

/* Called behind each move; a nonzero result ends packing and is returned. */
typedef int vhd_moved_fn(void *ctx, uint64_t bytes);

/*
 * Moves. Nobody else writes the image meanwhile, unless it is `live`: then
 * their writes are held off for moments, and what they add may stay where it
 * is. Durable when it returns, after a failure of `moved` too; vhd_image_shut()
 * or vhd_image_cut_tail() then cuts the file. Takes no more space on the host
 * than PACK_BATCH bytes at any time, and none if the host has none to give.
 */
int vhd_image_pack(struct vhd_image *image, bool live, vhd_moved_fn *moved,
		   void *ctx, struct vhd_packing *out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Data under clear bits of a dynamic VHD's sector bitmaps. */
#ifndef VHD_IMAGE_VHD1_HIDDEN_H
#define VHD_IMAGE_VHD1_HIDDEN_H

#include "image.h"

/* Sectors that the bitmap calls never written, of which one is not zeros. */
struct vhd1_hidden {
	uint64_t start; /* of the disk */
	uint64_t length;
	uint64_t offset; /* in the file */
	uint64_t bitmap; /* of the block */
};

/*
 * Calls `found` for each such run, until it returns nonzero, which is returned.
 * Entries that are damaged are passed over.
 */
int vhd1_hidden_find(struct vhd_image *image,
		     int (*found)(void *ctx, const struct vhd1_hidden *run),
		     void *ctx, struct vhd_diag *diag);

#endif

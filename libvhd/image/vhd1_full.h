/* SPDX-License-Identifier: BSD-2-Clause */
/* What XenServer's batmap says against what the sector bitmaps say. */
#ifndef VHD_IMAGE_VHD1_FULL_H
#define VHD_IMAGE_VHD1_FULL_H

#include "image.h"

struct vhd1_full {
	bool checksum_bad;
	uint64_t wrong; /* blocks it calls full that are not */
	uint64_t first; /* of them */
	uint8_t *map;   /* what it should hold, `bytes` of it; owned */
	uint64_t bytes;
	uint32_t checksum; /* of that */
};

/* For an image with a batmap. Free `map` afterwards. */
int vhd1_full_find(struct vhd_image *image, struct vhd1_full *out,
		   struct vhd_diag *diag);

#endif

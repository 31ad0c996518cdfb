/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing bytes of a closed VHDX's metadata through its log. */
#ifndef VHD_IMAGE_VHDX_PATCH_H
#define VHD_IMAGE_VHDX_PATCH_H

#include "writer.h"

struct vhdx_patch {
	struct vhd_image *image;
	struct vhd_writer *writer;
	struct vhd_page_set set;
	bool content; /* the disk will read differently */
	bool started;
};

/* The image is open for reading, its log clean. */
int vhdx_patch_begin(struct vhdx_patch *p, struct vhd_image *image,
		     bool content);

/* Changes that lie in one 4 KiB page are made together; pages rise. */
int vhdx_patch_put(struct vhdx_patch *p, uint64_t offset, const void *bytes,
		   size_t len);

/* Everything durable and the log clean, unless `rc` says that it failed: then
 * that is returned. Frees in any case. */
int vhdx_patch_end(struct vhdx_patch *p, int rc);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Changing properties of an image that is open for writing. */
#ifndef VHD_IMAGE_SET_H
#define VHD_IMAGE_SET_H

#include <libvhd/image.h>

/*
 * Each changes one thing durably before it returns. VHD_E_UNSUPPORTED where
 * the format has no such property or forbids changing it.
 */
int vhd_image_set_id(struct vhd_image *image, const struct vhd_guid *id,
		     struct vhd_diag *diag);
int vhd_image_set_creator(struct vhd_image *image, const char *creator,
			  struct vhd_diag *diag);
int vhd_image_set_physical_sector(struct vhd_image *image, uint32_t size,
				  struct vhd_diag *diag);

#endif

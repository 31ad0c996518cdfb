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
/* VHDX: adds or replaces a user item; NULL removes it, VHD_E_NOENT if there is
 * none. */
int vhd_image_set_metadata(struct vhd_image *image, const struct vhd_guid *id,
			   const void *bytes, uint32_t length,
			   struct vhd_diag *diag);
/* The stored paths become `name`, relative to the image's folder; what the
 * parent must be stays. */
int vhd_image_set_parent_path(struct vhd_image *image, const char *name,
			      struct vhd_diag *diag);

#endif

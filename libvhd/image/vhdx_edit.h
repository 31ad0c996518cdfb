/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing the structures of a VHDX that is open for writing and that nobody
 * else uses meanwhile. Each change is one entry of the log: done or not done.
 * The image shows it when the function returns.
 */
#ifndef VHD_IMAGE_VHDX_EDIT_H
#define VHD_IMAGE_VHDX_EDIT_H

#include "image.h"

/*
 * Replaces, or adds, an item of the metadata region. `flags` are VHDX_ITEM_*;
 * the item is the one with this id and this USER flag. VHD_E_NOSPACE if the
 * region has no room, VHD_E_LIMIT if the format allows no more. vhdx.md 6.4
 */
int vhdx_edit_item(struct vhd_image *image, const struct vhd_guid *id,
		   uint32_t flags, const void *bytes, uint32_t length);

/* The same for a known item, with the flags it should have. */
int vhdx_edit_known(struct vhd_image *image, enum vhdx_item item,
		    const void *bytes, uint32_t length);

/* Removes an item; VHD_E_NOENT if there is none. */
int vhdx_remove_item(struct vhd_image *image, const struct vhd_guid *id,
		     bool user);

/*
 * An item's bytes, at most `room` of them, and its length. VHD_E_NOENT,
 * VHD_E_LIMIT.
 */
int vhdx_get_item(struct vhd_image *image, const struct vhd_guid *id, bool user,
		  void *bytes, size_t room, uint32_t *length);

/*
 * Writes both region tables anew, so that `regions` holds from here on. What
 * the new places hold must be durable already. vhdx.md 5.3
 */
int vhdx_edit_regions(struct vhd_image *image,
		      const struct vhdx_regions *regions);

/* Reads regions, metadata and map anew, after a change of them. */
int vhdx_image_refresh(struct vhd_image *image);

#endif

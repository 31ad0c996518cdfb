/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Another size for the disk of an image that is open for writing and that
 * nobody else uses meanwhile.
 */
#ifndef VHD_IMAGE_RESIZE_H
#define VHD_IMAGE_RESIZE_H

#include "writer.h"

/*
 * Makes the disk `size` bytes large, in place, durably when it returns; the
 * image can be written on with. What is new reads as zeros, whatever a parent
 * holds there (image->parent_size says how far it reaches); what is cut off is
 * lost, nobody looks at it. The id of the disk stays.
 *
 * A cut in the middle leaves the old or the new size, all content of both, and
 * perhaps space that nothing refers to. The same call again, with the size the
 * disk has by then, finishes that.
 *
 * VHD_E_INVALID, VHD_E_ALIGN or VHD_E_LIMIT for a size that the format does not
 * have; VHD_E_UNSUPPORTED where the image leaves no room for a longer block
 * table, or keeps other structures that a change would spoil; VHD_E_PARENT for
 * a differencing VHD of whose parent nothing is known. Nothing was changed
 * then.
 */
int vhd_image_resize(struct vhd_image *image, uint64_t size,
		     struct vhd_diag *diag);

/* -- the formats' parts: size is good and not the present one, or it is and
 * there is something to finish. diag is optional detail. ------------------- */

/* raw disks and fixed VHDs */
int vhd_resize_linear(struct vhd_image *image, uint64_t size);
int vhd1_resize(struct vhd_image *image, uint64_t size, struct vhd_diag *diag);
int vhdx_resize(struct vhd_image *image, uint64_t size, struct vhd_diag *diag);

/* Sets *done if nothing is left of a change that was cut off. */
int vhd1_resize_is_done(struct vhd_image *image, bool *done);
int vhdx_resize_is_done(struct vhd_image *image, bool *done);

/* -- what they share --------------------------------------------------------
 */

/* Lets the map, in memory only, show a disk of another size. */
void vhd_resize_show(struct vhd_image *image, uint64_t size);

/*
 * The last block is cut off by the disk's end: it gets a whole place to itself,
 * and zeros behind the end, before the next barrier.
 */
int vhd_resize_clear_tail(struct vhd_image *image);

/* Lets a range read as zeros by storing them where a parent would show. */
int vhd_resize_hide(struct vhd_image *image, uint64_t from, uint64_t to);

/* The part of a disk grown to `size` in which a parent would show. */
uint64_t vhd_resize_hidden_end(const struct vhd_image *image, uint64_t size);

/*
 * The disk was `before`, and durably is not any more: what blocks behind the
 * present end own is free.
 */
int vhd_resize_free(struct vhd_image *image, const struct vhd_map *before);

#endif

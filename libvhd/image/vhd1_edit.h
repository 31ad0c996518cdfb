/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changing the footer and the dynamic header of a VHD that is open for writing
 * and that nobody else uses meanwhile. Each change takes effect at one moment,
 * durably: a cut leaves the old or the new state. The image shows the new one
 * when the function returns.
 */
#ifndef VHD_IMAGE_VHD1_EDIT_H
#define VHD_IMAGE_VHD1_EDIT_H

#include "image.h"

/*
 * The footer at the end, then its copy (vhd.md 14.3). Reserved bytes that other
 * programs use are kept. For all types; a fixed disk's footer must be where the
 * file says it is.
 */
int vhd1_edit_footer(struct vhd_image *image, const struct vhd1_footer *footer);

/* The dynamic header. Types 3 and 4. */
int vhd1_edit_header(struct vhd_image *image, const struct vhd1_header *header);

/* Reads footer, header and map anew, after a change of them. */
int vhd1_image_refresh(struct vhd_image *image);

#endif

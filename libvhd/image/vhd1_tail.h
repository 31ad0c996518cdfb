/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VHD_IMAGE_VHD1_TAIL_H
#define VHD_IMAGE_VHD1_TAIL_H

#include "writer.h"

/* Refuses images that must not be written as they are. */
int vhd1_check_writable(const struct vhd_image *image, struct vhd_diag *diag);

/* Refuses those that a repair must leave alone as well. */
int vhd1_check_alone(uint32_t conditions, struct vhd_diag *diag);

#endif

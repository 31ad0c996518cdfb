/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of creating an image that convert and measure use too. */
#ifndef VHD_OPS_CREATE_H
#define VHD_OPS_CREATE_H

#include <libvhd/ops.h>

#include "image/make.h"

/*
 * Completes options with defaults and the parent's properties, and refuses
 * what the format does not allow.
 */
int vhd_create_decide(const struct vhd_create_options *options,
		      struct vhd_make *out, struct vhd_diag *diag);

/* Lays the image out in an empty file. */
int vhd_create_in(struct vhd_file *file, const struct vhd_make *make,
		  struct vhd_diag *diag);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VHD_OPS_LINK_H
#define VHD_OPS_LINK_H

#include <libvhd/image.h>

/*
 * Makes the image `parent`, the file at `parent_path`, the parent of `child`,
 * which is open for writing: its identity, and its path relative to the child's
 * folder. One durable step.
 */
int vhd_link_by_path(struct vhd_image *child, const char *child_path,
		     struct vhd_image *parent, const char *parent_path,
		     struct vhd_diag *diag);

#endif

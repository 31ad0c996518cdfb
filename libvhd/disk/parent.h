/* SPDX-License-Identifier: BSD-2-Clause */
/* Finding the parent of an image, within what the policy allows. */
#ifndef VHD_DISK_PARENT_H
#define VHD_DISK_PARENT_H

#include "disk.h"

struct vhd_parent_search;

/*
 * Prepares the folders parents may lie in: that of `leaf_path` (NULL if the
 * leaf has no path) and those of the options.
 */
int vhd_parent_search_new(const char *leaf_path,
			  const struct vhd_disk_options *options,
			  struct vhd_parent_search **out,
			  struct vhd_diag *diag);
void vhd_parent_search_free(struct vhd_parent_search *search);

/*
 * Finds and opens the parent of layer `depth`; fills *out on success (image
 * and path owned by the caller). VHD_E_PARENT, _MISMATCH, _LOOP (never decided
 * here), or why the one file that fits could not be opened.
 */
int vhd_parent_find(struct vhd_parent_search *search,
		    const struct vhd_layer *child, unsigned depth,
		    struct vhd_layer *out, struct vhd_diag *diag);

#endif

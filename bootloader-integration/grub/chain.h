/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An image with its parents: layers from the leaf down, joined. */
#ifndef VHD_GRUB_CHAIN_H
#define VHD_GRUB_CHAIN_H

#include "layer.h"

/*
 * Opens the image at `path` and, if it is differencing, the files beside it
 * (or below its folder) that it is made of. Returns the leaf, whose reader
 * shows the whole disk, or NULL and an error of GRUB's; then no file is open.
 */
struct vhd_layer *vhd_chain_open(const char *path);

/* The leaf and all below it. Takes NULL. */
void vhd_chain_close(struct vhd_layer *leaf);

#endif

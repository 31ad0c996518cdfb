/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One image file, opened through GRUB's file systems. */
#ifndef VHD_GRUB_LAYER_H
#define VHD_GRUB_LAYER_H

#include <grub/file.h>
#include <libvhd/boot.h>

#include "direct.h"

struct vhd_layer {
	struct vhd_layer *parent; /* the next file of a chain, or NULL */
	char *path;               /* as it was opened */
	grub_file_t file;         /* open as long as the layer is */
	struct vhd_direct direct; /* where it is on its disk */
	void *memory;             /* the reader's state, then its window */
	struct vhd_boot *boot;
};

/*
 * NULL and an error of GRUB's that names the file. The reader gets `window`
 * bytes, or more if pending updates need more.
 */
struct vhd_layer *vhd_layer_open(const char *path, grub_size_t window);

/* This one alone, not its parents. Takes NULL. */
void vhd_layer_close(struct vhd_layer *layer);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The attached images, as disks of GRUB's. */
#ifndef VHD_GRUB_DISK_H
#define VHD_GRUB_DISK_H

#include <grub/err.h>

/*
 * Opens the image at `path` and makes it the disk `name`. The name is copied.
 * An error if there is such a disk of ours already.
 */
grub_err_t vhd_disk_attach(const char *name, const char *path);

/* An error if there is no such disk, or something has it open. */
grub_err_t vhd_disk_detach(const char *name);

/* From here on GRUB sees the disks. */
void vhd_disk_start(void);

#endif

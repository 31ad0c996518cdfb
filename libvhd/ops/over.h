/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening an image whose parent is open already. */
#ifndef VHD_OPS_OVER_H
#define VHD_OPS_OVER_H

#include <libvhd/disk.h>

/*
 * Opens `file` as a disk over `parent`, or by itself if that is NULL. The
 * parent's layers are read through the files it has open, whatever names they
 * have now; it must outlive the disk. The disk must be a child of that parent
 * (VHD_E_MISMATCH); how the parent's own layers fit together was its opener's
 * business. `flags` are VHD_DISK_*. Owns `file`, also on failure.
 */
int vhd_open_over(struct vhd_file *file, const char *name, int format,
		  uint32_t flags, struct vhd_disk *parent,
		  struct vhd_disk **out, struct vhd_diag *diag);

#endif

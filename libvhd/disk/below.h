/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a part of a chain shows: the layers from `layer` on, layer 1 being the
 * leaf's parent. Behind their end are zeros. Ranges lie inside the disk.
 */
#ifndef VHD_DISK_BELOW_H
#define VHD_DISK_BELOW_H

#include <libvhd/disk.h>

/* As vhd_disk_extent(); `depth` counts from the leaf. */
int vhd_disk_extent_below(struct vhd_disk *disk, unsigned layer,
			  uint64_t offset, uint64_t length,
			  struct vhd_extent *out, struct vhd_diag *diag);

/* As vhd_disk_read(). Where layer 0 is asked, its space must not change
 * meanwhile. */
int vhd_disk_read_below(struct vhd_disk *disk, unsigned layer, uint64_t offset,
			void *buf, size_t len, struct vhd_diag *diag);

#endif

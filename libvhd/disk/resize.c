/* SPDX-License-Identifier: BSD-2-Clause */
#include "image/resize.h"

#include "claim.h"
#include "core/diag.h"
#include "disk.h"

int vhd_disk_resize(struct vhd_disk *disk, uint64_t size, struct vhd_diag *diag)
{
	struct vhd_image *leaf = disk->layers[0].image;
	int rc = disk->inactive   ? VHD_E_BUSY
		 : disk->writable ? 0
				  : VHD_E_READONLY;

	if (rc) {
		vhd_fail(diag, rc, NULL, VHD_NO_OFFSET, vhd_strerror(rc));
		return vhd_diag_path(diag, rc, disk->layers[0].path);
	}
	vhd_disk_stop(disk);
	rc = vhd_image_resize(leaf, size, diag);
	disk->size = vhd_image_size(leaf);
	vhd_disk_go_on(disk);
	return rc ? vhd_diag_path(diag, rc, disk->layers[0].path) : 0;
}

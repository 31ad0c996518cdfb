/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Giving the leaf to another host and taking it back. The file stays open all
 * the time; what changes is the lock and everything that was read from it.
 * Parents are never written, so their shared locks stay.
 */
#include "core/diag.h"
#include "disk.h"
#include "image/layer.h"

int vhd_disk_inactivate(struct vhd_disk *disk, struct vhd_diag *diag)
{
	struct vhd_layer *leaf = &disk->layers[0];
	int rc;

	if (disk->inactive)
		return 0;
	rc = vhd_disk_shut(disk, diag);
	if (rc) /* keep the lock: what the file holds is in doubt */
		return rc;
	disk->inactive = true;
	return vhd_file_lock(vhd_image_base_file(leaf->image), VHD_LOCK_NONE);
}

/* the leaf as it is now, over the same parents */
static int reopen(struct vhd_disk *disk, struct vhd_file *file,
		  struct vhd_image **out, struct vhd_diag *diag)
{
	const struct vhd_disk_options *o = &disk->leaf_options;
	struct vhd_image *image;
	int rc = vhd_disk_open_image(file, o, o->flags, &image, diag);

	if (rc)
		return rc;
	if (vhd_image_has_parent(image) && disk->count > 1 &&
	    !(o->flags & VHD_DISK_IGNORE_ID))
		rc = vhd_image_check_parent(image, disk->layers[1].image, diag);
	if (rc)
		vhd_image_detach(image);
	else
		*out = image;
	return rc;
}

int vhd_disk_activate(struct vhd_disk *disk, struct vhd_diag *diag)
{
	struct vhd_layer *leaf = &disk->layers[0];
	struct vhd_file *file = vhd_image_base_file(leaf->image);
	struct vhd_image *image;
	int rc;

	if (!disk->inactive)
		return 0;
	rc = reopen(disk, file, &image, diag);
	if (rc) {
		vhd_file_lock(file, VHD_LOCK_NONE);
		return vhd_diag_path(diag, rc, leaf->path);
	}
	vhd_image_detach(leaf->image);
	leaf->image = image;
	if (disk->count > 1)
		vhd_image_know_parent(image, disk->layers[1].image);
	disk->size = vhd_image_size(image);
	disk->sector_size = vhd_image_sector_size(image);
	disk->writable = disk->leaf_options.flags & VHD_DISK_WRITE;
	disk->inactive = false;
	return 0;
}

int vhd_disk_is_active(const struct vhd_disk *disk)
{
	return !disk->inactive;
}

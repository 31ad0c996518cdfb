/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <libvhd/ops.h>

#include "core/checked.h"
#include "core/diag.h"
#include "file/random.h"
#include "image/set.h"

static int apply(struct vhd_image *image, const struct vhd_set_options *o,
		 struct vhd_diag *diag)
{
	struct vhd_guid id = o->id;
	int rc = 0;

	if (o->flags & VHD_SET_PHYSICAL_SECTOR)
		rc = vhd_image_set_physical_sector(
			image, o->physical_sector_size, diag);
	if (!rc && (o->flags & VHD_SET_NEW_ID))
		rc = vhd_random_guid(&id);
	if (!rc && (o->flags & (VHD_SET_ID | VHD_SET_NEW_ID)))
		rc = vhd_image_set_id(image, &id, diag);
	if (!rc && (o->flags & VHD_SET_CREATOR))
		rc = vhd_image_set_creator(image, o->creator, diag);
	return rc;
}

/* one property at a time: each open leaves a file that is closed cleanly */
static int set_one(const char *path, const struct vhd_set_options *o,
		   uint32_t flag, struct vhd_diag *diag)
{
	const struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = o->format,
		.flags = VHD_DISK_WRITE | VHD_DISK_LAYER |
			 (o->flags & VHD_SET_IGNORE_CHILDREN
				  ? VHD_DISK_IGNORE_CHILDREN
				  : 0),
	};
	struct vhd_set_options one = *o;
	struct vhd_disk *disk;
	int rc;

	one.flags &= flag;
	if (!one.flags)
		return 0;
	rc = vhd_disk_open(path, &options, &disk, diag);
	if (rc)
		return rc;
	rc = apply(vhd_disk_image(disk, 0), &one, diag);
	if (!rc)
		rc = vhd_disk_shut(disk, diag);
	vhd_disk_close(disk);
	return rc;
}

int vhd_set(const char *path, const struct vhd_set_options *options,
	    struct vhd_diag *diag)
{
	static const uint32_t order[] = {
		VHD_SET_PHYSICAL_SECTOR,
		VHD_SET_CREATOR,
		VHD_SET_ID,
		VHD_SET_NEW_ID,
	};
	struct vhd_set_options o = {0};
	int rc = 0;

	memcpy(&o, options, vhd_min(options->size, sizeof(o)));
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && !rc; i++)
		rc = set_one(path, &o, order[i], diag);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <libvhd/ops.h>

#include "core/checked.h"
#include "core/diag.h"
#include "file/random.h"
#include "image/set.h"

static int set_metadata(struct vhd_image *image,
			const struct vhd_set_options *o, struct vhd_diag *diag)
{
	int rc = 0;

	for (size_t i = 0; i < o->metadata_count && !rc; i++)
		rc = vhd_image_set_metadata(image, &o->metadata[i].id,
					    o->metadata[i].bytes,
					    o->metadata[i].length, diag);
	return rc;
}

static uint32_t open_flags(const struct vhd_set_options *o, uint32_t property)
{
	uint32_t flags = VHD_DISK_WRITE | VHD_DISK_LAYER;

	if (o->flags & VHD_SET_IGNORE_CHILDREN)
		flags |= VHD_DISK_IGNORE_CHILDREN;
	/* where the parent lies is nothing that a guest sees */
	if (property == VHD_SET_PARENT_PATH)
		flags |= VHD_DISK_SAME_CONTENT;
	return flags;
}

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
	if (!rc && (o->flags & VHD_SET_PARENT_PATH))
		rc = vhd_image_set_parent_path(image, o->parent_name, diag);
	if (!rc && (o->flags & VHD_SET_METADATA))
		rc = set_metadata(image, o, diag);
	return rc;
}

/* one property at a time: each open leaves a file that is closed cleanly */
static int set_one(const char *path, const struct vhd_set_options *o,
		   uint32_t flag, struct vhd_diag *diag)
{
	const struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = o->format,
		.flags = open_flags(o, flag),
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
		VHD_SET_PHYSICAL_SECTOR, VHD_SET_CREATOR,  VHD_SET_ID,
		VHD_SET_NEW_ID,          VHD_SET_METADATA, VHD_SET_PARENT_PATH,
	};
	struct vhd_set_options o = {0};
	int rc = 0;

	memcpy(&o, options, vhd_min(options->size, sizeof(o)));
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]) && !rc; i++)
		rc = set_one(path, &o, order[i], diag);
	return rc;
}

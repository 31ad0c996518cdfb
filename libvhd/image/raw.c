/* SPDX-License-Identifier: BSD-2-Clause */
/* A raw disk: the file is the disk, to the last byte. */
#include "core/checked.h"
#include "core/diag.h"
#include "image.h"

static int open_raw(struct vhd_image *image,
		    const struct vhd_image_options *options,
		    struct vhd_diag *diag)
{
	uint64_t size;
	int rc = vhd_file_size(image->file, &size);

	(void)options;
	if (rc)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				"its size cannot be found");
	image->type = VHD_TYPE_FIXED;
	image->sector_size = VHD1_SECTOR;
	image->map = (struct vhd_map){
		.kind = VHD_MAP_LINEAR,
		.size = size,
		.limit = size,
		.sector_shift = 9,
	};
	return 0;
}

static void info(const struct vhd_image *image, struct vhd_image_info *out)
{
	(void)image;
	out->physical_sector_size = VHD1_SECTOR;
}

static int hint(struct vhd_image *image, unsigned index,
		struct vhd_parent_hint *out)
{
	(void)image;
	(void)index;
	(void)out;
	return VHD_E_RANGE;
}

static bool is_parent(const struct vhd_image *child,
		      const struct vhd_image *parent)
{
	(void)child;
	(void)parent;
	return false;
}

const struct vhd_image_ops vhd_image_raw = {
	.open = open_raw,
	.info = info,
	.hint = hint,
	.is_parent = is_parent,
};

/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include "image.h"

void vhd_image_get_info(struct vhd_image *image, struct vhd_image_info *info)
{
	*info = (struct vhd_image_info){
		.format = image->format,
		.type = image->type,
		.virtual_size = image->map.size,
		.logical_sector_size = image->sector_size,
		.total_blocks = image->map.blocks,
		.conditions = image->conditions,
	};
	vhd_file_size(image->file, &info->file_size);
	vhd_file_allocated(image->file, &info->allocated_size);
	image->ops->info(image, info);
}

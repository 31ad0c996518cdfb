/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>

#include "image.h"
#include "writer.h"

/* headers change on a flush, and when a session of writing begins */
static void info_of_headers(struct vhd_image *image,
			    struct vhd_image_info *info)
{
	struct vhd_writer *w = image->writer;

	if (w) {
		pthread_mutex_lock(&w->flush_mutex);
		pthread_mutex_lock(&w->mutex);
	}
	image->ops->info(image, info);
	if (w) {
		pthread_mutex_unlock(&w->mutex);
		pthread_mutex_unlock(&w->flush_mutex);
	}
}

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
	info_of_headers(image, info);
}

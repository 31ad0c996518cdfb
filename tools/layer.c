/* SPDX-License-Identifier: BSD-2-Clause */
#include "layer.h"

#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "diag.h"

/* a larger block table is not read just to count: info stays instant */
#define USAGE_TABLE_MAX ((uint64_t)16 << 20)

void layer_warn(const struct layer *layer, const char *what, int error)
{
	if (error == VHD_E_IO || error == VHD_E_NOMEM)
		diag_warning(layer->path, "%s cannot be read: %s", what,
			     vhd_strerror(error));
}

/* what the info shows as 0 */
static void look_at_sizes(const struct layer *layer)
{
	struct vhd_file *file = vhd_image_file(layer->image);
	uint64_t size;
	int rc = vhd_file_size(file, &size);

	if (!rc && layer->info.file_size != size)
		rc = VHD_E_IO;
	layer_warn(layer, "the file's sizes",
		   rc ? rc : vhd_file_allocated(file, &size));
}

static bool is_compressed(struct vhd_image *image)
{
	int fd = vhd_file_fd(vhd_image_file(image));
	int flags = 0;

	return fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 &&
	       (flags & FS_COMPR_FL);
}

/* A damaged table must not keep the rest from being shown. */
static void count_usage(struct layer *layer, bool anyhow)
{
	int rc;

	if (layer->info.total_blocks == 0)
		return;
	rc = vhd_image_usage(layer->image, anyhow ? 0 : USAGE_TABLE_MAX,
			     &layer->usage, NULL);
	layer->usage_known = rc == 0;
	layer_warn(layer, "the blocks", rc);
	layer->usage_skipped = rc == VHD_E_LIMIT;
}

void layer_get(const struct chain *chain, const char *path, unsigned index,
	       bool count_blocks, struct layer *out)
{
	const char *found = vhd_disk_path(chain->disk, index);

	*out = (struct layer){
		.path = index == 0 || !*found ? path : found,
		.image = vhd_disk_image(chain->disk, index),
		.chain_length = vhd_disk_layers(chain->disk) - index,
	};
	vhd_image_get_info(out->image, &out->info);
	look_at_sizes(out);
	count_usage(out, count_blocks);
	out->compressed = is_compressed(out->image);
	chain_get_link(chain, index, &out->link);
}

void layer_free(struct layer *layer)
{
	chain_link_free(&layer->link);
}

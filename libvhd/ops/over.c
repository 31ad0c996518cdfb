/* SPDX-License-Identifier: BSD-2-Clause */
#include "over.h"

#include <string.h>

/* -- a file that stays its owner's
 * --------------------------------------------------- */

static int lent_read(void *ctx, uint64_t offset, void *buf, size_t len)
{
	return vhd_file_read(ctx, offset, buf, len);
}

static int lent_size(void *ctx, uint64_t *size)
{
	return vhd_file_size(ctx, size);
}

static int lent_next_data(void *ctx, uint64_t offset, uint64_t *start,
			  uint64_t *end)
{
	return vhd_file_next_data(ctx, offset, start, end);
}

static int lent_id(void *ctx, struct vhd_file_id *id)
{
	return vhd_file_id(ctx, id);
}

/* no close, and no lock: the owner holds one */
static const struct vhd_file_ops lent = {
	.size = sizeof(struct vhd_file_ops),
	.read_at = lent_read,
	.get_size = lent_size,
	.next_data = lent_next_data,
	.get_id = lent_id,
};

/* -- the chain
 * ------------------------------------------------------------------------ */

static int lend_layer(void *ctx, struct vhd_image *child, unsigned depth,
		      struct vhd_file **file, char *name, size_t name_size)
{
	struct vhd_disk *parent = ctx;
	struct vhd_image *image = parent ? vhd_disk_image(parent, depth) : NULL;
	const char *path;

	(void)child;
	if (!image)
		return VHD_E_PARENT;
	path = vhd_disk_path(parent, depth);
	if (strlen(path) < name_size)
		memcpy(name, path, strlen(path) + 1);
	return vhd_file_new(&lent, vhd_image_file(image), file);
}

int vhd_open_over(struct vhd_file *file, const char *name, int format,
		  uint32_t flags, struct vhd_disk *parent,
		  struct vhd_disk **out, struct vhd_diag *diag)
{
	/* the one link that is ours is checked below */
	const struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = format,
		.flags = flags | VHD_DISK_IGNORE_ID,
		.find_parent = lend_layer,
		.find_parent_ctx = parent,
	};
	struct vhd_disk *disk;
	int rc = vhd_disk_open_file(file, name, &options, &disk, diag);

	if (rc) {
		vhd_file_close(file);
		return rc;
	}
	if (vhd_disk_layers(disk) > 1)
		rc = vhd_image_check_parent(vhd_disk_image(disk, 0),
					    vhd_disk_image(disk, 1), diag);
	if (rc)
		vhd_disk_close(disk);
	else
		*out = disk;
	return rc;
}

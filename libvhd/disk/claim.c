/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between giving up the shared lock and taking the exclusive one, somebody may
 * change the file. So everything that was read of it is read again afterwards,
 * and held against its neighbours in the chain.
 */
#include "claim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/diag.h"
#include "disk.h"
#include "image/layer.h"
#include "image/writer.h"

static bool same_id(const struct vhd_file_id *a, const struct vhd_file_id *b)
{
	return a->device == b->device && a->inode == b->inode;
}

/* the layer's file, open for writing: the one it has, or a new one */
static int writable_file(const struct vhd_layer *layer, struct vhd_file **out,
			 struct vhd_diag *diag)
{
	struct vhd_file *file = vhd_image_base_file(layer->image);
	struct vhd_file_id id = {0};
	int rc;

	if (vhd_file_is_writable(file)) {
		*out = file;
		return 0;
	}
	rc = vhd_file_open(layer->path, VHD_FILE_WRITE, &file, diag);
	if (rc)
		return rc;
	vhd_file_id(file, &id);
	if (!same_id(&id, &layer->id)) {
		vhd_file_close(file);
		return vhd_fail(diag, VHD_E_MISMATCH, NULL, VHD_NO_OFFSET,
				"was replaced by another file meanwhile");
	}
	*out = file;
	return 0;
}

/* the image still fits between its neighbours */
static int check_neighbours(const struct vhd_disk *disk, unsigned layer,
			    struct vhd_image *image, struct vhd_diag *diag)
{
	int rc = 0;

	if (layer > 0)
		rc = vhd_image_check_parent(disk->layers[layer - 1].image,
					    image, diag);
	if (!rc && layer + 1 < disk->count)
		rc = vhd_image_check_parent(
			image, disk->layers[layer + 1].image, diag);
	return rc;
}

static int reopen(struct vhd_disk *disk, unsigned layer, struct vhd_file *file,
		  uint32_t flags, struct vhd_image **out, struct vhd_diag *diag)
{
	const struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = vhd_image_format(disk->layers[layer].image),
	};
	struct vhd_image *image;
	int rc;

	if (vhd_file_lock(file, VHD_LOCK_EXCLUSIVE))
		return vhd_fail(diag, VHD_E_BUSY, NULL, VHD_NO_OFFSET,
				"another program has the image open");
	/* the lock is ours already */
	rc = vhd_disk_open_image(file, &options,
				 flags | VHD_DISK_VERIFY | VHD_DISK_FORCE_SHARE,
				 &image, diag);
	if (rc)
		return rc;
	rc = check_neighbours(disk, layer, image, diag);
	if (rc)
		vhd_image_detach(image);
	else
		*out = image;
	return rc;
}

static void replace(struct vhd_disk *disk, unsigned layer,
		    struct vhd_image *image)
{
	struct vhd_layer *l = &disk->layers[layer];
	struct vhd_image *old = l->image;
	bool in_use = layer > 0 && vhd_image_is_writable(disk->layers[0].image);

	if (layer + 1 < disk->count)
		vhd_image_know_parent(image, disk->layers[layer + 1].image);
	if (in_use)
		vhd_disk_stop(disk);
	l->image = image;
	if (in_use)
		vhd_disk_go_on(disk);
	if (layer == 0)
		disk->size = vhd_image_size(image);
	if (vhd_image_base_file(image) == vhd_image_base_file(old))
		vhd_image_detach(old);
	else
		vhd_image_close(old);
}

int vhd_disk_claim(struct vhd_disk *disk, unsigned layer, uint32_t flags,
		   struct vhd_diag *diag)
{
	struct vhd_layer *l = &disk->layers[layer];
	struct vhd_file *old = vhd_image_base_file(l->image), *file = old;
	struct vhd_image *image = NULL;
	int rc = 0;

	if (flags & VHD_DISK_WRITE)
		rc = writable_file(l, &file, diag);
	if (rc)
		return vhd_diag_path(diag, rc, l->path);
	vhd_file_lock(old, VHD_LOCK_NONE);
	rc = reopen(disk, layer, file, flags, &image, diag);
	if (rc) {
		if (file != old)
			vhd_file_close(file);
		vhd_file_lock(old, VHD_LOCK_SHARED);
		return vhd_diag_path(diag, rc, l->path);
	}
	replace(disk, layer, image);
	if (layer == 0 && (flags & VHD_DISK_WRITE))
		disk->writable = true;
	return 0;
}

int vhd_disk_unclaim(struct vhd_disk *disk, unsigned layer)
{
	struct vhd_image *image = disk->layers[layer].image;
	int rc = vhd_image_is_writable(image) ? vhd_image_shut(image) : 0;

	vhd_file_lock(vhd_image_base_file(image), VHD_LOCK_SHARED);
	return rc;
}

void vhd_disk_drop_layers(struct vhd_disk *disk, unsigned from, unsigned to)
{
	struct vhd_layer gone[VHD_DISK_DEPTH_MAX];
	unsigned count = to - from;

	vhd_disk_stop(disk);
	memcpy(gone, disk->layers + from, count * sizeof(gone[0]));
	memmove(disk->layers + from, disk->layers + to,
		(disk->count - to) * sizeof(gone[0]));
	disk->count -= count;
	vhd_image_know_parent(disk->layers[from - 1].image,
			      disk->layers[from].image);
	vhd_disk_go_on(disk);
	/* nobody reads them any more */
	for (unsigned i = 0; i < count; i++)
		vhd_layer_close(&gone[i]);
}

/* -- a part of a chain -------------------------------------------------------
 */

int vhd_disk_view(struct vhd_disk *disk, unsigned layer, struct vhd_disk **out)
{
	struct vhd_disk *view = calloc(1, sizeof(*view));

	if (!view)
		return VHD_E_NOMEM;
	view->count = disk->count - layer;
	memcpy(view->layers, disk->layers + layer,
	       view->count * sizeof(view->layers[0]));
	pthread_mutex_init(&view->mutex, NULL);
	pthread_cond_init(&view->goes_on, NULL);
	view->size = vhd_image_size(view->layers[0].image);
	view->sector_size = disk->sector_size;
	view->writable = vhd_image_is_writable(view->layers[0].image);
	*out = view;
	return 0;
}

void vhd_disk_view_close(struct vhd_disk *view)
{
	if (!view)
		return;
	pthread_cond_destroy(&view->goes_on);
	pthread_mutex_destroy(&view->mutex);
	free(view);
}

int vhd_disk_same_file(struct vhd_disk *a, unsigned layer_a, struct vhd_disk *b,
		       unsigned layer_b)
{
	const struct vhd_file_id *id = &a->layers[layer_a].id;

	return (id->device || id->inode) && same_id(id, &b->layers[layer_b].id);
}

int vhd_disk_is_file(struct vhd_disk *disk, unsigned layer, const char *path)
{
	struct vhd_file_id id = {0};
	struct stat st;

	if (stat(path, &st))
		return 0;
	id.device = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	id.inode = S_ISBLK(st.st_mode) ? 0 : st.st_ino;
	return same_id(&id, &disk->layers[layer].id);
}

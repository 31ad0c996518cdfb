/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a chain. Layers are opened from the leaf down, in a loop; each is
 * compared with those above it, so a chain that comes back to itself ends at
 * its first repetition.
 */
#include "disk.h"

#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "core/diag.h"
#include "image/hint.h"
#include "image/layer.h"
#include "parent.h"

int vhd_diag_path(struct vhd_diag *diag, int error, const char *path)
{
	char all[4096];
	size_t n;

	if (!diag)
		return error;
	vhd_escape(path, all, sizeof(all));
	n = strlen(all);
	if (n < sizeof(diag->path)) {
		memcpy(diag->path, all, n + 1);
	} else { /* the end of a path says more than its start */
		memcpy(diag->path, "...", 3);
		memcpy(diag->path + 3, all + n - (sizeof(diag->path) - 4),
		       sizeof(diag->path) - 3);
	}
	return error;
}

static uint32_t image_flags(uint32_t flags)
{
	uint32_t out = 0;

	if (flags & VHD_DISK_VERIFY)
		out |= VHD_IMAGE_VERIFY;
	if (flags & VHD_DISK_IGNORE_BITMAP)
		out |= VHD_IMAGE_IGNORE_BITMAP;
	if (flags & VHD_DISK_WRITE)
		out |= VHD_IMAGE_WRITE;
	if (flags & VHD_DISK_SAME_CONTENT)
		out |= VHD_IMAGE_SAME_CONTENT;
	return out;
}

int vhd_disk_open_image(struct vhd_file *file,
			const struct vhd_disk_options *options, uint32_t flags,
			struct vhd_image **out, struct vhd_diag *diag)
{
	enum vhd_lock lock =
		flags & VHD_DISK_WRITE ? VHD_LOCK_EXCLUSIVE : VHD_LOCK_SHARED;
	const struct vhd_image_options image = {
		.size = sizeof(image),
		.format = options->format,
		.flags = image_flags(flags),
		.size_rule = options->size_rule,
	};

	if ((flags & VHD_DISK_WRITE) && vhd_file_lock(file, lock))
		return vhd_fail(diag, VHD_E_BUSY, NULL, VHD_NO_OFFSET,
				"another program has the image open");
	if (!(flags & (VHD_DISK_FORCE_SHARE | VHD_DISK_WRITE)) &&
	    vhd_file_lock(file, lock)) {
		vhd_fail(diag, VHD_E_BUSY, NULL, VHD_NO_OFFSET,
			 "another program has the image open for writing");
		return vhd_hint(diag, VHD_E_BUSY,
				"--force-share reads it anyway");
	}
	return vhd_image_open(file, &image, out, diag);
}

static int check_loop(const struct vhd_disk *disk, const struct vhd_layer *next,
		      struct vhd_diag *diag)
{
	for (unsigned i = 0; i < disk->count; i++) {
		const struct vhd_file_id *id = &disk->layers[i].id;

		if ((id->device || id->inode) &&
		    id->device == next->id.device &&
		    id->inode == next->id.inode)
			return vhd_diag_path(diag,
					     vhd_fail(diag, VHD_E_LOOP, NULL,
						      VHD_NO_OFFSET,
						      vhd_strerror(VHD_E_LOOP)),
					     next->path);
	}
	return 0;
}

void vhd_layer_close(struct vhd_layer *layer)
{
	vhd_image_close(layer->image);
	free(layer->path);
}

static int add_parents(struct vhd_disk *disk, struct vhd_parent_search *search,
		       struct vhd_diag *diag)
{
	while (vhd_image_has_parent(disk->layers[disk->count - 1].image)) {
		const struct vhd_layer *child = &disk->layers[disk->count - 1];
		struct vhd_layer next = {0};
		int rc;

		if (disk->count == VHD_DISK_DEPTH_MAX)
			return vhd_diag_path(
				diag,
				vhd_fail_value(diag, VHD_E_LIMIT, NULL,
					       VHD_NO_OFFSET,
					       "the chain is longer than % "
					       "images",
					       VHD_DISK_DEPTH_MAX),
				child->path);
		rc = vhd_parent_find(search, child, disk->count - 1, &next,
				     diag);
		if (rc)
			return rc;
		vhd_file_id(vhd_image_base_file(next.image), &next.id);
		rc = check_loop(disk, &next, diag);
		if (rc) {
			vhd_layer_close(&next);
			return rc;
		}
		vhd_image_know_parent(child->image, next.image);
		disk->layers[disk->count++] = next;
	}
	return 0;
}

static struct vhd_disk_options known(const struct vhd_disk_options *options)
{
	struct vhd_disk_options all = {0};

	memcpy(&all, options, vhd_min(options->size, sizeof(all)));
	return all;
}

/* `path` is where the leaf lies, or NULL if only a name is known */
static int open_chain(struct vhd_disk *disk, const char *path,
		      const struct vhd_disk_options *options,
		      struct vhd_diag *diag)
{
	struct vhd_parent_search *search;
	int rc;

	if (options->flags & VHD_DISK_LAYER)
		return 0;
	rc = vhd_parent_search_new(path, options, &search, diag);
	if (rc)
		return rc;
	rc = add_parents(disk, search, diag);
	vhd_parent_search_free(search);
	return rc;
}

/* takes `file` on success only */
static int open_disk(struct vhd_file *file, const char *name, const char *path,
		     const struct vhd_disk_options *options,
		     struct vhd_disk **out, struct vhd_diag *diag)
{
	struct vhd_disk_options o = known(options);
	struct vhd_disk *disk = calloc(1, sizeof(*disk));
	struct vhd_layer *leaf;
	uint32_t flags;
	int rc = VHD_E_NOMEM;

	if (!disk)
		return rc;
	leaf = &disk->layers[0];
	leaf->path = strdup(name ? name : "");
	if (!leaf->path)
		goto fail_disk;
	flags = o.flags;
	if (flags & VHD_DISK_INACTIVE)
		flags = (flags & ~(uint32_t)VHD_DISK_WRITE) |
			VHD_DISK_FORCE_SHARE;
	rc = vhd_disk_open_image(file, &o, flags, &leaf->image, diag);
	if (rc) {
		vhd_diag_path(diag, rc, leaf->path);
		goto fail_path;
	}
	disk->count = 1;
	pthread_mutex_init(&disk->mutex, NULL);
	pthread_cond_init(&disk->goes_on, NULL);
	vhd_file_id(file, &leaf->id);
	disk->size = vhd_image_size(leaf->image);
	disk->sector_size = vhd_image_sector_size(leaf->image);
	disk->writable = flags & VHD_DISK_WRITE;
	disk->inactive = o.flags & VHD_DISK_INACTIVE;
	disk->leaf_options = (struct vhd_disk_options){
		.size = sizeof(o),
		.format = o.format,
		.flags = o.flags & ~(uint32_t)VHD_DISK_INACTIVE,
		.size_rule = o.size_rule,
	};
	rc = open_chain(disk, path, &o, diag);
	if (rc)
		goto fail_layers;
	*out = disk;
	return 0;
fail_layers:
	pthread_cond_destroy(&disk->goes_on);
	pthread_mutex_destroy(&disk->mutex);
	while (disk->count > 1)
		vhd_layer_close(&disk->layers[--disk->count]);
	vhd_image_detach(leaf->image);
fail_path:
	free(leaf->path);
fail_disk:
	free(disk);
	return rc;
}

int vhd_disk_open_file(struct vhd_file *file, const char *name,
		       const struct vhd_disk_options *options,
		       struct vhd_disk **out, struct vhd_diag *diag)
{
	return open_disk(file, name, NULL, options, out, diag);
}

int vhd_disk_open(const char *path, const struct vhd_disk_options *options,
		  struct vhd_disk **out, struct vhd_diag *diag)
{
	const struct vhd_disk_options o = known(options);
	uint32_t flags = o.flags & VHD_DISK_WRITE ? VHD_FILE_WRITE : 0;
	struct vhd_file *file;
	int rc = vhd_file_open(path, flags, &file, diag);

	if (rc)
		return vhd_diag_path(diag, rc, path);
	if (flags &&
	    !(o.flags & (VHD_DISK_IGNORE_CHILDREN | VHD_DISK_SAME_CONTENT)))
		rc = vhd_refuse_children(path, o.format, diag);
	if (rc) {
		vhd_file_close(file);
		return rc;
	}
	rc = open_disk(file, path, path, options, out, diag);
	if (rc)
		vhd_file_close(file);
	return rc;
}

void vhd_disk_close(struct vhd_disk *disk)
{
	if (!disk)
		return;
	while (disk->count)
		vhd_layer_close(&disk->layers[--disk->count]);
	pthread_cond_destroy(&disk->goes_on);
	pthread_mutex_destroy(&disk->mutex);
	free(disk);
}

uint64_t vhd_disk_size(const struct vhd_disk *disk)
{
	return disk->size;
}

uint32_t vhd_disk_sector_size(const struct vhd_disk *disk)
{
	return disk->sector_size;
}

unsigned vhd_disk_layers(const struct vhd_disk *disk)
{
	return disk->count;
}

struct vhd_image *vhd_disk_image(struct vhd_disk *disk, unsigned layer)
{
	return layer < disk->count ? disk->layers[layer].image : NULL;
}

const char *vhd_disk_path(const struct vhd_disk *disk, unsigned layer)
{
	return layer < disk->count ? disk->layers[layer].path : "";
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each attached image has a number of its own that is never used again: it is
 * the key under which GRUB's disk cache keeps what was read of it.
 */
#include "disk.h"

#include <grub/disk.h>
#include <grub/mm.h>

#include "chain.h"
#include "complain.h"

/*
 * GRUB numbers its drivers in an enum that newer versions extend; the cache
 * takes this number for another part of the key. "VHD\0" is far outside.
 */
#define DRIVER_ID ((enum grub_disk_dev_id)0x56484400)

/* The longest read at once, as the loopback driver has it: 512 MiB. */
#define AGGLOMERATE (1u << (29 - GRUB_DISK_SECTOR_BITS - GRUB_DISK_CACHE_BITS))

struct image {
	struct image *next;
	char *name;
	struct vhd_layer *leaf;
	unsigned long id;
	unsigned long users; /* how often GRUB has it open */
};

static struct image *images;
static unsigned long last_id;

/* where the pointer to it is, or the end of the list */
static struct image **find(const char *name)
{
	struct image **at = &images;

	while (*at && grub_strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	return at;
}

static void drop(struct image *image)
{
	vhd_chain_close(image->leaf);
	grub_free(image->name);
	grub_free(image);
}

grub_err_t vhd_disk_attach(const char *name, const char *path)
{
	struct image *image, **at = find(name);

	if (*at)
		return grub_error(GRUB_ERR_BAD_ARGUMENT,
				  "the disk %s exists already; vhd -d %s "
				  "detaches it",
				  name, name);
	image = grub_zalloc(sizeof(*image));
	if (!image)
		return grub_errno;
	image->name = grub_strdup(name);
	if (image->name)
		image->leaf = vhd_chain_open(path);
	if (!image->leaf) {
		drop(image);
		return grub_errno;
	}
	image->id = ++last_id;
	*at = image;
	return GRUB_ERR_NONE;
}

grub_err_t vhd_disk_detach(const char *name)
{
	struct image **at = find(name), *image = *at;

	if (!image)
		return grub_error(GRUB_ERR_BAD_DEVICE,
				  "no image is attached as %s", name);
	if (image->users)
		return grub_error(GRUB_ERR_BAD_DEVICE, "the disk %s is in use",
				  name);
	*at = image->next;
	drop(image);
	return GRUB_ERR_NONE;
}

static int disk_iterate(grub_disk_dev_iterate_hook_t hook, void *hook_data,
			grub_disk_pull_t pull)
{
	if (pull != GRUB_DISK_PULL_NONE)
		return 0;
	for (struct image *image = images; image; image = image->next)
		if (hook(image->name, hook_data))
			return 1;
	return 0;
}

static grub_err_t disk_open(const char *name, grub_disk_t disk)
{
	struct image *image = *find(name);

	if (!image)
		return grub_error(GRUB_ERR_UNKNOWN_DEVICE,
				  "no image is attached as %s", name);
	disk->log_sector_size =
		vhd_boot_sector_size(image->leaf->boot) == 4096 ? 12 : 9;
	/* a part of a sector at the end is not shown */
	disk->total_sectors =
		vhd_boot_disk_size(image->leaf->boot) >> disk->log_sector_size;
	disk->max_agglomerate = AGGLOMERATE;
	disk->id = image->id;
	disk->data = image;
	image->users++;
	return GRUB_ERR_NONE;
}

static void disk_close(grub_disk_t disk)
{
	struct image *image = disk->data;

	image->users--;
}

static grub_err_t disk_read(grub_disk_t disk, grub_disk_addr_t sector,
			    grub_size_t size, char *buf)
{
	struct image *image = disk->data;
	int rc = vhd_boot_read(image->leaf->boot,
			       sector << disk->log_sector_size, buf,
			       size << disk->log_sector_size);

	if (!rc)
		return GRUB_ERR_NONE;
	if (grub_errno) /* GRUB itself could not read, and says why */
		return grub_errno;
	return grub_error(GRUB_ERR_READ_ERROR,
			  "%s: byte %llu of the disk cannot be read: %s",
			  vhd_short(image->leaf->path),
			  (unsigned long long)sector << disk->log_sector_size,
			  vhd_strerror(rc));
}

static grub_err_t disk_write(grub_disk_t disk __attribute__((unused)),
			     grub_disk_addr_t sector __attribute__((unused)),
			     grub_size_t size __attribute__((unused)),
			     const char *buf __attribute__((unused)))
{
	return grub_error(GRUB_ERR_NOT_IMPLEMENTED_YET,
			  "images are not written to");
}

static struct grub_disk_dev driver = {
	.name = "vhd",
	.id = DRIVER_ID,
	.disk_iterate = disk_iterate,
	.disk_open = disk_open,
	.disk_close = disk_close,
	.disk_read = disk_read,
	.disk_write = disk_write,
};

void vhd_disk_start(void)
{
	grub_disk_dev_register(&driver);
}

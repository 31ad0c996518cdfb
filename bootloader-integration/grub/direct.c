/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GRUB has no call that says where a block of a file lies. But the drivers set
 * disk->read_hook when they read a file's data, and only then. So one byte of a
 * block is read with a device in between that lets what they read of their own
 * structures through, notes where they look for data, and fails then: nothing
 * was read, and nothing wrong is in the disk cache. If the cache has the data,
 * the hook is called, and tells the same.
 *
 * Blocks are asked for one by one: that two ends of a range lie as far from
 * each other as on the disk says nothing about what is between. Only where the
 * driver has just read a leaf of ext4's extents, with this block in the place
 * where it then looked for it, is that extent taken as a whole: for each block
 * asked for, the driver copies the leaf, which takes as long as the block.
 */
#include "direct.h"

#include <grub/disk.h>
#include <grub/fs.h>
#include <grub/misc.h>
#include <grub/mm.h>
#include <grub/partition.h>

#include "ext4_leaf.h"

/* Less is read through the file system: what the reader reads of an image's
 * metadata, which the cache is good for. */
#define LEAST 16384u
#define PROOF 4096u

/* -- how large its blocks are ------------------------------------------------
 */

static unsigned log2_of(unsigned n)
{
	unsigned shift = 0;

	while (n >> (shift + 1))
		shift++;
	return n == 1u << shift ? shift : 0;
}

static grub_uint8_t byte_at(grub_disk_t disk, grub_off_t offset)
{
	grub_uint8_t byte = 0;

	grub_disk_read(disk, 0, offset, sizeof(byte), &byte);
	return byte;
}

static unsigned ext2_shift(grub_disk_t disk)
{
	return 10u + byte_at(disk, 1024 + 24);
}

static unsigned fat_shift(grub_disk_t disk)
{
	unsigned sector = byte_at(disk, 11) | byte_at(disk, 12) << 8;

	return log2_of(sector * byte_at(disk, 13));
}

static unsigned exfat_shift(grub_disk_t disk)
{
	return byte_at(disk, 108) + byte_at(disk, 109);
}

static unsigned xfs_shift(grub_disk_t disk)
{
	return byte_at(disk, 120);
}

/* In these each block of a file lies in one piece, as it is, on one disk. */
static const struct {
	const char *name;
	unsigned (*shift)(grub_disk_t disk);
} kinds[] = {
	{"ext2", ext2_shift},
	{"fat", fat_shift},
	{"exfat", exfat_shift},
	{"xfs", xfs_shift},
};

void vhd_direct_start(struct vhd_direct *d, grub_file_t file)
{
	grub_disk_t disk = file->device ? file->device->disk : NULL;
	unsigned shift = 0;

	grub_memset(d, 0, sizeof(*d));
	d->file = file;
	if (!disk || !file->fs || disk->log_sector_size > 12)
		return;
	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!grub_strcmp(file->fs->name, kinds[i].name))
			shift = kinds[i].shift(disk);
	grub_errno = GRUB_ERR_NONE;
	if (shift < disk->log_sector_size || shift > 25)
		return;
	d->block_shift = shift;
	d->keeps_trees = !grub_strcmp(file->fs->name, "ext2") && shift <= 16;
}

/* -- where a block is --------------------------------------------------------
 */

struct search {
	grub_disk_dev_t device;
	const struct vhd_direct *for_file;
	grub_uint64_t block;     /* of which this is sought: */
	grub_disk_addr_t sector; /* on the device */
	int is_found;
	/* the extent with this block in the leaf that was read last */
	struct ext4_extent extent;
	int has_extent;
};

/* GRUB has one thread; but the device may be an image, and searched in turn */
static struct search *current;

/* The driver's own device keeps its number for the cache. One that nothing is
 * ever cached for shows each leaf that is read. */
#define UNCACHED_ID ((enum grub_disk_dev_id)0x56484401)

static unsigned sectors_shift(const struct vhd_direct *d)
{
	return d->block_shift - GRUB_DISK_SECTOR_BITS;
}

static grub_err_t look_for_data(struct search *s, grub_disk_t disk,
				grub_disk_addr_t sector, grub_size_t size)
{
	/* more than that of a byte is what the cache would like to have */
	if (size == 1 && !s->is_found) {
		s->sector = sector
			    << (disk->log_sector_size - GRUB_DISK_SECTOR_BITS);
		s->is_found = 1;
	}
	/* without a text, which takes longer than all else here */
	return grub_errno = GRUB_ERR_READ_ERROR;
}

static grub_err_t look(grub_disk_t disk, grub_disk_addr_t sector,
		       grub_size_t size, char *buf)
{
	struct search *s = current;
	const struct vhd_direct *d = s->for_file;
	grub_size_t block = (grub_size_t)1
			    << (d->block_shift - disk->log_sector_size);
	grub_err_t rc;

	if (disk->read_hook)
		return look_for_data(s, disk, sector, size);
	if (!d->keeps_trees)
		return s->device->disk_read(disk, sector, size, buf);
	/* the cache would like more than the block that is looked at */
	if (size > block)
		return grub_errno = GRUB_ERR_READ_ERROR;
	rc = s->device->disk_read(disk, sector, size, buf);
	s->has_extent = !rc && size == block &&
			ext4_leaf_find(buf, (grub_size_t)1 << d->block_shift,
				       s->block, &s->extent);
	return rc;
}

#ifdef VHD_GRUB_HOOK_GETS_DATA
static grub_err_t note(grub_disk_addr_t sector,
		       unsigned offset __attribute__((unused)),
		       unsigned length __attribute__((unused)),
		       char *buf __attribute__((unused)),
		       void *data __attribute__((unused)))
{
	current->sector = sector;
	current->is_found = 1;
	return GRUB_ERR_NONE;
}
#else
static void note(grub_disk_addr_t sector,
		 unsigned offset __attribute__((unused)),
		 unsigned length __attribute__((unused)),
		 void *data __attribute__((unused)))
{
	current->sector = sector;
	current->is_found = 1;
}
#endif

static void ask(const struct vhd_direct *d, grub_uint64_t block,
		struct search *s)
{
	struct search *before = current;
	grub_file_t file = d->file;
	grub_disk_t disk = file->device->disk;
	struct grub_disk_dev between = *disk->dev;
	grub_disk_read_hook_t hook = file->read_hook;
	grub_off_t place = file->offset;
	char byte;

	grub_memset(s, 0, sizeof(*s));
	s->device = disk->dev;
	s->for_file = d;
	s->block = block;
	between.disk_read = look;
	if (d->keeps_trees)
		between.id = UNCACHED_ID;
	current = s;
	disk->dev = &between;
	file->read_hook = note;
	file->offset = block << d->block_shift;
	file->fs->fs_read(file, &byte, 1);
	file->offset = place;
	file->read_hook = hook;
	disk->dev = s->device;
	current = before;
	disk->read_hook = NULL;
	grub_errno = GRUB_ERR_NONE;
}

/* the first sector of the file system on its device */
static grub_disk_addr_t volume_start(grub_disk_t disk)
{
	return disk->partition ? grub_partition_get_start(disk->partition) : 0;
}

/* what was found of the block; and of its extent, if they agree */
static void learn(struct vhd_direct *d, const struct search *s)
{
	const struct ext4_extent *e = &s->extent;
	grub_disk_addr_t start = (e->start << sectors_shift(d)) +
				 volume_start(d->file->device->disk);

	d->block = s->block;
	d->count = 1;
	d->sector = s->is_found ? s->sector : 0;
	if (!s->is_found || !s->has_extent ||
	    s->sector != start + ((s->block - e->first) << sectors_shift(d)))
		return;
	d->block = e->first;
	d->count = e->count;
	d->sector = start;
}

/* its first sector, or 0 */
static grub_disk_addr_t find(struct vhd_direct *d, grub_uint64_t block)
{
	if (block < d->block || block - d->block >= d->count) {
		struct search s;

		ask(d, block, &s);
		learn(d, &s);
	}
	return d->sector ? d->sector + ((block - d->block) << sectors_shift(d))
			 : 0;
}

/* -- reading -----------------------------------------------------------------
 */

grub_size_t vhd_direct_rest(const struct vhd_direct *d, grub_off_t offset,
			    grub_size_t len)
{
	grub_size_t block = (grub_size_t)1 << d->block_shift;
	grub_size_t rest = block - (grub_size_t)(offset & (block - 1));

	return d->block_shift && len >= LEAST && rest < len ? rest : len;
}

/* how much from `offset` on, at least a block's rest, lies behind `sector` */
static grub_size_t run(struct vhd_direct *d, grub_off_t offset, grub_size_t len,
		       grub_disk_addr_t sector)
{
	grub_size_t block = (grub_size_t)1 << d->block_shift;
	grub_size_t n = block - (grub_size_t)(offset & (block - 1));
	grub_uint64_t next = offset >> d->block_shift;

	while (n < len) {
		sector += (grub_disk_addr_t)1 << sectors_shift(d);
		if (find(d, ++next) != sector)
			break;
		n += block;
	}
	return n < len ? n : len;
}

/* what lies at `offset` through the file system is what was read */
static int is_right(struct vhd_direct *d, grub_off_t offset, const void *buf)
{
	char *other = grub_malloc(PROOF);
	int right = other && grub_file_seek(d->file, offset) != -1ULL &&
		    grub_file_read(d->file, other, PROOF) == PROOF &&
		    grub_memcmp(other, buf, PROOF) == 0;

	grub_free(other);
	grub_errno = GRUB_ERR_NONE;
	return right;
}

static int read_run(struct vhd_direct *d, grub_disk_addr_t sector, void *buf,
		    grub_size_t len)
{
	grub_disk_t disk = d->file->device->disk;
	unsigned shift = disk->log_sector_size;

	if (disk->dev->disk_read(disk,
				 sector >> (shift - GRUB_DISK_SECTOR_BITS),
				 len >> shift, buf) == GRUB_ERR_NONE)
		return 1;
	/* the file system will say so */
	grub_errno = GRUB_ERR_NONE;
	return 0;
}

grub_size_t vhd_direct_read(struct vhd_direct *d, grub_off_t offset, void *buf,
			    grub_size_t len)
{
	grub_disk_t disk = d->file->device ? d->file->device->disk : NULL;
	grub_off_t mask = ((grub_off_t)1 << d->block_shift) - 1;
	grub_disk_addr_t sector;
	grub_size_t n, unit, most;

	if (!d->block_shift || len < LEAST)
		return 0;
	unit = (grub_size_t)1 << disk->log_sector_size;
	sector = offset & (unit - 1) ? 0 : find(d, offset >> d->block_shift);
	if (!sector)
		return 0;
	most = (grub_size_t)disk->max_agglomerate
	       << (GRUB_DISK_CACHE_BITS + GRUB_DISK_SECTOR_BITS);
	n = run(d, offset, len < most ? len : most, sector) & ~(unit - 1);
	sector += (offset & mask) >> GRUB_DISK_SECTOR_BITS;
	if (n < PROOF || !read_run(d, sector, buf, n))
		return 0;
	if (!d->is_proven) {
		d->is_proven = is_right(d, offset, buf);
		/* `set debug=vhd` shows it */
		grub_dprintf("vhd", "%s is read %s\n", d->file->fs->name,
			     d->is_proven ? "past" : "through, for it differs");
	}
	if (d->is_proven)
		return n;
	d->block_shift = 0;
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext2, ext3 and ext4 through libext2fs, which reads the volume by an
 * io_manager of ours.
 *
 * A file system is believed if it was closed cleanly, if all its features are
 * known (also those that only forbid writing: to overwrite what is unused is a
 * kind of writing), if its descriptors make sense and if the free blocks of
 * each group in the bitmap are as many as the group's descriptor says. The last
 * is what Linux asks of a group before it allocates there; it finds bitmaps
 * that are damaged in file systems without checksums.
 */
#include <errno.h>
#include <ext2fs/ext2fs.h>
#include <limits.h>
#include <string.h>

#include "volume.h"

/* -- the io_manager ---------------------------------------------------------
 * libext2fs opens by name; ours is the volume that ext_read() is at.
 */

static const struct area *open_area;
static struct struct_io_manager area_manager;

static errcode_t io_open(const char *name, int flags, io_channel *out)
{
	io_channel channel;
	errcode_t rc;

	if (flags & IO_FLAG_RW)
		return EROFS;
	rc = ext2fs_get_memzero(sizeof(*channel), &channel);
	if (rc)
		return rc;
	rc = ext2fs_get_mem(strlen(name) + 1, &channel->name);
	if (rc) {
		ext2fs_free_mem(&channel);
		return rc;
	}
	memcpy(channel->name, name, strlen(name) + 1);
	channel->magic = EXT2_ET_MAGIC_IO_CHANNEL;
	channel->manager = &area_manager;
	channel->block_size = 1024;
	channel->refcount = 1;
	*out = channel;
	return 0;
}

static errcode_t io_close(io_channel channel)
{
	if (--channel->refcount > 0)
		return 0;
	ext2fs_free_mem(&channel->name);
	ext2fs_free_mem(&channel);
	return 0;
}

static errcode_t io_set_block_size(io_channel channel, int block_size)
{
	channel->block_size = block_size;
	return 0;
}

/* A negative count is one of bytes. */
static errcode_t io_read64(io_channel channel, unsigned long long block,
			   int count, void *data)
{
	uint64_t size = (uint64_t)channel->block_size;
	uint64_t len = count < 0 ? (uint64_t) - (int64_t)count
				 : (uint64_t)count * size;

	if (block > UINT64_MAX / size ||
	    area_read(open_area, block * size, data, len))
		return EXT2_ET_SHORT_READ;
	return 0;
}

static errcode_t io_read(io_channel channel, unsigned long block, int count,
			 void *data)
{
	return io_read64(channel, block, count, data);
}

static errcode_t io_write64(io_channel channel, unsigned long long block,
			    int count, const void *data)
{
	(void)channel, (void)block, (void)count, (void)data;
	return EROFS;
}

static errcode_t io_write(io_channel channel, unsigned long block, int count,
			  const void *data)
{
	return io_write64(channel, block, count, data);
}

static errcode_t io_flush(io_channel channel)
{
	(void)channel;
	return 0;
}

static struct struct_io_manager area_manager = {
	.magic = EXT2_ET_MAGIC_IO_MANAGER,
	.name = "disk image",
	.open = io_open,
	.close = io_close,
	.set_blksize = io_set_block_size,
	.read_blk = io_read,
	.write_blk = io_write,
	.flush = io_flush,
	.read_blk64 = io_read64,
	.write_blk64 = io_write64,
};

/* -- what may be believed -------------------------------------------------- */

/* Multiple mount protection: another host may have it mounted. */
static bool is_mounted_elsewhere(ext2_filsys fs)
{
	struct mmp_struct *mmp;
	bool clean = false;
	void *block;

	if (!ext2fs_has_feature_mmp(fs->super))
		return false;
	if (ext2fs_get_mem(fs->blocksize, &block))
		return true;
	mmp = block;
	if (!io_channel_read_blk64(fs->io, fs->super->s_mmp_block, 1, block))
		clean = ext2fs_le32_to_cpu(mmp->mmp_magic) == EXT4_MMP_MAGIC &&
			ext2fs_le32_to_cpu(mmp->mmp_seq) == EXT4_MMP_SEQ_CLEAN;
	ext2fs_free_mem(&block);
	return !clean;
}

static bool is_dirty(ext2_filsys fs)
{
	const struct ext2_super_block *super = fs->super;

	return super->s_state != EXT2_VALID_FS ||
	       ext2fs_has_feature_journal_needs_recovery(fs->super) ||
	       ext2fs_has_feature_orphan_present(fs->super) ||
	       is_mounted_elsewhere(fs);
}

static bool has_good_descriptors(ext2_filsys fs)
{
	if (ext2fs_check_desc(fs))
		return false;
	for (dgrp_t i = 0; i < fs->group_desc_count; i++) {
		if (ext2fs_has_group_desc_csum(fs) &&
		    !ext2fs_group_desc_csum_verify(fs, i))
			return false;
	}
	return true;
}

static enum fsmap_state judge(ext2_filsys fs, const struct volume *volume)
{
	const uint32_t known = EXT2_LIB_FEATURE_RO_COMPAT_SUPP;

	if (ext2fs_blocks_count(fs->super) >
	    volume->area.length / fs->blocksize)
		return FSMAP_TRUNCATED;
	if (fs->super->s_feature_ro_compat & ~known)
		return FSMAP_UNKNOWN;
	if (is_dirty(fs))
		return FSMAP_DIRTY;
	return has_good_descriptors(fs) ? FSMAP_CLEAN : FSMAP_DAMAGED;
}

/* -- free blocks ----------------------------------------------------------- */

/* The first run of free blocks in [*start, last]; *end is behind it. */
static errcode_t next_free(ext2_filsys fs, blk64_t last, blk64_t *start,
			   blk64_t *end)
{
	errcode_t rc = ext2fs_find_first_zero_block_bitmap2(
		fs->block_map, *start, last, start);

	if (rc)
		return rc;
	rc = ext2fs_find_first_set_block_bitmap2(fs->block_map, *start, last,
						 end);
	if (rc != ENOENT)
		return rc;
	*end = last + 1;
	return 0;
}

static int add_group(ext2_filsys fs, dgrp_t group, struct runs *out)
{
	blk64_t start = ext2fs_group_first_block2(fs, group);
	blk64_t last = ext2fs_group_last_block2(fs, group);
	blk64_t end, count = 0;

	for (; start <= last; start = end) {
		errcode_t rc = next_free(fs, last, &start, &end);

		if (rc == ENOENT)
			break;
		if (rc || runs_add(out, start * fs->blocksize,
				   (end - start) * fs->blocksize))
			return -1;
		count += end - start;
	}
	/* descriptors count clusters, which are blocks where there are none */
	count = (count + (blk64_t)EXT2FS_CLUSTER_RATIO(fs) - 1) >>
		fs->cluster_ratio_bits;
	return count == ext2fs_bg_free_blocks_count(fs, group) ? 0 : -1;
}

static enum fsmap_state add_all(ext2_filsys fs, struct runs *out)
{
	if (ext2fs_read_block_bitmap(fs))
		return FSMAP_DAMAGED;
	for (dgrp_t i = 0; i < fs->group_desc_count; i++) {
		if (add_group(fs, i, out))
			return FSMAP_DAMAGED;
	}
	return FSMAP_CLEAN;
}

void ext_read(struct volume *volume)
{
	ext2_filsys fs;
	errcode_t rc;

	open_area = &volume->area;
	rc = ext2fs_open2("volume", NULL, EXT2_FLAG_64BITS, 0, 0, &area_manager,
			  &fs);
	if (rc) {
		bool unknown = rc == EXT2_ET_UNSUPP_FEATURE ||
			       rc == EXT2_ET_RO_UNSUPP_FEATURE;

		volume->state = unknown ? FSMAP_UNKNOWN : FSMAP_DAMAGED;
		return;
	}
	volume->state = judge(fs, volume);
	if (volume->state != FSMAP_TRUNCATED)
		volume->size = ext2fs_blocks_count(fs->super) * fs->blocksize;
	if (volume->state == FSMAP_CLEAN)
		volume->state = add_all(fs, &volume->unused);
	ext2fs_free(fs);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The entries of a directory, one by one. */
#include "core/checked.h"
#include "parts.h"

static void at_cluster(struct hostfs *fs, struct hostfs_dir *dir)
{
	dir->offset = hostfs_cluster_offset(fs, dir->walk.cluster);
	dir->end = dir->offset + ((uint64_t)1 << fs->cluster_shift);
}

void hostfs_dir_start(struct hostfs *fs, const struct hostfs_node *node,
		      struct hostfs_dir *dir)
{
	hostfs_walk_start(&dir->walk, node);
	dir->left = node->size;
	if (node->cluster) {
		at_cluster(fs, dir);
		return;
	}
	dir->offset = fs->root_offset;
	dir->end = fs->root_offset + fs->root_bytes;
}

int hostfs_dir_next(struct hostfs *fs, struct hostfs_dir *dir,
		    const uint8_t **entry)
{
	int rc;

	if (dir->left < HOSTFS_ENTRY)
		return 0;
	if (dir->offset == dir->end) {
		if (!dir->walk.cluster)
			return 0;
		rc = hostfs_walk_next(fs, &dir->walk);
		if (rc || !dir->walk.cluster)
			return rc;
		at_cluster(fs, dir);
	}
	rc = hostfs_view(fs, dir->offset, HOSTFS_ENTRY, entry);
	dir->offset += HOSTFS_ENTRY;
	dir->left -= HOSTFS_ENTRY;
	return rc ? rc : 1;
}

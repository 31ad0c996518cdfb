/* SPDX-License-Identifier: BSD-2-Clause */
/* Clusters: their places, and what the file allocation table says of them. */
#include "core/bytes.h"
#include "parts.h"

#define FIRST 2u

bool hostfs_is_cluster(const struct hostfs *fs, uint32_t cluster)
{
	return cluster >= FIRST && cluster - FIRST < fs->clusters;
}

uint64_t hostfs_cluster_offset(const struct hostfs *fs, uint32_t cluster)
{
	return fs->heap_offset +
	       ((uint64_t)(cluster - FIRST) << fs->cluster_shift);
}

/* 12 bits each: two entries share three bytes */
static int entry12(struct hostfs *fs, uint32_t cluster, uint32_t *out)
{
	le16 raw;
	int rc = hostfs_bytes(fs, fs->fat_offset + cluster + cluster / 2, &raw,
			      sizeof(raw));

	if (!rc)
		*out = cluster & 1 ? le16_get(raw) >> 4u
				   : le16_get(raw) & 0xfffu;
	return rc;
}

static int entry16(struct hostfs *fs, uint32_t cluster, uint32_t *out)
{
	le16 raw;
	int rc = hostfs_bytes(fs, fs->fat_offset + (uint64_t)cluster * 2, &raw,
			      sizeof(raw));

	if (!rc)
		*out = le16_get(raw);
	return rc;
}

static int entry32(struct hostfs *fs, uint32_t cluster, uint32_t *out)
{
	le32 raw;
	int rc = hostfs_bytes(fs, fs->fat_offset + (uint64_t)cluster * 4, &raw,
			      sizeof(raw));

	/* the upper four bits of FAT32 are not a part of the number */
	if (!rc)
		*out = le32_get(raw) &
		       (fs->kind == HOSTFS_FAT32 ? 0x0fffffffu : UINT32_MAX);
	return rc;
}

/* the lowest number that ends a chain */
static uint32_t end_mark(enum hostfs_kind kind)
{
	switch (kind) {
	case HOSTFS_FAT12:
		return 0xff8;
	case HOSTFS_FAT16:
		return 0xfff8;
	case HOSTFS_FAT32:
		return 0x0ffffff8;
	default:
		return UINT32_MAX;
	}
}

/* what follows `cluster`: a cluster, or 0 */
static int follow(struct hostfs *fs, uint32_t cluster, uint32_t *next)
{
	uint32_t value = 0;
	int rc;

	if (fs->kind == HOSTFS_FAT12)
		rc = entry12(fs, cluster, &value);
	else if (fs->kind == HOSTFS_FAT16)
		rc = entry16(fs, cluster, &value);
	else
		rc = entry32(fs, cluster, &value);
	if (rc)
		return rc;
	if (hostfs_is_cluster(fs, value))
		*next = value;
	else if (value >= end_mark(fs->kind))
		*next = 0;
	else
		return VHD_E_CORRUPT; /* free, bad, or not on the volume */
	return 0;
}

void hostfs_walk_start(struct hostfs_walk *walk, const struct hostfs_node *node)
{
	*walk = (struct hostfs_walk){
		.cluster = node->cluster,
		.mark = node->cluster,
		.contiguous = node->contiguous,
		.power = 1,
	};
}

static int beside(struct hostfs *fs, struct hostfs_walk *walk)
{
	uint32_t next = walk->cluster + 1;

	walk->cluster = hostfs_is_cluster(fs, next) ? next : 0;
	return 0;
}

int hostfs_walk_next(struct hostfs *fs, struct hostfs_walk *walk)
{
	uint32_t next;
	int rc;

	if (walk->contiguous)
		return beside(fs, walk);
	rc = follow(fs, walk->cluster, &next);
	if (rc)
		return rc;
	if (next && next == walk->mark)
		return VHD_E_CORRUPT; /* a loop */
	if (++walk->steps == walk->power) {
		walk->steps = 0;
		walk->power *= 2;
		walk->mark = next;
	}
	walk->cluster = next;
	return 0;
}

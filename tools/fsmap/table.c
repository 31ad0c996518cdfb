/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Logical partitions hang on a chain of sectors that may lie anywhere, and
 * tables may lie in partitions: a table leads to more bytes that libblkid has
 * to see, until there is nothing new.
 */
#include "table.h"

#include <blkid/blkid.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "window.h"

/* What is copied of each partition: tables inside begin there. */
#define TABLE_BYTES ((uint64_t)64 << 10)

/* Tables inside partitions may hold partitions with tables; not endlessly. */
#define ROUNDS_MAX 8

/* Logical partitions followed; libblkid ends much earlier. */
#define CHAIN_MAX FSMAP_FS_MAX

/* The end of a disk, which backup tables and RAID descriptions use. */
#define DISK_TAIL ((uint64_t)1 << 20)

/* -- the chain of logical partitions --------------------------------------- */

enum { MBR_ENTRIES = 446, MBR_ENTRY_SIZE = 16, MBR_TYPE = 4, MBR_LBA = 8 };

static uint64_t get_le32(const unsigned char *p)
{
	return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 |
	       (uint64_t)p[3] << 24;
}

/* The first sector of an extended partition that an entry names, or 0. */
static uint64_t extended_lba(const unsigned char *sector)
{
	for (int i = 0; i < 4; i++) {
		const unsigned char *entry =
			sector + MBR_ENTRIES + i * MBR_ENTRY_SIZE;
		unsigned type = entry[MBR_TYPE];

		if (type == 0x05 || type == 0x0f || type == 0x85)
			return get_le32(entry + MBR_LBA);
	}
	return 0;
}

/* Copies the sectors of the chain of a disk that has an MBR. */
static int add_chain(const struct area *disk)
{
	const uint64_t size = vhd_disk_sector_size(disk->disk);
	unsigned char sector[512];
	uint64_t base, next = 0;

	if (disk->length < sizeof(sector) ||
	    area_read(disk, 0, sector, sizeof(sector)))
		return -1;
	base = extended_lba(sector);
	if (!base)
		return 0;
	for (int i = 0; i < CHAIN_MAX; i++) {
		uint64_t offset = (base + next) * size;

		if (area_read(disk, offset, sector, sizeof(sector)))
			return 0; /* outside: libblkid sees zeros */
		if (window_add(disk, offset, size))
			return -1;
		next = extended_lba(sector);
		if (!next)
			return 0;
	}
	return 0;
}

/* -- libblkid's list ------------------------------------------------------- */

static blkid_partlist list_partitions(blkid_probe probe,
				      const struct area *disk)
{
	if (blkid_probe_set_device(probe, window_fd(), 0, 0) ||
	    blkid_probe_set_sectorsize(probe, vhd_disk_sector_size(disk->disk)))
		return NULL;
	blkid_probe_enable_superblocks(probe, 0);
	blkid_probe_enable_partitions(probe, 1);
	return blkid_probe_get_partitions(probe);
}

static int add_heads(const struct area *disk, blkid_partlist list)
{
	int count = blkid_partlist_numof_partitions(list);

	for (int i = 0; i < count; i++) {
		blkid_partition p = blkid_partlist_get_partition(list, i);
		blkid_loff_t start = blkid_partition_get_start(p);

		/* in sectors of 512 bytes, whatever the disk's are */
		if (start < 0 || (uint64_t)start > disk->length / 512)
			continue;
		if (window_add(disk, (uint64_t)start * 512, TABLE_BYTES))
			return -1;
	}
	return 0;
}

/* In 512-byte sectors; the part of it that is in the disk. */
static void set_place(struct volume *volume, const struct area *disk,
		      blkid_partition p)
{
	uint64_t sectors = disk->length / 512;
	uint64_t start = (uint64_t)blkid_partition_get_start(p);
	uint64_t count = (uint64_t)blkid_partition_get_size(p);

	if (start > sectors || count > sectors - start)
		volume->state = FSMAP_TRUNCATED;
	if (start > sectors)
		start = sectors;
	if (count > sectors - start)
		count = sectors - start;
	volume->area = (struct area){
		.disk = disk->disk,
		.start = start * 512,
		.length = count * 512,
	};
}

static void set_volume(struct volume *volume, const struct area *disk,
		       blkid_partition p)
{
	const char *name = blkid_partition_get_name(p);

	volume->number = (unsigned)blkid_partition_get_partno(p);
	volume->state = FSMAP_UNKNOWN;
	set_place(volume, disk, p);
	/* the logical partitions inside it are volumes of their own */
	if (blkid_partition_is_extended(p))
		volume->state = FSMAP_CONTAINER;
	snprintf(volume->name, sizeof(volume->name), "%s", name ? name : "");
}

static int compare_start(const void *a, const void *b)
{
	const struct volume *va = a, *vb = b;

	if (va->area.start != vb->area.start)
		return va->area.start < vb->area.start ? -1 : 1;
	/* a container before what it holds */
	return (vb->state == FSMAP_CONTAINER) - (va->state == FSMAP_CONTAINER);
}

/* They are sorted: each overlaps one before it if it begins before its end. */
static void mark_overlaps(struct table *table)
{
	struct volume *longest = NULL;

	for (size_t i = 0; i < table->count; i++) {
		struct volume *v = &table->volumes[i];

		if (v->state == FSMAP_CONTAINER)
			continue;
		if (longest && v->area.start < longest->area.start +
						       longest->area.length) {
			v->state = FSMAP_OVERLAP;
			longest->state = FSMAP_OVERLAP;
		}
		if (!longest ||
		    v->area.start + v->area.length >
			    longest->area.start + longest->area.length)
			longest = v;
	}
}

static const char *take_list(const struct area *disk, blkid_partlist list,
			     struct table *out)
{
	int count = blkid_partlist_numof_partitions(list);
	blkid_parttable root = blkid_partlist_get_table(list);
	const char *type = root ? blkid_parttable_get_type(root) : NULL;

	snprintf(out->type, sizeof(out->type), "%s", type ? type : "none");
	if (count > FSMAP_FS_MAX)
		return "too many partitions";
	if (count <= 0)
		return NULL;
	out->volumes = calloc((size_t)count, sizeof(out->volumes[0]));
	if (!out->volumes)
		return "out of memory";
	out->count = (size_t)count;
	for (int i = 0; i < count; i++)
		set_volume(&out->volumes[i], disk,
			   blkid_partlist_get_partition(list, i));
	qsort(out->volumes, out->count, sizeof(out->volumes[0]), compare_start);
	mark_overlaps(out);
	return NULL;
}

/* *count: partitions seen before, and now; out once they are as many. */
static const char *read_round(const struct area *disk, int *count,
			      struct table *out)
{
	blkid_probe probe = blkid_new_probe();
	const char *wrong = NULL;
	blkid_partlist list;
	int before = *count;

	if (!probe)
		return "out of memory";
	list = list_partitions(probe, disk);
	*count = list ? blkid_partlist_numof_partitions(list) : 0;
	if (!list)
		snprintf(out->type, sizeof(out->type), "none");
	else if (*count == before)
		wrong = take_list(disk, list, out);
	else if (add_heads(disk, list))
		wrong = "the disk cannot be read";
	blkid_free_probe(probe);
	return wrong;
}

const char *table_read(const struct area *disk, struct table *out)
{
	int count = -1, before = 0;

	if (add_chain(disk))
		return "the disk cannot be read";
	for (int i = 0; i < ROUNDS_MAX && count != before; i++) {
		const char *wrong;

		before = count;
		wrong = read_round(disk, &count, out);
		if (wrong)
			return wrong;
	}
	return count == before ? NULL : "partition tables in one another";
}

void table_free(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		runs_clear(&table->volumes[i].unused);
	free(table->volumes);
	*table = (struct table){0};
}

/* -- gaps ------------------------------------------------------------------ */

int table_gaps(const struct table *table, const struct area *disk,
	       struct runs *out)
{
	uint64_t end = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct area *area = &table->volumes[i].area;

		if (i > 0 && area->start > end &&
		    runs_add(out, end, area->start - end))
			return -1;
		if (area->start + area->length > end)
			end = area->start + area->length;
	}
	if (table->count > 0 && disk->length > DISK_TAIL &&
	    disk->length - DISK_TAIL > end)
		return runs_add(out, end, disk->length - DISK_TAIL - end);
	return 0;
}

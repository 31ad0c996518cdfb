/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootinside.h"

#include <stdlib.h>
#include <string.h>

#include <hostfs.h>

#include "memory.h"

#define GPT_ENTRY       128u
#define GPT_ENTRIES_MAX 128u
#define MBR_ENTRIES     446u

struct part {
	struct vhd_disk *disk;
	uint64_t start, length; /* bytes */
};

static uint64_t little(const uint8_t *bytes, unsigned count)
{
	uint64_t value = 0;

	while (count-- > 0)
		value = value << 8 | bytes[count];
	return value;
}

static int read_part(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct part *part = ctx;

	return vhd_disk_read(part->disk, part->start + offset, buf, len, NULL);
}

static bool volume_has(struct part *part, const char *path)
{
	struct vhd_source source = {part, read_part, part->length};
	struct hostfs *fs = tool_zalloc(sizeof(*fs));
	struct hostfs_extent extent;
	struct hostfs_file file = {.extents = &extent, .room = 1};
	struct vhd_diag diag = {0};
	int rc = hostfs_open(fs, &source, &diag);

	if (!rc)
		rc = hostfs_find(fs, path, &file, &diag);
	free(fs);
	/* it is there, in more pieces than there is room for */
	return rc == 0 || rc == VHD_E_LIMIT;
}

/* `first` and `count` in sectors, as a table says */
static bool part_has(struct vhd_disk *disk, uint64_t first, uint64_t count,
		     const char *path)
{
	uint32_t sector = vhd_disk_sector_size(disk);
	uint64_t sectors = vhd_disk_size(disk) / sector;
	struct part part = {disk, first * sector, count * sector};

	if (count == 0 || first >= sectors || count > sectors - first)
		return false;
	return volume_has(&part, path);
}

static bool gpt_has(struct vhd_disk *disk, const char *path)
{
	uint32_t sector = vhd_disk_sector_size(disk);
	uint64_t table, count;
	uint8_t header[92], entry[GPT_ENTRY];

	if (vhd_disk_read(disk, sector, header, sizeof(header), NULL) ||
	    memcmp(header, "EFI PART", 8) != 0 ||
	    little(header + 84, 4) != GPT_ENTRY)
		return false;
	table = little(header + 72, 8);
	count = little(header + 80, 4);
	if (table > vhd_disk_size(disk) / sector)
		return false;
	for (uint64_t i = 0; i < count && i < GPT_ENTRIES_MAX; i++) {
		uint64_t first, last;

		if (vhd_disk_read(disk, table * sector + i * GPT_ENTRY, entry,
				  sizeof(entry), NULL))
			return false;
		first = little(entry + 32, 8);
		last = little(entry + 40, 8);
		if (first && last >= first &&
		    part_has(disk, first, last - first + 1, path))
			return true;
	}
	return false;
}

static bool mbr_has(struct vhd_disk *disk, const char *path)
{
	uint8_t sector[512];

	if (vhd_disk_read(disk, 0, sector, sizeof(sector), NULL) ||
	    sector[510] != 0x55 || sector[511] != 0xaa)
		return false;
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *entry = sector + MBR_ENTRIES + i * 16;

		if (part_has(disk, little(entry + 8, 4), little(entry + 12, 4),
			     path))
			return true;
	}
	return false;
}

bool boot_inside_has(struct vhd_disk *disk, const char *path)
{
	struct part whole = {disk, 0, vhd_disk_size(disk)};

	return gpt_has(disk, path) || mbr_has(disk, path) ||
	       volume_has(&whole, path);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UEFI 2.10, 5.3. The header is in sector 1, its entries where it says (sector
 * 2, by custom); the backup's header is in the last sector, its entries in
 * front of it. All numbers are little-endian, places in logical sectors.
 */
#include "gpt.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef VHD_HAVE_ZLIB
#	include <zlib.h>
#endif

#include "memory.h"

#define HEADER_SIZE 92u /* the part that is known; a header may be longer */
/* fields of the header */
#define AT_SIZE      12u
#define AT_CRC       16u
#define AT_SELF      24u
#define AT_OTHER     32u
#define AT_FIRST     40u
#define AT_LAST      48u
#define AT_DISK_GUID 56u
#define AT_ENTRIES   72u
#define AT_COUNT     80u
#define AT_ENTRY     84u
#define AT_CRC_ALL   88u
/* what a table may have: entries of 128 bytes are all there are */
#define ENTRIES_MAX ((uint64_t)1 << 20)

struct gpt {
	uint32_t sector;
	uint8_t *header;  /* one sector */
	uint8_t *entries; /* whole sectors */
	uint64_t entries_bytes;
};

static uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static void put(uint8_t *p, unsigned bytes, uint64_t v)
{
	for (unsigned i = 0; i < bytes; i++, v >>= 8)
		p[i] = (uint8_t)v;
}

#ifdef VHD_HAVE_ZLIB
static uint32_t checksum(const uint8_t *bytes, uint64_t length)
{
	return (uint32_t)crc32(0, bytes, (uInt)length);
}
static const bool has_checksum = true;
#else
static uint32_t checksum(const uint8_t *bytes, uint64_t length)
{
	(void)bytes;
	(void)length;
	return 0;
}
static const bool has_checksum = false;
#endif

static uint32_t header_checksum(uint8_t *header)
{
	uint64_t stored = get(header + AT_CRC, 4);
	uint32_t crc;

	put(header + AT_CRC, 4, 0);
	crc = checksum(header, get(header + AT_SIZE, 4));
	put(header + AT_CRC, 4, stored);
	return crc;
}

/* a header that says it is in sector `self` */
static bool is_header(uint8_t *header, uint32_t sector, uint64_t self)
{
	uint64_t size = get(header + AT_SIZE, 4);

	return has_checksum && !memcmp(header, "EFI PART", 8) &&
	       size >= HEADER_SIZE && size <= sector &&
	       get(header + AT_CRC, 4) == header_checksum(header) &&
	       get(header + AT_SELF, 8) == self;
}

static uint64_t entry_count(const struct gpt *g)
{
	return get(g->header + AT_COUNT, 4);
}

static uint64_t entry_size(const struct gpt *g)
{
	return get(g->header + AT_ENTRY, 4);
}

/* entries as the header describes them, if they can be true */
static int read_entries(struct gpt *g, struct vhd_disk *disk, bool *valid,
			struct vhd_diag *diag)
{
	uint64_t at = get(g->header + AT_ENTRIES, 8), size = entry_size(g);
	uint64_t bytes = entry_count(g) * size, sectors;
	int rc;

	*valid = false;
	sectors = vhd_disk_size(disk) / g->sector;
	if (size < 128 || size % 128 || !bytes || bytes > ENTRIES_MAX)
		return 0;
	g->entries_bytes = (bytes + g->sector - 1) / g->sector * g->sector;
	if (at < 2 || at >= sectors ||
	    g->entries_bytes / g->sector > sectors - at)
		return 0;
	g->entries = tool_resize(NULL, g->entries_bytes);
	rc = vhd_disk_read(disk, at * g->sector, g->entries, g->entries_bytes,
			   diag);
	*valid = !rc &&
		 checksum(g->entries, bytes) == get(g->header + AT_CRC_ALL, 4);
	return rc;
}

int gpt_read(struct vhd_disk *disk, struct gpt **out, struct vhd_diag *diag)
{
	struct gpt *g = tool_zalloc(sizeof(*g));
	bool valid = false;
	int rc = 0;

	*g = (struct gpt){.sector = vhd_disk_sector_size(disk)};
	g->header = tool_zalloc(g->sector);
	*out = NULL;
	if (vhd_disk_size(disk) >= 4 * (uint64_t)g->sector)
		rc = vhd_disk_read(disk, g->sector, g->header, g->sector, diag);
	if (!rc && is_header(g->header, g->sector, 1))
		rc = read_entries(g, disk, &valid, diag);
	if (valid)
		*out = g;
	else
		gpt_free(g);
	return rc;
}

void gpt_free(struct gpt *gpt)
{
	if (!gpt)
		return;
	free(gpt->header);
	free(gpt->entries);
	free(gpt);
}

static uint64_t backup_bytes(const struct gpt *g)
{
	return g->entries_bytes + g->sector;
}

int gpt_backup_start(const struct gpt *g, struct vhd_disk *disk,
		     uint64_t *start)
{
	uint64_t size = vhd_disk_size(disk);
	uint64_t last = size / g->sector - 1;
	uint8_t *header = tool_resize(NULL, g->sector);
	int rc = vhd_disk_read(disk, last * g->sector, header, g->sector, NULL);

	*start = size;
	if (!rc && is_header(header, g->sector, last) &&
	    !memcmp(header + AT_DISK_GUID, g->header + AT_DISK_GUID, 16) &&
	    size > backup_bytes(g))
		*start = size - backup_bytes(g);
	free(header);
	return rc;
}

bool gpt_fits(const struct gpt *g, uint64_t size)
{
	return get(g->header + AT_OTHER, 8) == size / g->sector - 1;
}

/* -- partitions --------------------------------------------------------------
 */

/* the entry's last sector; false if it is not used */
static bool is_used(const struct gpt *g, uint64_t index, uint64_t *last)
{
	static const uint8_t none[16];
	const uint8_t *entry = g->entries + index * entry_size(g);

	*last = get(entry + 40, 8);
	return memcmp(entry, none, sizeof(none)) != 0;
}

uint64_t gpt_least(const struct gpt *g)
{
	uint64_t end = get(g->header + AT_FIRST, 8), last;

	for (uint64_t i = 0; i < entry_count(g); i++)
		if (is_used(g, i, &last) && last >= end && last < UINT64_MAX)
			end = last + 1;
	if (end > UINT64_MAX / g->sector - g->entries_bytes - 1)
		return UINT64_MAX;
	return end * g->sector + backup_bytes(g);
}

/* 36 units of UTF-16; what is no character becomes '?' */
static char *name_of(const uint8_t *units)
{
	char *text = tool_resize(NULL, 36 * 3 + 1), *p = text;

	for (unsigned i = 0; i < 36; i++) {
		unsigned c = (unsigned)get(units + 2 * (size_t)i, 2);

		if (!c)
			break;
		if (c >= 0xD800 && c < 0xE000)
			c = '?';
		if (c < 0x80) {
			*p++ = (char)c;
		} else if (c < 0x800) {
			*p++ = (char)(0xC0 | c >> 6);
			*p++ = (char)(0x80 | (c & 0x3F));
		} else {
			*p++ = (char)(0xE0 | c >> 12);
			*p++ = (char)(0x80 | (c >> 6 & 0x3F));
			*p++ = (char)(0x80 | (c & 0x3F));
		}
	}
	*p = '\0';
	return text;
}

unsigned gpt_beyond(const struct gpt *g, uint64_t size, char **name)
{
	uint64_t last;

	for (uint64_t i = 0; i < entry_count(g); i++) {
		if (!is_used(g, i, &last) || last < size / g->sector)
			continue;
		*name = name_of(g->entries + i * entry_size(g) + 56);
		return (unsigned)i + 1;
	}
	return 0;
}

/* -- moving ------------------------------------------------------------------
 */

static void seal(uint8_t *header)
{
	put(header + AT_CRC, 4, header_checksum(header));
}

static int write_durably(struct vhd_disk *disk, uint64_t at, const void *bytes,
			 uint64_t length, struct vhd_diag *diag)
{
	int rc = vhd_disk_write(disk, at, bytes, length, diag);

	return rc ? rc : vhd_disk_flush(disk, diag);
}

static int write_backup(const struct gpt *g, struct vhd_disk *disk,
			uint64_t last, struct vhd_diag *diag)
{
	uint64_t entries = last - g->entries_bytes / g->sector;
	uint8_t *header = tool_resize(NULL, g->sector);
	int rc;

	memcpy(header, g->header, g->sector);
	put(header + AT_SELF, 8, last);
	put(header + AT_OTHER, 8, 1);
	put(header + AT_ENTRIES, 8, entries);
	seal(header);
	rc = vhd_disk_write(disk, entries * g->sector, g->entries,
			    g->entries_bytes, diag);
	if (!rc)
		rc = write_durably(disk, last * g->sector, header, g->sector,
				   diag);
	free(header);
	return rc;
}

/* an older backup that the primary named, so that nobody takes it for data */
static int erase_backup(const struct gpt *g, struct vhd_disk *disk,
			uint64_t last, uint64_t keep, struct vhd_diag *diag)
{
	uint64_t start = last * g->sector - g->entries_bytes;
	uint8_t *header;
	int rc;

	/* the two overlap, or there is no room for one */
	if (last < g->entries_bytes / g->sector + 2 ||
	    last >= vhd_disk_size(disk) / g->sector ||
	    (last <= keep ? keep - last : last - keep) * g->sector <
		    backup_bytes(g))
		return 0;
	header = tool_zalloc(g->sector);
	rc = vhd_disk_read(disk, last * g->sector, header, g->sector, diag);
	if (!rc && is_header(header, g->sector, last))
		rc = vhd_disk_zero(disk, start, backup_bytes(g), diag);
	free(header);
	return rc;
}

int gpt_move(struct gpt *g, struct vhd_disk *disk, uint64_t size,
	     struct vhd_diag *diag)
{
	uint64_t last = size / g->sector - 1,
		 old = get(g->header + AT_OTHER, 8);
	int rc;

	put(g->header + AT_OTHER, 8, last);
	put(g->header + AT_LAST, 8, last - g->entries_bytes / g->sector - 1);
	rc = write_backup(g, disk, last, diag);
	seal(g->header);
	if (!rc)
		rc = write_durably(disk, g->sector, g->header, g->sector, diag);
	return rc ? rc : erase_backup(g, disk, old, last, diag);
}

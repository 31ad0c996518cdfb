/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Region tables. The Required bit is not demanded of the two known regions:
 * QEMU has always written 0 there and Windows takes such files.
 */
#include "vhdx_region.h"

#include "checked.h"
#include "crc32c.h"
#include "diag.h"
#include "guid.h"
#include "mem.h"

#define PAGE 4096u

static const char structure[] = "VHDX region table";

const struct vhd_guid vhdx_region_bat = {{0x66, 0x77, 0xC2, 0x2D, 0x23, 0xF6,
					  0x00, 0x42, 0x9D, 0x64, 0x11, 0x5E,
					  0x9B, 0xFD, 0x4A, 0x08}};
const struct vhd_guid vhdx_region_metadata = {
	{0x06, 0xA2, 0x7C, 0x8B, 0x90, 0x47, 0x9A, 0x4B, 0xB8, 0xFE, 0x57, 0x5F,
	 0x05, 0x0F, 0x88, 0x6E}};

static uint32_t count_of(const uint8_t *table)
{
	const struct vhdx_region_table_disk *disk = (const void *)table;

	return le32_get(disk->count);
}

/* checksum over the first `have` bytes of a table, the rest being zero */
static uint32_t checksum(const uint8_t *table, uint32_t have)
{
	uint32_t crc = vhd_crc32c(0, table, 4);

	crc = vhd_crc32c_zeros(crc, 4);
	crc = vhd_crc32c(crc, table + 8, have - 8);
	return vhd_crc32c_zeros(crc, VHDX_REGION_TABLE_SIZE - have);
}

static bool usable(const uint8_t *table, uint32_t have)
{
	const struct vhdx_region_table_disk *disk = (const void *)table;

	return memcmp(disk->signature, "regi", 4) == 0 &&
	       checksum(table, have) == le32_get(disk->checksum) &&
	       count_of(table) <= VHDX_REGIONS_FORMAT_MAX;
}

bool vhdx_region_table_usable(const struct vhd_source *source, uint64_t offset,
			      uint8_t scratch[VHDX_REGION_TABLE_SIZE])
{
	return vhd_inside(offset, VHDX_REGION_TABLE_SIZE, source->size) &&
	       !vhd_source_read(source, offset, scratch,
				VHDX_REGION_TABLE_SIZE) &&
	       usable(scratch, VHDX_REGION_TABLE_SIZE);
}

/* reads a copy, one page if that proves enough; true if it can be used */
static bool load_copy(const struct vhd_source *source, uint64_t offset,
		      uint8_t *scratch)
{
	if (!vhd_inside(offset, VHDX_REGION_TABLE_SIZE, source->size) ||
	    vhd_source_read(source, offset, scratch, PAGE))
		return false;
	if (count_of(scratch) < PAGE / sizeof(struct vhdx_region_disk) &&
	    usable(scratch, PAGE))
		return true;
	return vhdx_region_table_usable(source, offset, scratch);
}

static struct vhdx_region decode(const uint8_t *table, uint32_t index)
{
	const struct vhdx_region_disk *disk =
		(const void *)(table + sizeof(struct vhdx_region_table_disk) +
			       index * sizeof(struct vhdx_region_disk));
	struct vhdx_region region = {
		.offset = le64_get(disk->offset),
		.length = le32_get(disk->length),
		.required = le32_get(disk->required) & 1,
	};

	memcpy(region.guid.b, disk->guid, 16);
	return region;
}

static uint64_t end_of(const struct vhdx_region *r)
{
	return r->offset + r->length;
}

/* RT-1, RT-2, RT-4 against header section and log */
static int check_place(const struct vhdx_region *r,
		       const struct vhdx_header *header, uint64_t at,
		       struct vhd_diag *diag)
{
	uint64_t log_end = header->log_offset + header->log_length;

	if (!r->length || !vhd_is_aligned(r->offset, VHDX_ALIGN) ||
	    !vhd_is_aligned(r->length, VHDX_ALIGN) || r->offset < VHDX_ALIGN ||
	    r->offset > UINT64_MAX - r->length)
		return vhd_fail(diag, VHD_E_CORRUPT, structure, at,
				"a region does not lie on whole MiB behind "
				"the first");
	if (header->log_length &&
	    vhd_overlap(r->offset, end_of(r), header->log_offset, log_end))
		return vhd_fail(diag, VHD_E_CORRUPT, structure, at,
				"a region overlaps the log");
	return 0;
}

/* RT-3 and RT-4: at most 2047 entries, so pairs are cheap enough */
static int check_pairs(const uint8_t *table, uint32_t index, uint64_t at,
		       struct vhd_diag *diag)
{
	struct vhdx_region r = decode(table, index);

	for (uint32_t i = 0; i < index; i++) {
		struct vhdx_region other = decode(table, i);

		if (vhd_guid_equal(&r.guid, &other.guid))
			return vhd_fail(diag, VHD_E_CORRUPT, structure, at,
					"a region is listed twice");
		if (vhd_overlap(r.offset, end_of(&r), other.offset,
				end_of(&other)))
			return vhd_fail(diag, VHD_E_CORRUPT, structure, at,
					"two regions overlap");
	}
	return 0;
}

static int keep(struct vhdx_regions *out, const struct vhdx_region *r,
		uint64_t at, struct vhd_diag *diag)
{
	if (vhd_guid_equal(&r->guid, &vhdx_region_bat)) {
		out->bat = *r;
		return 0;
	}
	if (vhd_guid_equal(&r->guid, &vhdx_region_metadata)) {
		out->metadata = *r;
		return 0;
	}
	if (r->required)
		return vhd_fail(diag, VHD_E_UNSUPPORTED, structure, at,
				"a required region is of an unknown kind");
	if (out->other_count == VHDX_REGIONS_MAX - 2)
		return vhd_fail_value(diag, VHD_E_LIMIT, structure, at,
				      "more than % unknown regions",
				      VHDX_REGIONS_MAX - 2);
	out->other[out->other_count++] = *r;
	return 0;
}

/* RT-7, RT-8 */
static int check_known(const struct vhdx_region *r, const char *missing,
		       const char *outside, uint64_t file_size, uint64_t table,
		       struct vhd_diag *diag)
{
	if (!r->length)
		return vhd_fail(diag, VHD_E_CORRUPT, structure, table, missing);
	if (!vhd_inside(r->offset, r->length, file_size))
		return vhd_fail(diag, VHD_E_CORRUPT, structure, r->offset,
				outside);
	return 0;
}

int vhdx_regions_read(const struct vhd_source *source,
		      const struct vhdx_header *header,
		      uint8_t scratch[VHDX_REGION_TABLE_SIZE],
		      struct vhdx_regions *out, struct vhd_diag *diag)
{
	uint64_t table = VHDX_REGION_TABLE1;
	int rc = 0;

	*out = (struct vhdx_regions){0};
	if (!load_copy(source, table, scratch)) {
		out->first_bad = true;
		table = VHDX_REGION_TABLE2;
		if (!load_copy(source, table, scratch))
			return vhd_fail(diag, VHD_E_CORRUPT, structure,
					VHDX_REGION_TABLE1,
					"neither copy is usable");
	}
	out->table = table;
	for (uint32_t i = 0; i < count_of(scratch) && !rc; i++) {
		struct vhdx_region r = decode(scratch, i);
		uint64_t at = table + sizeof(struct vhdx_region_table_disk) +
			      i * sizeof(struct vhdx_region_disk);

		rc = check_place(&r, header, at, diag);
		if (!rc)
			rc = check_pairs(scratch, i, at, diag);
		if (!rc)
			rc = keep(out, &r, at, diag);
	}
	if (!rc)
		rc = check_known(&out->bat, "there is no BAT region",
				 "the BAT region passes the end of the file",
				 source->size, table, diag);
	if (!rc)
		rc = check_known(&out->metadata, "there is no metadata region",
				 "the metadata region passes the end of the "
				 "file",
				 source->size, table, diag);
	return rc;
}

static void encode_entry(const struct vhdx_region *r, uint8_t *table,
			 uint32_t index)
{
	struct vhdx_region_disk *disk =
		(void *)(table + sizeof(struct vhdx_region_table_disk) +
			 index * sizeof(struct vhdx_region_disk));

	memcpy(disk->guid, r->guid.b, 16);
	disk->offset = le64_of(r->offset);
	disk->length = le32_of(r->length);
	disk->required = le32_of(r->required);
}

void vhdx_regions_encode(const struct vhdx_regions *regions,
			 uint8_t bytes[VHDX_REGION_TABLE_SIZE])
{
	struct vhdx_region_table_disk *disk = (void *)bytes;
	struct vhdx_region bat = regions->bat, metadata = regions->metadata;

	memset(bytes, 0, VHDX_REGION_TABLE_SIZE);
	memcpy(disk->signature, "regi", 4);
	disk->count = le32_of(2 + regions->other_count);
	bat.guid = vhdx_region_bat;
	bat.required = true;
	metadata.guid = vhdx_region_metadata;
	metadata.required = true;
	encode_entry(&bat, bytes, 0);
	encode_entry(&metadata, bytes, 1);
	for (uint32_t i = 0; i < regions->other_count; i++)
		encode_entry(&regions->other[i], bytes, 2 + i);
	disk->checksum = le32_of(checksum(bytes, VHDX_REGION_TABLE_SIZE));
}

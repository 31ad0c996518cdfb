/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decoding the dynamic header. Its own data offset is not followed (a header
 * that points at itself would be an endless loop), and its value is not
 * checked: readers that insist on all ones gain nothing.
 */
#include "vhd1_header.h"

#include <stddef.h>

#include "checked.h"
#include "diag.h"
#include "mem.h"
#include "vhd1_footer.h"

#define FIELD(name) (offset + offsetof(struct vhd1_header_disk, name))

static const char structure[] = "VHD dynamic header";

uint32_t vhd1_bitmap_bytes(uint32_t block_size)
{
	uint32_t bits = block_size / VHD1_SECTOR;

	return (uint32_t)vhd_round_up((bits + 7) / 8, VHD1_SECTOR);
}

static int check(const struct vhd1_header_disk *disk, uint64_t offset,
		 struct vhd_diag *diag)
{
	const uint8_t *bytes = (const uint8_t *)disk;
	uint32_t block = be32_get(disk->block_size);
	uint64_t table = be64_get(disk->table_offset);

	if (memcmp(disk->cookie, "cxsparse", 8) != 0)
		return vhd_fail(diag, VHD_E_CORRUPT, structure, offset,
				"the cookie 'cxsparse' is missing");
	if (vhd1_checksum(bytes, VHD1_HEADER_SIZE,
			  offsetof(struct vhd1_header_disk, checksum)) !=
	    be32_get(disk->checksum))
		return vhd_fail(diag, VHD_E_CORRUPT, structure, FIELD(checksum),
				"the checksum is wrong");
	if (be32_get(disk->version) >> 16 != 1)
		return vhd_fail_value(diag, VHD_E_UNSUPPORTED, structure,
				      FIELD(version),
				      "header version % is unknown",
				      be32_get(disk->version) >> 16);
	if (!vhd_is_pow2(block) || block < VHD1_BLOCK_MIN ||
	    block > VHD1_BLOCK_MAX)
		return vhd_fail_value(diag, VHD_E_CORRUPT, structure,
				      FIELD(block_size),
				      "block size % is no power of two from "
				      "4 KiB to 256 MiB",
				      block);
	if (table < VHD1_SECTOR || !vhd_is_aligned(table, VHD1_SECTOR))
		return vhd_fail_value(
			diag, VHD_E_CORRUPT, structure, FIELD(table_offset),
			"table offset % is not a whole sector", table);
	return 0;
}

/* space below 512 counts sectors, everything else bytes */
static struct vhd1_locator decode_locator(const struct vhd1_locator_disk *disk)
{
	uint32_t space = be32_get(disk->space);

	return (struct vhd1_locator){
		.code = be32_get(disk->code),
		.space = space < 512 ? space * VHD1_SECTOR : space,
		.length = be32_get(disk->length),
		.offset = be64_get(disk->offset),
	};
}

int vhd1_header_decode(const uint8_t bytes[VHD1_HEADER_SIZE], uint64_t offset,
		       struct vhd1_header *out, struct vhd_diag *diag)
{
	const struct vhd1_header_disk *disk = (const void *)bytes;
	int rc = check(disk, offset, diag);

	if (rc)
		return rc;
	out->table_offset = be64_get(disk->table_offset);
	out->max_entries = be32_get(disk->max_entries);
	out->block_size = be32_get(disk->block_size);
	out->checksum = be32_get(disk->checksum);
	out->parent_timestamp = be32_get(disk->parent_timestamp);
	memcpy(out->parent_id.b, disk->parent_id, 16);
	memcpy(out->parent_name, disk->parent_name, sizeof(out->parent_name));
	for (int i = 0; i < VHD1_LOCATORS; i++)
		out->locators[i] = decode_locator(&disk->locators[i]);
	return 0;
}

static struct vhd1_locator_disk encode_locator(const struct vhd1_locator *l)
{
	return (struct vhd1_locator_disk){
		.code = be32_of(l->code),
		.space = be32_of(l->space),
		.length = be32_of(l->length),
		.offset = be64_of(l->offset),
	};
}

void vhd1_header_encode(const struct vhd1_header *h,
			uint8_t bytes[VHD1_HEADER_SIZE])
{
	struct vhd1_header_disk *disk = (void *)bytes;

	memcpy(disk->cookie, "cxsparse", 8);
	disk->data_offset = be64_of(UINT64_MAX);
	disk->table_offset = be64_of(h->table_offset);
	disk->version = be32_of(0x00010000);
	disk->max_entries = be32_of(h->max_entries);
	disk->block_size = be32_of(h->block_size);
	memcpy(disk->parent_id, h->parent_id.b, 16);
	disk->parent_timestamp = be32_of(h->parent_timestamp);
	memcpy(disk->parent_name, h->parent_name, sizeof(h->parent_name));
	for (int i = 0; i < VHD1_LOCATORS; i++)
		disk->locators[i] = encode_locator(&h->locators[i]);
	disk->checksum = be32_of(
		vhd1_checksum(bytes, VHD1_HEADER_SIZE,
			      offsetof(struct vhd1_header_disk, checksum)));
}

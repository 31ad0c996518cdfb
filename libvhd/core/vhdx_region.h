/* SPDX-License-Identifier: BSD-2-Clause */
/* The two region tables of a VHDX. vhdx.md 5 */
#ifndef VHD_CORE_VHDX_REGION_H
#define VHD_CORE_VHDX_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "map.h"
#include "vhdx_header.h"

#define VHDX_REGION_TABLE_SIZE  ((uint32_t)64 << 10)
#define VHDX_REGION_TABLE1      ((uint64_t)192 << 10)
#define VHDX_REGION_TABLE2      ((uint64_t)256 << 10)
#define VHDX_REGIONS_FORMAT_MAX 2047u
/* regions kept: two known ones and what a map can reserve besides */
#define VHDX_REGIONS_MAX 14u

struct vhdx_region_table_disk {
	uint8_t signature[4];
	le32 checksum;
	le32 count;
	uint8_t reserved[4];
};

struct vhdx_region_disk {
	uint8_t guid[16];
	le64 offset;
	le32 length;
	le32 required;
};

_Static_assert(sizeof(struct vhdx_region_table_disk) == 16, "16 byte header");
_Static_assert(sizeof(struct vhdx_region_disk) == 32, "32 byte entries");

extern const struct vhd_guid vhdx_region_bat;
extern const struct vhd_guid vhdx_region_metadata;

struct vhdx_region {
	struct vhd_guid guid;
	uint64_t offset;
	uint32_t length;
	bool required;
};

struct vhdx_regions {
	struct vhdx_region bat;
	struct vhdx_region metadata;
	struct vhdx_region other[VHDX_REGIONS_MAX];
	uint32_t other_count;
	uint64_t table; /* file offset of the copy that was used */
	bool first_bad; /* copy 1 could not be used */
};

/*
 * Reads copy 1, or copy 2 if that is unusable, and validates every entry
 * (RT-1 to RT-8) against the file and the log. `scratch` is 64 KiB; usually
 * only the first page is read from the file: where the checksum is right for
 * a table whose rest is zero, the rest holds nothing.
 */
int vhdx_regions_read(const struct vhd_source *source,
		      const struct vhdx_header *header,
		      uint8_t scratch[VHDX_REGION_TABLE_SIZE],
		      struct vhdx_regions *out, struct vhd_diag *diag);

/*
 * Encodes a table: BAT, metadata, then the others, all of 64 KiB, checksum
 * included. Known regions are marked as required.
 */
void vhdx_regions_encode(const struct vhdx_regions *regions,
			 uint8_t bytes[VHDX_REGION_TABLE_SIZE]);

/* One copy: signature, checksum, count. For check and dump. */
bool vhdx_region_table_usable(const struct vhd_source *source, uint64_t offset,
			      uint8_t scratch[VHDX_REGION_TABLE_SIZE]);

#endif

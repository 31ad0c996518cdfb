/* SPDX-License-Identifier: BSD-2-Clause */
/* The dynamic header and its parent locator slots. vhd.md 4, 7.3, 7.4 */
#ifndef VHD_CORE_VHD1_HEADER_H
#define VHD_CORE_VHD1_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include <libvhd/error.h>
#include <libvhd/types.h>

#include "bytes.h"

#define VHD1_HEADER_SIZE 1024u
#define VHD1_LOCATORS    8
/* below 4 KiB implementations disagree on the size of the bitmap */
#define VHD1_BLOCK_MIN 4096u
#define VHD1_BLOCK_MAX (256u << 20)

struct vhd1_locator_disk {
	be32 code;
	be32 space;
	be32 length;
	be32 reserved;
	be64 offset;
};

struct vhd1_header_disk {
	uint8_t cookie[8];
	be64 data_offset;
	be64 table_offset;
	be32 version;
	be32 max_entries;
	be32 block_size;
	be32 checksum;
	uint8_t parent_id[16];
	be32 parent_timestamp;
	uint8_t reserved1[4];
	uint8_t parent_name[512]; /* UTF-16BE */
	struct vhd1_locator_disk locators[VHD1_LOCATORS];
	uint8_t reserved2[256];
};

_Static_assert(sizeof(struct vhd1_locator_disk) == 24, "a slot is 24 bytes");
_Static_assert(sizeof(struct vhd1_header_disk) == VHD1_HEADER_SIZE,
	       "the dynamic header is 1024 bytes");

struct vhd1_locator {
	uint32_t code;  /* 0: slot not used */
	uint32_t space; /* bytes reserved, the unit trap of 7.4 resolved */
	uint32_t length;
	uint64_t offset;
};

struct vhd1_header {
	uint64_t table_offset;
	uint32_t max_entries;
	uint32_t block_size;
	uint32_t checksum;
	uint32_t parent_timestamp;
	struct vhd_guid parent_id;
	uint8_t parent_name[512]; /* UTF-16BE as stored */
	struct vhd1_locator locators[VHD1_LOCATORS];
};

/*
 * Checks and decodes the 1024 bytes read from file offset `offset`. Whether
 * table and locators lie inside the file is judged by vhd1_open().
 */
int vhd1_header_decode(const uint8_t bytes[VHD1_HEADER_SIZE], uint64_t offset,
		       struct vhd1_header *out, struct vhd_diag *diag);

/*
 * Encodes a header over `bytes`, checksum included; reserved bytes keep what
 * they hold. `space` of a locator is written in bytes.
 */
void vhd1_header_encode(const struct vhd1_header *header,
			uint8_t bytes[VHD1_HEADER_SIZE]);

/* Bytes of a block's sector bitmap on disk. 5.3 */
uint32_t vhd1_bitmap_bytes(uint32_t block_size);

#endif

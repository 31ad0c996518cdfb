/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XenServer's batmap: one bit a block, "all sectors of this block are here".
 * It is a cache, and this library reads without it; it is recognised so that
 * its place is not taken for free space, and shown. vhd.md 17.2
 */
#ifndef VHD_CORE_VHD1_BATMAP_H
#define VHD_CORE_VHD1_BATMAP_H

#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"

#define VHD1_BATMAP_HEADER_SIZE 512u

struct vhd1_batmap_disk {
	uint8_t cookie[8];
	be64 offset;
	be32 sectors;
	be32 version;
	be32 checksum;
	uint8_t marker;
	uint8_t has_key_hash;
	uint8_t nonce[32];
	uint8_t hash[32];
	uint8_t reserved[418];
};

_Static_assert(sizeof(struct vhd1_batmap_disk) == VHD1_BATMAP_HEADER_SIZE,
	       "the batmap header is one sector");

struct vhd1_batmap {
	uint64_t header_offset;
	uint64_t offset; /* of the map */
	uint32_t bytes;
	uint32_t version;
	uint32_t checksum; /* of the map, as stored */
	uint8_t marker;
	bool encrypted;
};

/* False if the sector at `header_offset` is no batmap header that makes
 * sense in a file of `file_size` bytes. */
bool vhd1_batmap_decode(const uint8_t bytes[VHD1_BATMAP_HEADER_SIZE],
			uint64_t header_offset, uint64_t file_size,
			struct vhd1_batmap *out);

#endif

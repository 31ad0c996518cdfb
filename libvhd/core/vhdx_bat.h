/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of a VHDX block allocation table, and its arithmetic. vhdx.md 7 */
#ifndef VHD_CORE_VHDX_BAT_H
#define VHD_CORE_VHDX_BAT_H

#include <stdint.h>

#define VHDX_BAT_ENTRY_SIZE 8u
#define VHDX_BITMAP_BLOCK   ((uint64_t)1 << 20)
/* sectors covered by one 1 MiB bitmap block: 2^23 */
#define VHDX_CHUNK_SECTOR_SHIFT 23

enum vhdx_payload_state {
	VHDX_NOT_PRESENT = 0,
	VHDX_UNDEFINED = 1,
	VHDX_ZERO = 2,
	VHDX_UNMAPPED = 3,
	VHDX_DRAFT_UNMAPPED = 5, /* in the draft 0.95; reserved since */
	VHDX_FULLY_PRESENT = 6,
	VHDX_PARTIALLY_PRESENT = 7,
};

#define VHDX_BITMAP_PRESENT 6u

static inline uint32_t vhdx_entry_state(uint64_t entry)
{
	return (uint32_t)(entry & 7);
}

static inline uint64_t vhdx_entry_offset(uint64_t entry)
{
	return entry & 0xFFFFFFFFFFF00000u;
}

static inline uint64_t vhdx_entry_reserved(uint64_t entry)
{
	return entry & 0x00000000000FFFF8u;
}

/* log2 of payload blocks a bitmap block covers */
static inline uint8_t vhdx_chunk_shift(uint8_t block_shift,
				       uint8_t sector_shift)
{
	return (uint8_t)(VHDX_CHUNK_SECTOR_SHIFT + sector_shift - block_shift);
}

/* BAT index of a payload block */
static inline uint64_t vhdx_payload_index(uint64_t block, uint8_t chunk_shift)
{
	return block + (block >> chunk_shift);
}

/* BAT index of the bitmap block of a chunk */
static inline uint64_t vhdx_bitmap_index(uint64_t chunk, uint8_t chunk_shift)
{
	return ((chunk + 1) << chunk_shift) + chunk;
}

/* entries a disk of `blocks` > 0 payload blocks needs */
static inline uint64_t vhdx_bat_entries(uint64_t blocks, uint8_t chunk_shift,
					int has_parent)
{
	uint64_t last = (blocks - 1) >> chunk_shift;

	if (!has_parent)
		return blocks + last;
	return (last + 1) * (((uint64_t)1 << chunk_shift) + 1);
}

#endif

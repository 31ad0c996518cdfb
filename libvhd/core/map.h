/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where are these bytes? The mapper turns a range of the virtual disk into
 * extents: DATA at a file offset, ZERO, or PARENT. It moves no data and keeps
 * none: entries of the block table (BAT) and bits of sector bitmaps come
 * through the window. One image file only; chains live above.
 *
 * struct vhd_map is plain numbers, filled by vhd1_open() or vhdx_open(),
 * constant afterwards, and may be shared by threads.
 */
#ifndef VHD_CORE_MAP_H
#define VHD_CORE_MAP_H

#include <stdbool.h>

#include <libvhd/error.h>
#include <libvhd/types.h>

#include "window.h"

enum vhd_map_kind {
	VHD_MAP_LINEAR = 1, /* raw and fixed VHD: file offset = disk offset */
	VHD_MAP_VHD1 = 2,
	VHD_MAP_VHDX = 3,
};

/* half-open file range that belongs to metadata */
struct vhd_range {
	uint64_t start;
	uint64_t end;
};

/* header section, log, BAT, metadata, and unknown regions; or copy, header,
 * BAT, batmap, locators */
#define VHD_MAP_RESERVED 16

struct vhd_map {
	uint64_t size;         /* virtual size */
	uint64_t blocks;       /* payload blocks the disk needs */
	uint64_t bat_offset;   /* file offset of the BAT */
	uint64_t limit;        /* blocks must end at or before this */
	uint32_t bitmap_bytes; /* VHD: in front of each block */
	uint8_t kind;          /* enum vhd_map_kind */
	uint8_t sector_shift;
	uint8_t block_shift;
	uint8_t chunk_shift; /* VHDX: log2 of the chunk ratio */
	bool has_parent;
	bool ignore_bitmap; /* VHD salvage: take every stored sector */
	uint8_t reserved_count;
	struct vhd_range reserved[VHD_MAP_RESERVED];
};

/* What the BAT says of one block. */
enum vhd_block_state {
	VHD_BLOCK_ABSENT = 1,  /* parent, or zeros without one */
	VHD_BLOCK_ZERO = 2,    /* zeros, whatever the parent holds */
	VHD_BLOCK_FULL = 3,    /* all sectors are in this file */
	VHD_BLOCK_PARTIAL = 4, /* a bitmap says which are */
};

struct vhd_block {
	enum vhd_block_state state;
	uint64_t data;   /* file offset of the payload, 0 if none */
	uint64_t bitmap; /* file offset of the first bit's byte, PARTIAL */
	uint64_t entry;  /* file offset of the BAT entry */
	uint64_t raw;    /* the entry as stored */
};

/*
 * Adds a metadata range that no block may touch. False when the list is full.
 */
bool vhd_map_reserve(struct vhd_map *map, uint64_t offset, uint64_t length);

/* True if a range lies inside the file and on no metadata. */
bool vhd_map_is_free(const struct vhd_map *map, uint64_t offset,
		     uint64_t length);

/* File offset of block's BAT entry. */
uint64_t vhd_map_entry_offset(const struct vhd_map *map, uint64_t block);

/*
 * Decodes and checks the BAT entry of one block (block < map->blocks): state,
 * reserved bits, position against metadata and the file's end. VHD_E_CORRUPT
 * for an entry that must not be used.
 */
int vhd_map_block(const struct vhd_map *map, struct vhd_window *window,
		  uint64_t block, struct vhd_block *out, struct vhd_diag *diag);

/* Bytes of file a present block needs at its `data` offset: a last block may
 * be cut off at the disk's end. vhd.md 5.4, vhdx.md 16.3 */
uint64_t vhd_map_block_need(const struct vhd_map *map, uint64_t block);

/*
 * The longest run that starts at `offset`, at most `length` bytes, and is
 * stored in one way. offset + length <= map->size, length > 0. Adjacent
 * blocks merge. A damaged entry behind the start ends the run, so the error
 * is met by the call that begins there.
 */
int vhd_map_extent(const struct vhd_map *map, struct vhd_window *window,
		   uint64_t offset, uint64_t length, struct vhd_extent *out,
		   struct vhd_diag *diag);

#endif

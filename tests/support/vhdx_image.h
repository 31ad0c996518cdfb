/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds VHDX images in memory, log entries included: valid by default, then
 * bent by a test. After poking at a header or region table, vhdx_seal() makes
 * the checksums right again.
 *
 * Layout: log at 1 MiB, metadata behind it, BAT behind that, then payload in
 * the order blocks are added. With a 1 MiB log this is the "complete small
 * image" of vhdx.md 19.5 down to the last checksum.
 */
#ifndef TESTS_SUPPORT_VHDX_IMAGE_H
#define TESTS_SUPPORT_VHDX_IMAGE_H

#include "support/sparse.h"

#define VHDX_HEADER_AT(slot)                                                   \
	((slot) == 1 ? (uint64_t)64 << 10 : (uint64_t)128 << 10)
#define VHDX_REGIONS_AT(copy)                                                  \
	((copy) == 1 ? (uint64_t)192 << 10 : (uint64_t)256 << 10)

struct vhdx_key {
	const char *key;
	const char *value;
};

/* Zero means the default written beside it. */
struct vhdx_spec {
	uint64_t size;               /* virtual, bytes; required */
	uint32_t block_size;         /* 1 MiB */
	uint32_t logical_sector;     /* 512 */
	uint32_t physical_sector;    /* 512 */
	uint32_t log_length;         /* 1 MiB */
	const struct vhdx_key *keys; /* parent locator: differencing */
	size_t key_count;
	const char *data_write_guid; /* that of 19.5 */
};

struct vhdx_image {
	struct sparse *file;
	struct vhdx_spec spec; /* defaults filled in */
	uint64_t log;          /* file offsets */
	uint64_t metadata;
	uint64_t bat;
	uint64_t next; /* free space: the next block goes here */
	uint32_t bat_length;
	uint8_t chunk_shift;
};

/* GUIDs of the image of 19.5 */
extern const char vhdx_guid_file[];
extern const char vhdx_guid_data[];
extern const char vhdx_guid_disk[];
extern const char vhdx_guid_log[];

/* Header 1 has sequence number 0, header 2 has 1; neither names a log. */
struct vhdx_image vhdx_image_new(const struct vhdx_spec *spec);
void vhdx_image_drop(struct vhdx_image *image);

/* Recomputes the checksums of both headers and both region tables. */
void vhdx_seal(struct sparse *file);

/* Writes header `slot` (1 or 2); `log_guid` is text or NULL for none. */
void vhdx_put_header(struct vhdx_image *image, int slot, uint64_t sequence,
		     const char *log_guid);

/* One of the six metadata items, in table order; its place and value. */
enum vhdx_place {
	VHDX_PLACE_PARAMETERS,
	VHDX_PLACE_SIZE,
	VHDX_PLACE_LOGICAL,
	VHDX_PLACE_PHYSICAL,
	VHDX_PLACE_ID,
	VHDX_PLACE_LOCATOR,
};
/* File offset of its table entry, and of its value. */
uint64_t vhdx_item_entry(const struct vhdx_image *image, enum vhdx_place item);
uint64_t vhdx_item_value(const struct vhdx_image *image, enum vhdx_place item);
/* Builds a locator item as it lies in the file; returns its length. */
uint32_t vhdx_locator_build(const struct vhdx_key *keys, size_t count,
			    uint8_t *out, size_t room);

/* File offset of the BAT entry of a payload block; of a chunk's bitmap. */
uint64_t vhdx_entry_at(const struct vhdx_image *image, uint64_t block);
uint64_t vhdx_bitmap_entry_at(const struct vhdx_image *image, uint64_t chunk);
void vhdx_put_entry(struct vhdx_image *image, uint64_t block, uint64_t value);

/* Gives a block space (state FULLY or PARTIALLY); returns its file offset. */
uint64_t vhdx_add_block(struct vhdx_image *image, uint64_t block,
			unsigned state);
/* Gives a chunk a bitmap block, all zeros; returns its file offset. */
uint64_t vhdx_add_bitmap(struct vhdx_image *image, uint64_t chunk);
/* Sets bits of a block's sectors in its chunk's bitmap block. */
void vhdx_set_sectors(struct vhdx_image *image, uint64_t block, uint32_t first,
		      uint32_t count);

/* One change of a log entry: 4096 bytes of data, or `zeros` zero bytes. */
struct vhdx_change {
	uint64_t offset;     /* in the file */
	const uint8_t *data; /* NULL: zeros */
	uint64_t zeros;
};

struct vhdx_entry_spec {
	uint64_t sequence;
	uint32_t tail;
	uint64_t flushed;
	uint64_t last;
	const char *guid; /* NULL: vhdx_guid_log */
	const struct vhdx_change *changes;
	size_t count;
};

/* Bytes an entry takes with `data` data and `zero` zero descriptors. */
uint32_t vhdx_entry_length(size_t data, size_t zero);

/* Writes an entry at log offset `at`, around the end of the ring if need be.
 * Returns its length. */
uint32_t vhdx_put_log(struct vhdx_image *image, uint32_t at,
		      const struct vhdx_entry_spec *entry);

/* Recomputes the checksum of the entry at log offset `at`. */
void vhdx_seal_log(struct vhdx_image *image, uint32_t at);

#endif

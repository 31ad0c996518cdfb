/* SPDX-License-Identifier: BSD-2-Clause */
/* The metadata region of a VHDX: its table and the known items. vhdx.md 6 */
#ifndef VHD_CORE_VHDX_METADATA_H
#define VHD_CORE_VHDX_METADATA_H

#include <stdbool.h>
#include <stdint.h>

#include "vhdx_region.h"

#define VHDX_METADATA_TABLE_SIZE ((uint32_t)64 << 10)
#define VHDX_METADATA_COUNT_MAX  2047u
#define VHDX_METADATA_USER_MAX   1024u
#define VHDX_METADATA_ITEM_MAX   ((uint32_t)1 << 20)
/* limits of this implementation, after OpenVMM's. MD-10 */
#define VHDX_METADATA_REGION_MAX ((uint32_t)128 << 20)
#define VHDX_METADATA_BYTES_MAX  ((uint32_t)40 << 20)

#define VHDX_BLOCK_MIN ((uint32_t)1 << 20)
#define VHDX_BLOCK_MAX ((uint32_t)256 << 20)
#define VHDX_DISK_MAX  ((uint64_t)64 << 40)

/* entry flags */
#define VHDX_ITEM_USER         1u
#define VHDX_ITEM_VIRTUAL_DISK 2u
#define VHDX_ITEM_REQUIRED     4u

struct vhdx_metadata_table_disk {
	uint8_t signature[8];
	uint8_t reserved1[2];
	le16 count;
	uint8_t reserved2[20];
};

struct vhdx_metadata_entry_disk {
	uint8_t id[16];
	le32 offset;
	le32 length;
	le32 flags;
	le32 reserved;
};

_Static_assert(sizeof(struct vhdx_metadata_table_disk) == 32, "32 bytes");
_Static_assert(sizeof(struct vhdx_metadata_entry_disk) == 32, "32 bytes");

enum vhdx_item {
	VHDX_ITEM_FILE_PARAMETERS = 0,
	VHDX_ITEM_DISK_SIZE,
	VHDX_ITEM_DISK_ID,
	VHDX_ITEM_LOGICAL_SECTOR,
	VHDX_ITEM_PHYSICAL_SECTOR,
	VHDX_ITEM_PARENT_LOCATOR,
	VHDX_ITEM_CHS,        /* known from OpenVMM, ignored */
	VHDX_ITEM_INCOMPLETE, /* file was never finished */
	VHDX_ITEM_PMEM_LABEL, /* ignored */
	VHDX_ITEM_COUNT,
};

struct vhdx_metadata_entry {
	struct vhd_guid id;
	uint32_t offset; /* in the region */
	uint32_t length;
	uint32_t flags;
};

struct vhdx_metadata {
	uint64_t disk_size;
	uint32_t block_size;
	uint32_t logical_sector;
	uint32_t physical_sector;
	bool leave_allocated;
	bool has_parent;
	bool odd_flags; /* a known item has unusual flags */
	struct vhd_guid disk_id;
	uint64_t locator_offset; /* file offset; 0 if none */
	uint32_t locator_length;
};

/* The row of an item's GUID in the system name space, or NULL. */
const char *vhdx_item_name(const struct vhd_guid *id);

/* The GUID of a known item, and the flags it is written with. */
const struct vhd_guid *vhdx_item_id(enum vhdx_item item, uint32_t *flags);

/* Where vhdx_metadata_encode() puts its items, from the region's start. */
#define VHDX_METADATA_ITEMS   0x10000u
#define VHDX_METADATA_LOCATOR 0x10028u

/*
 * Encodes table and items of a new image, in the order and places Windows
 * uses: `table` is 64 KiB; `items` receives the bytes from VHDX_METADATA_ITEMS
 * on, 40 and, with a parent, the locator's `locator_length`, which the caller
 * puts behind them.
 */
void vhdx_metadata_encode(const struct vhdx_metadata *metadata,
			  uint8_t table[VHDX_METADATA_TABLE_SIZE],
			  uint8_t items[40]);

/* Reads entry `index` of a table in memory. */
struct vhdx_metadata_entry vhdx_metadata_entry(const uint8_t *table,
					       uint32_t index);

/* Entries of a table in memory that was validated. */
uint32_t vhdx_metadata_count(const uint8_t *table);

/*
 * Gives entry `index` the flags a known system item usually has. Returns the
 * offset of the flags in the table, or 0 if they need no change.
 */
uint32_t vhdx_metadata_usual_flags(uint8_t *table, uint32_t index);

/*
 * Reads and validates the table (MD-1 to MD-12) and the known items.
 * `scratch` is 64 KiB; only as much of the table is read as its count needs.
 */
int vhdx_metadata_read(const struct vhd_source *source,
		       const struct vhdx_region *region,
		       uint8_t scratch[VHDX_METADATA_TABLE_SIZE],
		       struct vhdx_metadata *out, struct vhd_diag *diag);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the VHDX log: validating entries and finding the active sequence,
 * those updates that may be missing at their home. vhdx.md 9, 10
 *
 * Memory is one 4 KiB scratch sector however long the log is, and the work is
 * linear in its length: an entry with a second `loge` sector inside is refused
 * before its checksum is finished, so no byte is summed twice in one lap.
 */
#ifndef VHD_CORE_VHDX_LOG_H
#define VHD_CORE_VHDX_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "vhdx_header.h"

#define VHDX_LOG_SECTOR       4096u
#define VHDX_LOG_ENTRY_HEADER 64u
#define VHDX_LOG_DESCRIPTOR   32u

struct vhdx_log_entry_disk {
	uint8_t signature[4];
	le32 checksum;
	le32 length;
	le32 tail;
	le64 sequence;
	le32 descriptors;
	uint8_t reserved[4];
	uint8_t log_guid[16];
	le64 flushed;
	le64 last;
};

struct vhdx_log_descriptor_disk {
	uint8_t signature[4]; /* "desc" or "zero" */
	uint8_t trailing[4];  /* desc: bytes 4092 to 4095 of the update */
	uint8_t leading[8];   /* desc: bytes 0 to 7; zero: le64 length */
	le64 file_offset;
	le64 sequence;
};

struct vhdx_log_data_disk {
	uint8_t signature[4];
	le32 sequence_high;
	uint8_t data[4084];
	le32 sequence_low;
};

_Static_assert(sizeof(struct vhdx_log_entry_disk) == VHDX_LOG_ENTRY_HEADER,
	       "entry header");
_Static_assert(sizeof(struct vhdx_log_descriptor_disk) == VHDX_LOG_DESCRIPTOR,
	       "descriptor");
_Static_assert(sizeof(struct vhdx_log_data_disk) == VHDX_LOG_SECTOR, "sector");

/* Host form of an entry header. */
struct vhdx_log_entry {
	uint32_t offset; /* in the log */
	uint32_t length;
	uint32_t tail;
	uint32_t descriptors;
	uint32_t data_sectors;
	uint64_t sequence;
	uint64_t flushed; /* FlushedFileOffset */
	uint64_t last;    /* LastFileOffset */
};

/* Host form of a descriptor. */
struct vhdx_log_update {
	uint64_t file_offset;
	uint64_t length; /* 4096 for data */
	bool zero;
	uint32_t descriptor; /* log offset of the descriptor */
	uint32_t data;       /* log offset of the data sector */
};

struct vhdx_log {
	const struct vhd_source *source;
	uint64_t offset; /* of the log in the file */
	uint32_t length;
	struct vhd_guid guid;
	uint8_t *sector; /* VHDX_LOG_SECTOR bytes of scratch */
};

struct vhdx_log_active {
	struct vhdx_log_entry tail;
	struct vhdx_log_entry head;
	uint32_t entries;
	uint32_t descriptors;
	uint64_t last; /* greatest LastFileOffset, whole MiB */
};

/* Not an error: nothing valid starts here. */
#define VHDX_LOG_NO_ENTRY 1

/* Prepares a log for reading by the current header. */
struct vhdx_log vhdx_log_of(const struct vhd_source *source,
			    const struct vhdx_header *header, uint8_t *sector);

/*
 * Validates the entry at log offset `at` (LE-1 to LE-12). 0 and the entry,
 * VHDX_LOG_NO_ENTRY with a static reason in *why (NULL where there is not
 * even a signature), or a read error.
 */
int vhdx_log_entry_read(const struct vhdx_log *log, uint32_t at,
			struct vhdx_log_entry *out, const char **why);

/*
 * Finds the active sequence. VHD_E_LOG if there is none, VHD_E_CORRUPT if
 * the file is shorter than the head says it was.
 */
int vhdx_log_find(const struct vhdx_log *log, struct vhdx_log_active *out,
		  struct vhd_diag *diag);

/* Bytes of an entry with `pages` data descriptors and nothing else. */
uint32_t vhdx_log_entry_size(uint32_t pages);

/*
 * Encodes an entry of `pages` 4 KiB updates into `out` (vhdx_log_entry_size()
 * bytes): `offsets` are their file offsets, `data` their bytes one behind the
 * other. Of `entry`, tail, sequence, flushed and last are used.
 */
void vhdx_log_entry_encode(const struct vhdx_log_entry *entry,
			   const struct vhd_guid *guid, uint32_t pages,
			   const uint64_t *offsets, const uint8_t *data,
			   uint8_t *out);

/* Log offset of the entry after this one. */
uint32_t vhdx_log_next(const struct vhdx_log *log,
		       const struct vhdx_log_entry *entry);

/*
 * Calls `update` for each descriptor of a validated entry, in order. Stops at
 * the first nonzero result and returns it.
 */
int vhdx_log_entry_walk(
	const struct vhdx_log *log, const struct vhdx_log_entry *entry,
	int (*update)(void *ctx, const struct vhdx_log_update *u), void *ctx);

#endif

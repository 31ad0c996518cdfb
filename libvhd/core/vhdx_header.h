/* SPDX-License-Identifier: BSD-2-Clause */
/* File identifier and the two headers of a VHDX. vhdx.md 3, 4 */
#ifndef VHD_CORE_VHDX_HEADER_H
#define VHD_CORE_VHDX_HEADER_H

#include <stdbool.h>
#include <stdint.h>

#include <libvhd/error.h>
#include <libvhd/types.h>

#include "bytes.h"
#include "window.h"

#define VHDX_ALIGN           ((uint64_t)1 << 20)
#define VHDX_IDENTIFIER_SIZE 520u /* signature and creator */
#define VHDX_CREATOR_BYTES   512u /* UTF-16LE */
#define VHDX_HEADER_SIZE     4096u
#define VHDX_HEADER1_OFFSET  ((uint64_t)64 << 10)
#define VHDX_HEADER2_OFFSET  ((uint64_t)128 << 10)
/* the format allows just under 4 GiB; Windows writes 1 MiB */
#define VHDX_LOG_MAX ((uint32_t)1 << 30)

struct vhdx_header_disk {
	uint8_t signature[4];
	le32 checksum;
	le64 sequence;
	uint8_t file_write_guid[16];
	uint8_t data_write_guid[16];
	uint8_t log_guid[16];
	le16 log_version;
	le16 version;
	le32 log_length;
	le64 log_offset;
	uint8_t reserved[4016];
};

_Static_assert(sizeof(struct vhdx_header_disk) == VHDX_HEADER_SIZE,
	       "a header is 4096 bytes");

struct vhdx_header {
	uint64_t sequence;
	uint64_t log_offset;
	uint32_t log_length;
	uint32_t checksum;
	uint16_t log_version;
	uint16_t version;
	struct vhd_guid file_write_guid;
	struct vhd_guid data_write_guid;
	struct vhd_guid log_guid;
};

/* Signature and checksum; nothing else decides whether a slot is valid. */
bool vhdx_header_decode(const uint8_t bytes[VHDX_HEADER_SIZE],
			struct vhdx_header *out);

/* Encodes all 4096 bytes, reserved ones as zero, checksum included. */
void vhdx_header_encode(const struct vhdx_header *header,
			uint8_t bytes[VHDX_HEADER_SIZE]);

/* What vhdx_header_choose() found. */
struct vhdx_headers {
	struct vhdx_header current;
	uint64_t offset;     /* of the slot it came from */
	bool other_is_valid; /* the other slot can be read too */
	bool other_has_log;  /* and names a log */
};

/*
 * Reads both slots into `scratch` (one after the other), chooses the current
 * one by the rules of vhdx.md 4.2 and checks its fields against the file's
 * size. VHD_E_CORRUPT if neither is valid or two different ones claim the same
 * sequence number.
 */
int vhdx_header_choose(const struct vhd_source *source,
		       uint8_t scratch[VHDX_HEADER_SIZE],
		       struct vhdx_headers *out, struct vhd_diag *diag);

/* File offset of the slot that is not the one at `offset`. */
uint64_t vhdx_other_header(uint64_t offset);

/* `other`, the slot that is not current: is it the same header, sequence
 * number included? Disk2vhd writes such files. */
bool vhdx_headers_equal(const struct vhdx_headers *headers,
			const struct vhdx_header *other);

/* Does it name another log? If the current one were lost, that would count. */
bool vhdx_headers_differ(const struct vhdx_headers *headers,
			 const struct vhdx_header *other);

/* Checks the signature and hands out the creator's 512 raw bytes. */
int vhdx_identifier_read(const struct vhd_source *source,
			 uint8_t scratch[VHDX_IDENTIFIER_SIZE],
			 uint8_t creator[VHDX_CREATOR_BYTES],
			 struct vhd_diag *diag);

#endif

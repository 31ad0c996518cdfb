/* SPDX-License-Identifier: BSD-2-Clause */
/* The footer of a VHD: the last 512 bytes of the file. vhd.md 2 */
#ifndef VHD_CORE_VHD1_FOOTER_H
#define VHD_CORE_VHD1_FOOTER_H

#include <stdbool.h>
#include <stdint.h>

#include <libvhd/error.h>
#include <libvhd/types.h>

#include "bytes.h"
#include "geometry.h"

#define VHD1_SECTOR      512u
#define VHD1_FOOTER_SIZE 512u
/* before Virtual PC 2004 the last reserved byte was not written */
#define VHD1_FOOTER_OLD_SIZE 511u
#define VHD1_EPOCH           946684800u /* 2000-01-01T00:00:00Z in Unix time */

/* features */
#define VHD1_FEATURE_TEMPORARY 1u
#define VHD1_FEATURE_RESERVED  2u /* always written as 1 */

struct vhd1_footer_disk {
	uint8_t cookie[8];
	be32 features;
	be32 version;
	be64 data_offset;
	be32 timestamp;
	uint8_t creator[4];
	be32 creator_version;
	uint8_t creator_os[4];
	be64 original_size;
	be64 current_size;
	be16 cylinders;
	uint8_t heads;
	uint8_t sectors;
	be32 type;
	be32 checksum;
	uint8_t id[16];
	uint8_t saved_state;
	uint8_t hidden; /* XenServer; reserved elsewhere */
	uint8_t reserved[426];
};

_Static_assert(sizeof(struct vhd1_footer_disk) == VHD1_FOOTER_SIZE,
	       "the footer is 512 bytes");

struct vhd1_footer {
	uint64_t data_offset;
	uint64_t original_size;
	uint64_t current_size;
	uint32_t features;
	uint32_t version;
	uint32_t timestamp; /* seconds since 2000, opaque */
	uint32_t creator_version;
	uint32_t type;
	uint32_t checksum;
	struct vhd_geometry geometry;
	struct vhd_guid id;
	uint8_t creator[4];
	uint8_t creator_os[4];
	uint8_t saved_state;
	uint8_t hidden;
};

/* Complement of the byte sum; the field at `field` counts as zero. 2.2 */
uint32_t vhd1_checksum(const uint8_t *bytes, uint32_t size, uint32_t field);

/*
 * Checks cookie, checksum, version and type of 512 bytes read from file
 * offset `offset` and decodes them. Sizes are judged later, where the file is
 * known.
 */
int vhd1_footer_decode(const uint8_t bytes[VHD1_FOOTER_SIZE], uint64_t offset,
		       struct vhd1_footer *out, struct vhd_diag *diag);

/*
 * Encodes a footer over `bytes`, checksum included. Bytes this library does not
 * know (the reserved tail) keep what they hold: other programs keep things
 * there. Start from zeros for a new image.
 */
void vhd1_footer_encode(const struct vhd1_footer *footer,
			uint8_t bytes[VHD1_FOOTER_SIZE]);

/*
 * The geometry that belongs to the footer's current size, by the rule of
 * vhd_geometry_stored(): images that Windows made, or that were made for Azure,
 * have the specification's.
 */
struct vhd_geometry vhd1_footer_geometry(const struct vhd1_footer *footer);

/* `creator` is XenServer's blktap. 17 */
bool vhd1_footer_is_tap(const struct vhd1_footer *footer);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds VHD images in memory: valid by default, then bent by a test. After
 * poking at a footer or header, vhd1_seal() makes its checksums right again.
 */
#ifndef TESTS_SUPPORT_VHD1_IMAGE_H
#define TESTS_SUPPORT_VHD1_IMAGE_H

#include "support/sparse.h"

/* Zero means the default written beside it. */
struct vhd1_spec {
	uint32_t type;        /* enum vhd_type; required */
	uint64_t size;        /* virtual, bytes; required */
	uint32_t block_size;  /* 2 MiB */
	uint32_t max_entries; /* as many as needed */
	uint64_t table;       /* file offset of the BAT: 1536 */
	const char *creator;  /* four bytes: "lvhd" */
	uint32_t creator_version;
	uint8_t id; /* first byte of the unique id, others count up: 16 */
	uint8_t parent_id;       /* the same for the parent: 48 */
	const char *parent_name; /* in the header and as a W2ru locator */
};

struct vhd1_image {
	struct sparse *file;
	struct vhd1_spec spec; /* defaults filled in */
	uint64_t header;       /* file offsets */
	uint64_t footer;
	uint32_t bitmap_bytes;
};

/* Free `file` with sparse_free() (vhd1_image_drop). */
struct vhd1_image vhd1_image_new(const struct vhd1_spec *spec);
void vhd1_image_drop(struct vhd1_image *image);

/* Recomputes all checksums: footer, copy, dynamic header. */
void vhd1_seal(struct vhd1_image *image);
/* The checksum of one footer or header in the file. */
void vhd1_seal_at(struct sparse *file, uint64_t offset, uint32_t size,
		  uint32_t field);

/* Fields by their name in vhd1_footer_disk / vhd1_header_disk. */
#define VHD1_FOOTER(image, field)                                              \
	((image)->footer + offsetof(struct vhd1_footer_disk, field))
#define VHD1_HEADER(image, field)                                              \
	((image)->header + offsetof(struct vhd1_header_disk, field))

/* File offset of a BAT entry. */
uint64_t vhd1_entry_at(const struct vhd1_image *image, uint64_t block);

/*
 * Allocates a block where the footer was, with its bitmap all ones (all zeros
 * if the image is differencing), data zeros. Returns the data's file offset.
 */
uint64_t vhd1_add_block(struct vhd1_image *image, uint64_t block);

/* Sets bitmap bits of an allocated block. */
void vhd1_set_sectors(struct vhd1_image *image, uint64_t block, uint32_t first,
		      uint32_t count, bool present);

/* Parent locator `slot` with raw data, stored where the footer was. */
void vhd1_put_locator(struct vhd1_image *image, unsigned slot, uint32_t code,
		      const void *data, uint32_t length);

#endif

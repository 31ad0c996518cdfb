/* SPDX-License-Identifier: BSD-2-Clause */
/* Walking, verifying and counting a whole block table. */
#ifndef VHD_IMAGE_TABLE_H
#define VHD_IMAGE_TABLE_H

#include "claims.h"
#include "image.h"

/* What the walk met at one entry; valid during the callback. */
struct vhd_table_entry {
	uint64_t index; /* payload block, or chunk of a bitmap block */
	bool is_bitmap; /* VHDX sector bitmap block */
	bool is_anchor; /* a VHDX block without content that names a place */
	struct vhd_block block; /* with an error only its entry and raw */
	uint64_t owned; /* file offset of the space the entry owns, 0 none */
	uint64_t owned_length; /* of it: up to the disk's end */
	uint64_t place_length; /* of a whole block there */
	int error; /* VHD_E_CORRUPT for an entry that must not be used */
	const struct vhd_diag *diag; /* what is wrong with it */
};

/*
 * Calls `visit` for each entry that is not simply absent, in rising order.
 * Entries in holes of the host file are not read. Stops at the first nonzero
 * result and returns it, or an I/O error.
 */
int vhd_table_walk(struct vhd_image *image,
		   int (*visit)(void *ctx, const struct vhd_table_entry *e),
		   void *ctx, struct vhd_diag *diag);

/* Every entry in place and none overlapping another, or VHD_E_CORRUPT. */
int vhd_table_verify(struct vhd_image *image, struct vhd_diag *diag);

/*
 * A sound, stored entry whose block the file's end (or a VHD's footer) cuts off
 * behind the last byte that the disk needs: the size the file must have for all
 * of it, else 0. Some programs refuse such a file.
 */
uint64_t vhd_table_short(const struct vhd_image *image,
			 const struct vhd_table_entry *e);

/* A VHDX block that has no content and never keeps a place, but names one:
 * harmless to us, Hyper-V is said to refuse it. vhdx.md 7.4 */
bool vhd_table_is_stale(const struct vhd_image *image,
			const struct vhd_table_entry *e);

/* Bytes a whole block takes in the file, with its bitmap (VHD). */
uint64_t vhd_table_place(const struct vhd_image *image);

/* The claims of an image of this format, empty. */
int vhd_table_claims(struct vhd_image *image, struct vhd_claims **out);

#endif

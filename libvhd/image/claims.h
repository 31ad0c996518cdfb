/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who owns which part of an image file: every block and every metadata range
 * claims its place, and two claims to one byte are found. Memory is bounded by
 * named limits, whatever the tables say.
 */
#ifndef VHD_IMAGE_CLAIMS_H
#define VHD_IMAGE_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

struct vhd_claims;

/* VHDX: one bit a MiB, so files up to 128 TiB take at most 16 MiB */
#define VHD_CLAIMS_FILE_MAX ((uint64_t)128 << 40)
/* VHD: four bytes a block, at most 16 MiB; enough for 2040 GiB in blocks of
 * 512 KiB, the smallest anybody writes */
#define VHD_CLAIMS_BLOCKS_MAX ((uint32_t)1 << 22)

/*
 * `unit` is 1 MiB (VHDX: every claim is aligned to it) or 512 (VHD: all block
 * claims have one length). `file_size` bounds the memory.
 */
int vhd_claims_new(uint64_t file_size, uint64_t unit, struct vhd_claims **out);
void vhd_claims_free(struct vhd_claims *claims);

/*
 * Claims a range inside the file. VHDX: VHD_E_CORRUPT at once if taken. VHD:
 * remembered; see vhd_claims_conflict(). VHD_E_LIMIT, VHD_E_NOMEM.
 */
int vhd_claims_add(struct vhd_claims *claims, uint64_t offset, uint64_t length);

/* VHD: sorts, and finds the first block that overlaps another. */
bool vhd_claims_conflict(struct vhd_claims *claims, uint64_t *offset);

/*
 * Calls `gap` for each range from `from` to `end` that nobody claimed and that
 * has at least `least` bytes. After vhd_claims_conflict().
 */
void vhd_claims_gaps(const struct vhd_claims *claims, uint64_t from,
		     uint64_t end, uint64_t least,
		     void (*gap)(void *ctx, uint64_t start, uint64_t end),
		     void *ctx);

/* The lowest and one past the highest byte claimed; 0, 0 if none. */
void vhd_claims_bounds(const struct vhd_claims *claims, uint64_t *low,
		       uint64_t *high);

#endif

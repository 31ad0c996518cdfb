/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Arithmetic on numbers from a file. Every sum and product of such numbers
 * goes through here or is bounded by a named constant first. Powers of two
 * are shifted: the core has no 64-bit division (GRUB on BIOS has none).
 */
#ifndef VHD_CORE_CHECKED_H
#define VHD_CORE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

#define VHD_KIB ((uint64_t)1 << 10)
#define VHD_MIB ((uint64_t)1 << 20)
#define VHD_GIB ((uint64_t)1 << 30)
#define VHD_TIB ((uint64_t)1 << 40)

/* [offset, offset + length) lies inside [0, limit) */
static inline bool vhd_inside(uint64_t offset, uint64_t length, uint64_t limit)
{
	return offset <= limit && length <= limit - offset;
}

/* two half-open ranges share a byte; lengths must not overflow */
static inline bool vhd_overlap(uint64_t a, uint64_t a_end, uint64_t b,
			       uint64_t b_end)
{
	return a < b_end && b < a_end;
}

static inline bool vhd_is_pow2(uint64_t v)
{
	return v && !(v & (v - 1));
}

/* v must be a power of two */
static inline uint8_t vhd_shift_of(uint64_t v)
{
	uint8_t n = 0;

	while (v > 1) {
		v >>= 1;
		n++;
	}
	return n;
}

static inline bool vhd_is_aligned(uint64_t v, uint64_t pow2)
{
	return !(v & (pow2 - 1));
}

static inline uint64_t vhd_round_down(uint64_t v, uint64_t pow2)
{
	return v & ~(pow2 - 1);
}

/* the caller has bounded v well below UINT64_MAX - pow2 */
static inline uint64_t vhd_round_up(uint64_t v, uint64_t pow2)
{
	return (v + pow2 - 1) & ~(pow2 - 1);
}

/* ceil(v / 2^shift) for any v */
static inline uint64_t vhd_shift_up(uint64_t v, uint8_t shift)
{
	return (v >> shift) + !!(v & (((uint64_t)1 << shift) - 1));
}

static inline uint64_t vhd_min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t vhd_max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif

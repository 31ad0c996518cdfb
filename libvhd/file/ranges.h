/* SPDX-License-Identifier: BSD-2-Clause */
/* A set of bytes as half-open ranges, by rising start, none touching another.
 */
#ifndef VHD_FILE_RANGES_H
#define VHD_FILE_RANGES_H

#include <stddef.h>
#include <stdint.h>

struct vhd_ranges {
	struct vhd_range_item {
		uint64_t start;
		uint64_t end;
	} * items;
	size_t count;
	size_t room;
};

/* Index of the first range that ends at or behind `at`. */
size_t vhd_ranges_find(const struct vhd_ranges *r, uint64_t at);

/* Makes sure that the next vhd_ranges_add() cannot fail; VHD_E_NOMEM. */
int vhd_ranges_reserve(struct vhd_ranges *r);

/* Adds [start, end), which is not empty. VHD_E_NOMEM. */
int vhd_ranges_add(struct vhd_ranges *r, uint64_t start, uint64_t end);

void vhd_ranges_free(struct vhd_ranges *r);

#endif

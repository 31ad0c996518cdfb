/* SPDX-License-Identifier: BSD-2-Clause */
#include "unused.h"

#include "core/checked.h"

uint64_t vhd_next_use(const struct vhd_compact_options *o, uint64_t at,
		      uint64_t end, bool *used)
{
	size_t low = 0, high = o->unused_count;
	const struct vhd_disk_range *r;

	while (low < high) { /* the first that ends behind `at` */
		size_t middle = low + (high - low) / 2;

		r = &o->unused[middle];
		if (r->start + r->length > at)
			high = middle;
		else
			low = middle + 1;
	}
	*used = true;
	if (low == o->unused_count)
		return end;
	r = &o->unused[low];
	if (r->start > at)
		return vhd_min(end, r->start);
	*used = false;
	return vhd_min(end, r->start + r->length);
}

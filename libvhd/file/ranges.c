/* SPDX-License-Identifier: BSD-2-Clause */
#include "ranges.h"

#include <stdlib.h>
#include <string.h>

#include <libvhd/error.h>

#include "core/checked.h"

size_t vhd_ranges_find(const struct vhd_ranges *r, uint64_t at)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (r->items[middle].end < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int vhd_ranges_reserve(struct vhd_ranges *r)
{
	size_t room = r->room ? 2 * r->room : 64;
	struct vhd_range_item *items;

	if (r->count < r->room)
		return 0;
	items = realloc(r->items, room * sizeof(*items));
	if (!items)
		return VHD_E_NOMEM;
	r->items = items;
	r->room = room;
	return 0;
}

int vhd_ranges_add(struct vhd_ranges *r, uint64_t start, uint64_t end)
{
	size_t first = vhd_ranges_find(r, start), last = first;
	int rc = vhd_ranges_reserve(r);

	if (rc)
		return rc;
	while (last < r->count && r->items[last].start <= end) {
		start = vhd_min(start, r->items[last].start);
		end = vhd_max(end, r->items[last].end);
		last++;
	}
	memmove(r->items + first + 1, r->items + last,
		(r->count - last) * sizeof(*r->items));
	r->items[first] = (struct vhd_range_item){start, end};
	r->count += 1 + first - last;
	return 0;
}

void vhd_ranges_free(struct vhd_ranges *r)
{
	free(r->items);
	*r = (struct vhd_ranges){NULL, 0, 0};
}

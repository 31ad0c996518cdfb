/* SPDX-License-Identifier: BSD-2-Clause */
#include "runs.h"

#include <stdlib.h>

int runs_add(struct runs *runs, uint64_t start, uint64_t length)
{
	struct run *last = runs->count ? &runs->items[runs->count - 1] : NULL;

	if (length == 0)
		return 0;
	if (last && last->start + last->length == start) {
		last->length += length;
		return 0;
	}
	if (!runs->items || runs->count == runs->room) {
		size_t room = runs->room ? 2 * runs->room : 64;
		struct run *items =
			realloc(runs->items, room * sizeof(items[0]));

		if (!items)
			return -1;
		runs->items = items;
		runs->room = room;
	}
	runs->items[runs->count++] = (struct run){start, length};
	return 0;
}

bool runs_touch(const struct runs *runs, uint64_t start, uint64_t length)
{
	size_t low = 0, high = runs->count;

	/* the first range that ends behind `start` */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct run *run = &runs->items[middle];

		if (run->start + run->length > start)
			high = middle;
		else
			low = middle + 1;
	}
	return low < runs->count && runs->items[low].start < start + length;
}

void runs_clear(struct runs *runs)
{
	free(runs->items);
	*runs = (struct runs){0};
}

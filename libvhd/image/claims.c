/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two representations for two formats: VHDX objects lie on whole MiB, so a
 * bit map of the file is small and finds a double claim at once; VHD blocks
 * start anywhere but have one length, so their start sectors are collected and
 * sorted.
 */
#include "claims.h"

#include <stdlib.h>

#include <libvhd/error.h>

#include "core/checked.h"

struct vhd_claims {
	uint64_t unit;
	uint64_t low;
	uint64_t high;
	/* VHDX */
	uint64_t *bits;
	uint64_t units;
	/* VHD */
	uint32_t *starts; /* sectors */
	uint32_t count;
	uint32_t room;
	uint64_t length;
};

int vhd_claims_new(uint64_t file_size, uint64_t unit, struct vhd_claims **out)
{
	struct vhd_claims *c = calloc(1, sizeof(*c));

	if (!c)
		return VHD_E_NOMEM;
	c->unit = unit;
	if (unit != 512) {
		c->units = (vhd_min(file_size, VHD_CLAIMS_FILE_MAX) >> 20) + 1;
		c->bits = calloc((size_t)(c->units / 64 + 1), sizeof(*c->bits));
		if (!c->bits) {
			free(c);
			return VHD_E_NOMEM;
		}
	}
	*out = c;
	return 0;
}

void vhd_claims_free(struct vhd_claims *c)
{
	if (!c)
		return;
	free(c->bits);
	free(c->starts);
	free(c);
}

static void widen(struct vhd_claims *c, uint64_t offset, uint64_t length)
{
	if (!c->high || offset < c->low)
		c->low = offset;
	c->high = vhd_max(c->high, offset + length);
}

static bool taken(const struct vhd_claims *c, uint64_t unit)
{
	return c->bits[unit / 64] >> (unit % 64) & 1;
}

static int add_units(struct vhd_claims *c, uint64_t offset, uint64_t length)
{
	uint64_t first = offset >> 20, last = (offset + length - 1) >> 20;

	if (last >= c->units)
		return VHD_E_LIMIT;
	for (uint64_t u = first; u <= last; u++)
		if (taken(c, u))
			return VHD_E_CORRUPT;
	for (uint64_t u = first; u <= last; u++)
		c->bits[u / 64] |= (uint64_t)1 << (u % 64);
	return 0;
}

static int add_start(struct vhd_claims *c, uint64_t offset, uint64_t length)
{
	if (c->count == VHD_CLAIMS_BLOCKS_MAX)
		return VHD_E_LIMIT;
	if (c->count == c->room) {
		uint32_t room = c->room ? c->room * 2 : 256;
		uint32_t *starts = realloc(c->starts, room * sizeof(*starts));

		if (!starts)
			return VHD_E_NOMEM;
		c->starts = starts;
		c->room = room;
	}
	c->starts[c->count++] = (uint32_t)(offset / 512);
	c->length = vhd_max(c->length, length);
	return 0;
}

int vhd_claims_add(struct vhd_claims *c, uint64_t offset, uint64_t length)
{
	int rc = c->bits ? add_units(c, offset, length)
			 : add_start(c, offset, length);

	if (!rc)
		widen(c, offset, length);
	return rc;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

bool vhd_claims_conflict(struct vhd_claims *c, uint64_t *offset)
{
	if (c->bits || !c->count)
		return false;
	qsort(c->starts, c->count, sizeof(*c->starts), by_value);
	for (uint32_t i = 1; i < c->count; i++) {
		uint64_t gap = (uint64_t)c->starts[i] - c->starts[i - 1];

		if (gap * 512 < c->length) {
			*offset = (uint64_t)c->starts[i] * 512;
			return true;
		}
	}
	return false;
}

/* where the gaps of one search go */
struct gaps {
	uint64_t least;
	void (*gap)(void *ctx, uint64_t start, uint64_t end);
	void *ctx;
};

static void offer(const struct gaps *g, uint64_t start, uint64_t end)
{
	if (end > start && end - start >= g->least)
		g->gap(g->ctx, start, end);
}

static void gaps_of_units(const struct vhd_claims *c, uint64_t from,
			  uint64_t end, const struct gaps *g)
{
	uint64_t last = vhd_min(end >> 20, c->units), start = from >> 20;

	for (uint64_t u = start; u < last;) {
		/* a log can claim that the file is huge: skip empty words */
		if (u % 64 == 0 && last - u >= 64 && !c->bits[u / 64]) {
			u += 64;
			continue;
		}
		if (taken(c, u)) {
			offer(g, start << 20, u << 20);
			start = u + 1;
		}
		u++;
	}
	offer(g, start << 20, last << 20);
}

static void gaps_of_sectors(const struct vhd_claims *c, uint64_t from,
			    uint64_t end, const struct gaps *g)
{
	uint64_t at = from;

	for (uint32_t i = 0; i < c->count; i++) {
		uint64_t start = (uint64_t)c->starts[i] * 512;

		offer(g, at, start);
		at = vhd_max(at, start + c->length);
	}
	offer(g, at, end);
}

void vhd_claims_gaps(const struct vhd_claims *c, uint64_t from, uint64_t end,
		     uint64_t least,
		     void (*gap)(void *ctx, uint64_t start, uint64_t end),
		     void *ctx)
{
	const struct gaps g = {least, gap, ctx};

	if (c->bits)
		gaps_of_units(c, from, end, &g);
	else
		gaps_of_sectors(c, from, end, &g);
}

void vhd_claims_bounds(const struct vhd_claims *c, uint64_t *low,
		       uint64_t *high)
{
	*low = c->low;
	*high = c->high;
}

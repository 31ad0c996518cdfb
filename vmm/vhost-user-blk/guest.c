/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest.h"

#include <string.h>

static bool overlap(uint64_t a, uint64_t b, uint64_t a_size, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static const char *check(const struct vub_guest *g, const struct vub_region *r)
{
	if (g->count == VUB_REGIONS_MAX)
		return "too many memory regions";
	/* nowhere does the end of a region come around */
	if (!r->size || r->guest + r->size < r->guest ||
	    r->user + r->size < r->user)
		return "a memory region has an impossible size";
	for (unsigned i = 0; i < g->count; i++) {
		const struct vub_guest_region *o = &g->regions[i];

		if (overlap(o->guest, r->guest, o->map.size, r->size) ||
		    overlap(o->user, r->user, o->map.size, r->size))
			return "memory regions overlap";
	}
	return NULL;
}

const char *vub_guest_add(struct vub_guest *g, const struct vub_region *r,
			  int fd)
{
	struct vub_guest_region *region = &g->regions[g->count];
	const char *wrong = check(g, r);

	if (!wrong)
		wrong = vub_map_open(&region->map, fd, r->offset, r->size);
	if (wrong)
		return wrong;
	region->guest = r->guest;
	region->user = r->user;
	g->count++;
	return NULL;
}

const char *vub_guest_remove(struct vub_guest *g, const struct vub_region *r)
{
	for (unsigned i = 0; i < g->count; i++) {
		struct vub_guest_region *o = &g->regions[i];

		if (o->guest != r->guest || o->user != r->user ||
		    o->map.size != r->size)
			continue;
		vub_map_close(&o->map);
		*o = g->regions[--g->count];
		memset(&g->regions[g->count], 0, sizeof(*o));
		return NULL;
	}
	return "no such memory region";
}

void vub_guest_clear(struct vub_guest *g)
{
	for (unsigned i = 0; i < g->count; i++)
		vub_map_close(&g->regions[i].map);
	memset(g, 0, sizeof(*g));
}

void *vub_guest_at(const struct vub_guest *g, uint64_t address,
		   uint64_t *length)
{
	for (unsigned i = 0; i < g->count; i++) {
		const struct vub_guest_region *r = &g->regions[i];
		uint64_t at = address - r->guest;

		if (address < r->guest || at >= r->map.size)
			continue;
		if (*length > r->map.size - at)
			*length = r->map.size - at;
		return r->map.start + at;
	}
	return NULL;
}

void *vub_guest_user(const struct vub_guest *g, uint64_t address,
		     uint64_t length)
{
	for (unsigned i = 0; i < g->count; i++) {
		const struct vub_guest_region *r = &g->regions[i];
		uint64_t at = address - r->user;

		if (address >= r->user && at < r->map.size &&
		    length <= r->map.size - at)
			return r->map.start + at;
	}
	return NULL;
}

bool vub_guest_copy(const struct vub_guest *g, uint64_t address, void *out,
		    size_t length)
{
	uint8_t *to = out;

	while (length) {
		uint64_t n = length;
		const void *from = vub_guest_at(g, address, &n);

		if (!from)
			return false;
		memcpy(to, from, n);
		to += n;
		address += n;
		length -= n;
	}
	return true;
}

void vub_guest_mark(const struct vub_guest *g, struct vub_dirty *dirty,
		    const void *at, uint64_t length)
{
	for (unsigned i = 0; i < g->count; i++) {
		const struct vub_guest_region *r = &g->regions[i];
		uintptr_t start = (uintptr_t)r->map.start;

		if ((uintptr_t)at >= start &&
		    (uintptr_t)at - start < r->map.size) {
			vub_dirty_mark(dirty,
				       r->guest + ((uintptr_t)at - start),
				       length);
			return;
		}
	}
}

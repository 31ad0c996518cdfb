/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's memory: regions of files that the front end shares. Every address
 * that comes from outside is looked up here, with its length.
 */
#ifndef VUB_GUEST_H
#define VUB_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dirty.h"
#include "map.h"
#include "proto.h"

#define VUB_REGIONS_MAX 64u

struct vub_guest_region {
	uint64_t guest; /* address in the guest */
	uint64_t user;  /* in the front end's process */
	struct vub_map map;
};

struct vub_guest {
	struct vub_guest_region regions[VUB_REGIONS_MAX];
	unsigned count;
};

/* `fd` stays the caller's. NULL, or what is wrong. */
const char *vub_guest_add(struct vub_guest *guest,
			  const struct vub_region *region, int fd);
const char *vub_guest_remove(struct vub_guest *guest,
			     const struct vub_region *region);
void vub_guest_clear(struct vub_guest *guest);

/*
 * Where the bytes at a guest's address lie. *length comes in as what is wanted
 * and goes out as what lies there together. NULL if nothing does.
 */
void *vub_guest_at(const struct vub_guest *guest, uint64_t address,
		   uint64_t *length);
/* `length` bytes at the front end's address, all in one region, or NULL. */
void *vub_guest_user(const struct vub_guest *guest, uint64_t address,
		     uint64_t length);
/* Copies from the guest; false if a part lies nowhere. */
bool vub_guest_copy(const struct vub_guest *guest, uint64_t address, void *out,
		    size_t length);

/* Marks what was written at our address. */
void vub_guest_mark(const struct vub_guest *guest, struct vub_dirty *dirty,
		    const void *at, uint64_t length);

#endif

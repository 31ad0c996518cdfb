/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A split virtqueue: which descriptor chains the guest has made available,
 * which are used, and who wants to be told. The guest may write anything here
 * at any time; what counts is only read once.
 */
#ifndef VUB_RING_H
#define VUB_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "guest.h"
#include "virtio.h"

#define VUB_RING_MAX 4096u /* descriptors */

struct vub_ring {
	unsigned num;
	struct vub_vring_addr addr; /* as the front end gave them */
	struct virtq_desc *desc;    /* where they lie, by vub_ring_map() */
	struct virtq_avail *avail;
	struct virtq_used *used;
	bool event_idx;
	uint16_t last_avail; /* the next to be taken */
	uint16_t used_idx;   /* the next to be filled */
	uint16_t signaled;   /* used_idx when the guest was last told */
	bool signaled_valid;
	struct vub_dirty *dirty; /* NULL: used elements are not logged */
};

/* Finds the three parts in memory. NULL, or what is wrong. */
const char *vub_ring_map(struct vub_ring *ring, const struct vub_guest *guest);

/* Chains that wait to be taken; -1 if the guest claims what cannot be. */
int vub_ring_waiting(const struct vub_ring *ring);
/* The head of the next one, any number; there must be one. */
uint16_t vub_ring_take(struct vub_ring *ring);

/* Fills in the next used element; the guest sees it after publishing. */
void vub_ring_fill(struct vub_ring *ring, uint16_t head, uint32_t length);
void vub_ring_publish(struct vub_ring *ring);
/* Does the guest want to be told of what was published? */
bool vub_ring_tells(struct vub_ring *ring);

/*
 * The guest is to kick from now on. True if there are chains already, which it
 * may not kick for.
 */
bool vub_ring_ask_kicks(struct vub_ring *ring);
/* It need not. */
void vub_ring_no_kicks(struct vub_ring *ring);

#endif

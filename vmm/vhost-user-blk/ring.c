/* SPDX-License-Identifier: BSD-2-Clause */
#include "ring.h"

#include "shared.h"

static uint16_t *used_event(const struct vub_ring *r)
{
	return &r->avail->ring[r->num];
}

/* behind the elements, as two halves of one more */
static uint16_t *avail_event(const struct vub_ring *r)
{
	return (uint16_t *)(void *)&r->used->ring[r->num];
}

const char *vub_ring_map(struct vub_ring *r, const struct vub_guest *g)
{
	const struct vub_vring_addr *a = &r->addr;

	if (!r->num)
		return "a ring without a size";
	if (a->desc % 16 || a->avail % 2 || a->used % 4)
		return "a ring is not aligned";
	r->desc = vub_guest_user(g, a->desc, 16ull * r->num);
	r->avail = vub_guest_user(g, a->avail, 6 + 2ull * r->num);
	r->used = vub_guest_user(g, a->used, 6 + 8ull * r->num);
	if (!r->desc || !r->avail || !r->used)
		return "a ring lies outside memory";
	/* the file may have been mapped at any byte */
	if ((uintptr_t)r->desc % 16 || (uintptr_t)r->avail % 2 ||
	    (uintptr_t)r->used % 4)
		return "a ring is not aligned in its file";
	return NULL;
}

int vub_ring_waiting(const struct vub_ring *r)
{
	uint16_t n = (uint16_t)(vub_load16(&r->avail->idx) - r->last_avail);

	return n > r->num ? -1 : n;
}

uint16_t vub_ring_take(struct vub_ring *r)
{
	return vub_load16(&r->avail->ring[r->last_avail++ & (r->num - 1)]);
}

/* -- used --------------------------------------------------------------------
 */

static void log_used(const struct vub_ring *r, uint64_t offset, uint64_t length)
{
	if (r->dirty && (r->addr.flags & VUB_VRING_LOG))
		vub_dirty_mark(r->dirty, r->addr.log + offset, length);
}

void vub_ring_fill(struct vub_ring *r, uint16_t head, uint32_t length)
{
	unsigned at = r->used_idx++ & (r->num - 1);

	vub_store32(&r->used->ring[at].id, head);
	vub_store32(&r->used->ring[at].len, length);
	log_used(r, sizeof(*r->used) + 8ull * at, 8);
}

void vub_ring_publish(struct vub_ring *r)
{
	vub_store16(&r->used->idx, r->used_idx);
	log_used(r, 0, sizeof(*r->used));
}

bool vub_ring_tells(struct vub_ring *r)
{
	uint16_t before = r->signaled, now = r->used_idx;
	bool valid = r->signaled_valid;

	vub_fence();
	if (!r->event_idx)
		return !(vub_load16(&r->avail->flags) & VIRTQ_NO_INTERRUPT);
	r->signaled = now;
	r->signaled_valid = true;
	/* has the index that the guest named been passed? */
	return !valid || (uint16_t)(now - vub_load16(used_event(r)) - 1) <
				 (uint16_t)(now - before);
}

/* -- kicks -------------------------------------------------------------------
 */

bool vub_ring_ask_kicks(struct vub_ring *r)
{
	if (r->event_idx) {
		vub_store16(avail_event(r), r->last_avail);
		log_used(r, sizeof(*r->used) + 8ull * r->num, 2);
	} else {
		vub_store16(&r->used->flags, 0);
		log_used(r, 0, 2);
	}
	vub_fence();
	return vub_ring_waiting(r) != 0;
}

void vub_ring_no_kicks(struct vub_ring *r)
{
	if (r->event_idx)
		return; /* an index that was passed is no request */
	vub_store16(&r->used->flags, VIRTQ_NO_NOTIFY);
	log_used(r, 0, 2);
}

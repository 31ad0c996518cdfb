/* SPDX-License-Identifier: BSD-2-Clause */
#include "inflight.h"

#include <stdlib.h>

#define VERSION 1u
#define ALIGN   64u

/* each store is to be where others see it before the next */
#define STORE(to, value) __atomic_store_n(&(to), value, __ATOMIC_SEQ_CST)
#define LOAD(from)       __atomic_load_n(&(from), __ATOMIC_SEQ_CST)

_Static_assert(sizeof(struct vub_inflight_desc) == 16, "inflight descriptor");
_Static_assert(sizeof(struct vub_inflight_head) == 16, "inflight queue");

size_t vub_inflight_size(unsigned num)
{
	size_t size = sizeof(struct vub_inflight_head) +
		      num * sizeof(struct vub_inflight_desc);

	return (size + ALIGN - 1) / ALIGN * ALIGN;
}

void vub_inflight_format(void *area, unsigned num)
{
	struct vub_inflight_head *a = area;

	a->version = VERSION;
	a->desc_num = (uint16_t)num;
}

void vub_inflight_take(struct vub_inflight *i, uint16_t head)
{
	if (!i->area)
		return;
	STORE(i->area->desc[head].counter, ++i->counter);
	STORE(i->area->desc[head].inflight, 1);
}

void vub_inflight_use(struct vub_inflight *i, uint16_t head)
{
	if (!i->area)
		return;
	STORE(i->area->desc[head].next, LOAD(i->area->last_batch_head));
	STORE(i->area->last_batch_head, head);
}

void vub_inflight_published(struct vub_inflight *i, const uint16_t *heads,
			    unsigned count, uint16_t used_idx)
{
	if (!i->area)
		return;
	for (unsigned n = 0; n < count; n++)
		STORE(i->area->desc[heads[n]].inflight, 0);
	STORE(i->area->used_idx, used_idx);
}

/* -- after a crash -----------------------------------------------------------
 */

/* the guest saw the last batch, but its marks may still be there */
static void finish_batch(struct vub_inflight *i, uint16_t used_idx)
{
	uint16_t left = (uint16_t)(used_idx - LOAD(i->area->used_idx));
	uint16_t head = LOAD(i->area->last_batch_head);

	if (left > i->num) /* made up; believe the ring */
		left = 0;
	for (; left && head < i->num; left--) {
		STORE(i->area->desc[head].inflight, 0);
		head = LOAD(i->area->desc[head].next);
	}
	STORE(i->area->used_idx, used_idx);
}

struct taken {
	uint64_t counter;
	uint16_t head;
};

static int by_counter(const void *a, const void *b)
{
	const struct taken *x = a, *y = b;

	return (x->counter > y->counter) - (x->counter < y->counter);
}

static int list(struct vub_inflight *i, struct taken *taken, uint16_t *heads)
{
	unsigned count = 0;

	for (unsigned n = 0; n < i->num; n++) {
		if (LOAD(i->area->desc[n].inflight) != 1)
			continue;
		taken[count].counter = LOAD(i->area->desc[n].counter);
		taken[count++].head = (uint16_t)n;
	}
	qsort(taken, count, sizeof(*taken), by_counter);
	for (unsigned n = 0; n < count; n++)
		heads[n] = taken[n].head;
	i->counter = count ? taken[count - 1].counter : 0;
	return (int)count;
}

int vub_inflight_recover(struct vub_inflight *i, uint16_t used_idx,
			 uint16_t *heads)
{
	struct taken *taken;
	int count;

	if (i->num > i->room || LOAD(i->area->version) != VERSION ||
	    LOAD(i->area->desc_num) < i->num)
		return -1;
	taken = calloc(i->num, sizeof(*taken));
	if (!taken)
		return -1;
	finish_batch(i, used_idx);
	count = list(i, taken, heads);
	free(taken);
	return count;
}

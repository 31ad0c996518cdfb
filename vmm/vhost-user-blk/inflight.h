/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests in flight, in memory that outlives us: the front end keeps it, and
 * hands it to the process that is started after we have died. Layout and order
 * are those of the specification ("Inflight I/O tracking", split virtqueue).
 *
 * A head is marked when it is taken. When it is used, it becomes the first of
 * the last batch; then the used index is published; then the marks of the
 * batch are cleared; then the area's used index follows. Whatever step is the
 * last, the next process can tell which requests the guest has seen the end of.
 *
 * The front end may have written anything here.
 */
#ifndef VUB_INFLIGHT_H
#define VUB_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct vub_inflight_desc {
	uint8_t inflight;
	uint8_t padding[5];
	uint16_t next;
	uint64_t counter;
};

struct vub_inflight_head {
	uint64_t features;
	uint16_t version;
	uint16_t desc_num;
	uint16_t last_batch_head;
	uint16_t used_idx;
	struct vub_inflight_desc desc[];
};

/* One queue's view of it. */
struct vub_inflight {
	struct vub_inflight_head *area; /* NULL: nobody keeps track */
	unsigned room;                  /* descriptors that the area is for */
	unsigned num;                   /* that the ring has */
	uint64_t counter;               /* the last that was given out */
};

/* Bytes that a queue of `num` descriptors needs. */
size_t vub_inflight_size(unsigned num);
/* Makes an area of zeros a queue's. */
void vub_inflight_format(void *area, unsigned num);

/*
 * Begins with what the area holds, `used_idx` being the ring's. Fills `heads`,
 * with room for `num`, with those that were taken and never used, in the order
 * in which they were taken. Returns how many, or -1 if the area is no queue's.
 */
int vub_inflight_recover(struct vub_inflight *inflight, uint16_t used_idx,
			 uint16_t *heads);

void vub_inflight_take(struct vub_inflight *inflight, uint16_t head);
/* Before the used index is published. */
void vub_inflight_use(struct vub_inflight *inflight, uint16_t head);
/* After it; heads[] are those of the batch. */
void vub_inflight_published(struct vub_inflight *inflight,
			    const uint16_t *heads, unsigned count,
			    uint16_t used_idx);

#endif

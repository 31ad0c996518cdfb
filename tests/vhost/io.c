/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver's side of a ring. */
#include <endian.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frontend.h"
#include "shared.h"

/* -- chains ------------------------------------------------------------------
 */

struct list {
	struct virtq_desc descs[FRONT_PIECES + 4];
	unsigned count;
};

static uint64_t guest_of(const struct front *f, const void *at)
{
	return FRONT_GUEST + (uint64_t)((const uint8_t *)at - f->memory);
}

static void add(struct list *l, uint64_t addr, uint32_t len, bool write)
{
	l->descs[l->count++] = (struct virtq_desc){
		.addr = htole64(addr),
		.len = htole32(len),
		.flags = write ? VIRTQ_WRITE : 0,
	};
}

static void add_data(struct list *l, const struct front_io *io)
{
	bool in =
		io->type == VIRTIO_BLK_T_IN || io->type == VIRTIO_BLK_T_GET_ID;
	unsigned pieces = io->pieces ? io->pieces : 1;
	uint32_t each = io->length / pieces, at = 0;

	for (unsigned i = 0; i < pieces && io->length; i++) {
		uint32_t n = i + 1 < pieces ? each : io->length - at;

		if (n)
			add(l, io->address + at, n, in);
		at += n;
	}
}

static void build(struct list *l, struct front_queue *q,
		  const struct front_io *io, uint16_t head)
{
	uint8_t *header = q->headers + 16u * head;
	const struct virtio_blk_header h = {
		.type = htole32(io->type),
		.sector = htole64(io->sector),
	};
	uint64_t at = guest_of(q->front, header);

	memcpy(header, &h, sizeof(h));
	q->status[head] = 0xee;
	l->count = 0;
	add(l, at, io->split_header ? 5 : 16, false);
	if (io->split_header)
		add(l, at + 5, 11, false);
	add_data(l, io);
	add(l, guest_of(q->front, &q->status[head]), 1, true);
}

/* a table of its own, and one descriptor for it */
static void make_indirect(struct list *l, struct front_queue *q, uint16_t head)
{
	struct virtq_desc *table = q->tables + (FRONT_PIECES + 4u) * head;

	for (unsigned i = 0; i < l->count; i++) {
		table[i] = l->descs[i];
		if (i + 1 == l->count)
			break;
		table[i].flags |= VIRTQ_NEXT;
		table[i].next = (uint16_t)(i + 1);
	}
	l->descs[0] = (struct virtq_desc){
		.addr = guest_of(q->front, table),
		.len = (uint32_t)(16 * l->count),
		.flags = VIRTQ_INDIRECT,
	};
	l->count = 1;
}

static void link_chain(struct front_queue *q, const struct list *l,
		       uint16_t head)
{
	uint16_t at = head;

	for (unsigned i = 0; i < l->count; i++) {
		struct virtq_desc d = l->descs[i];

		if (i + 1 < l->count) {
			d.flags |= VIRTQ_NEXT;
			d.next = q->free[--q->free_count];
		}
		q->desc[at] = d;
		at = d.next;
	}
	q->slots[head].descs = l->count;
}

int front_submit(struct front_queue *q, const struct front_io *io)
{
	bool indirect =
		io->indirect && (q->front->features & VIRTIO_INDIRECT_DESC);
	struct list list;
	uint16_t head;

	/* a split header, the data, the status */
	if (q->free_count < (indirect ? 1 : (io->pieces ? io->pieces : 1) + 3))
		return -1;
	head = q->free[--q->free_count];
	build(&list, q, io, head);
	if (indirect)
		make_indirect(&list, q, head);
	link_chain(q, &list, head);
	q->slots[head].user = io->user;
	q->slots[head].busy = true;
	q->avail->ring[q->avail_idx % q->num] = htole16(head);
	vub_store16(&q->avail->idx, ++q->avail_idx);
	return head;
}

void front_kick(struct front_queue *q)
{
	const uint64_t one = 1;
	uint16_t before = q->kicked, now = q->avail_idx, event;
	bool wanted;

	vub_fence();
	q->kicked = now;
	if (q->front->features & VIRTIO_EVENT_IDX) {
		event = vub_load16((uint16_t *)(void *)&q->used->ring[q->num]);
		wanted = (uint16_t)(now - event - 1) < (uint16_t)(now - before);
	} else {
		wanted = !(vub_load16(&q->used->flags) & VIRTQ_NO_NOTIFY);
	}
	if (!wanted || q->front->options.no_kick)
		return;
	q->kicks++;
	(void)!write(q->kick, &one, sizeof(one));
}

/* -- what is done ------------------------------------------------------------
 */

static void give_back(struct front_queue *q, uint16_t head)
{
	unsigned count = q->slots[head].descs;
	uint16_t at = head;

	for (unsigned i = 0; i < count; i++) {
		q->free[q->free_count++] = at;
		at = q->desc[at].next;
	}
}

static bool has_more(const struct front_queue *q)
{
	return vub_load16(&q->used->idx) != q->last_used;
}

bool front_reap(struct front_queue *q, struct front_done *out)
{
	struct virtq_used_elem e;

	if (!has_more(q))
		return false;
	e = q->used->ring[q->last_used++ % q->num];
	out->head = (uint16_t)le32toh(e.id);
	out->length = le32toh(e.len);
	if (le32toh(e.id) >= q->num || !q->slots[out->head].busy) {
		fprintf(stderr, "front end: queue %u: %u ended twice\n",
			q->index, le32toh(e.id));
		exit(1);
	}
	out->user = q->slots[out->head].user;
	out->status = q->status[out->head];
	q->slots[out->head].busy = false;
	give_back(q, out->head);
	return true;
}

/* from here on we want to be told */
static bool ask_calls(struct front_queue *q)
{
	if (q->front->features & VIRTIO_EVENT_IDX)
		vub_store16(&q->avail->ring[q->num], q->last_used);
	vub_fence();
	return has_more(q);
}

bool front_wait(struct front_queue *q, int timeout_ms)
{
	struct pollfd p = {.fd = q->call, .events = POLLIN};
	uint64_t count;

	while (!ask_calls(q)) {
		if (poll(&p, 1, timeout_ms) <= 0)
			return has_more(q);
		if (read(q->call, &count, sizeof(count)) > 0)
			q->calls += count;
	}
	return true;
}

uint8_t front_do(struct front_queue *q, const struct front_io *io)
{
	struct front_done done;

	if (front_submit(q, io) < 0)
		return 0xff;
	front_kick(q);
	if (!front_wait(q, 60000) || !front_reap(q, &done))
		return 0xfe;
	return done.status;
}

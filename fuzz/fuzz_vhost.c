/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest and a front end can send to the vhost-user back end, without the
 * threads and the sockets: chains of descriptors and requests in a guest's
 * memory that the input is laid out in, indexes of a ring, and the record of
 * what is in flight.
 *
 * The first byte chooses; the rest is the memory.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include <libvhd.h>

#include "chain.h"
#include "guard.h"
#include "inflight.h"
#include "request.h"
#include "support/cow.h"
#include "support/subject.h"

#define MEMORY 65536u
#define GUEST  0x10000u
#define NUM    16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vub_guest guest;
static struct vhd_disk *disk;
static int memory = -1;

/* two regions of one file, that meet */
static void set_up(void)
{
	const struct vub_region regions[2] = {
		{GUEST, MEMORY / 2, 0, 0},
		{GUEST + MEMORY / 2, MEMORY / 2, MEMORY / 2, MEMORY / 2},
	};
	const struct subject *s = &subjects[0];
	struct cow *content = subject_make(s);

	memory = memfd_create("guest", MFD_CLOEXEC);
	if (vub_guard_install() || ftruncate(memory, MEMORY) ||
	    vub_guest_add(&guest, &regions[0], memory) ||
	    vub_guest_add(&guest, &regions[1], memory) ||
	    subject_open(s, cow_file(content, true), NULL, true, &disk, NULL))
		abort();
}

static void try_request(struct vub_chain *chain)
{
	const struct vub_target target = {disk, false, "serial"};
	struct vub_request r = {0};
	const char *wrong;

	if (vub_request_read(&r, chain, &target, &wrong) < 0) {
		(void)vub_request_parts(&r);
		(void)vub_request_changes(&r, &target);
	}
	(void)vub_request_written(&r, 0);
	if (r.status)
		*r.status = 0;
	vub_request_drop(&r);
}

/* the ring at the start of memory, and whatever it says */
static void try_ring(bool indirect)
{
	static struct vub_chain chain;
	struct vub_ring ring = {
		.num = NUM,
		.addr = {.desc = 0, .avail = 16 * NUM, .used = 32 * NUM},
		.event_idx = true,
	};
	int waiting;

	if (vub_ring_map(&ring, &guest))
		abort();
	waiting = vub_ring_waiting(&ring);
	for (int i = 0; i < waiting; i++) {
		uint16_t head = vub_ring_take(&ring);

		if (!vub_chain_read(&chain, &ring, &guest, indirect, head))
			try_request(&chain);
		vub_ring_fill(&ring, head, 1);
	}
	vub_ring_publish(&ring);
	(void)vub_ring_tells(&ring);
	(void)vub_ring_ask_kicks(&ring);
}

static void try_inflight(uint8_t *bytes, uint16_t used_idx)
{
	struct vub_inflight f = {
		.area = (void *)bytes,
		.room = NUM,
		.num = NUM,
	};
	uint16_t heads[NUM];
	int count = vub_inflight_recover(&f, used_idx, heads);

	for (int i = 0; i < count; i++) {
		if (heads[i] >= NUM)
			abort();
		vub_inflight_use(&f, heads[i]);
	}
	if (count > 0)
		vub_inflight_published(&f, heads, (unsigned)count, used_idx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *bytes;

	if (memory < 0)
		set_up();
	if (size < 2 || size > MEMORY)
		return 0;
	bytes = guest.regions[0].map.start;
	memset(bytes, 0, MEMORY / 2);
	memset(guest.regions[1].map.start, 0, MEMORY / 2);
	if (pwrite(memory, data + 1, size - 1, 0) < 0)
		abort();
	if (data[0] & 1)
		try_inflight(bytes, data[0]);
	else
		try_ring(data[0] & 2);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A front end and a guest that mean harm. Whatever they send, the program lives
 * on, serves the next front end as it should, and keeps no descriptor.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "daemon.h"
#include "frontend.h"
#include "hostile.h"
#include "shared.h"

#define SIZE ((uint64_t)8 << 20)

static const char *path;
static uint64_t seed = 4;

/* -- rings -------------------------------------------------------------------
 */

/* descriptors as they are, and one head; true if it was used */
static bool try_chain(const struct virtq_desc *descs, unsigned count,
		      uint16_t head, uint8_t *status)
{
	struct front *f = front_open(path, NULL);
	struct front_queue *q = &f->queues[0];
	const uint64_t one = 1;
	bool used;

	memcpy(q->desc, descs, count * sizeof(*descs));
	*(uint8_t *)front_at(f, f->data + 8192) = 0xee;
	q->avail->ring[0] = head;
	vub_store16(&q->avail->idx, 1);
	(void)!write(q->kick, &one, sizeof(one));
	if (head < q->num) {
		EXPECT(front_wait(q, 30000));
		used = q->used->idx == 1 && q->used->ring[0].id == head;
	} else {
		/* the ring is given up, and we are told */
		EXPECT(read(q->error, &(uint64_t){0}, 8) == 8 || !q->used->idx);
		used = q->used->idx;
	}
	*status = *(uint8_t *)front_at(f, f->data + 8192);
	front_close(f);
	return used;
}

#define N      VIRTQ_NEXT
#define W      VIRTQ_WRITE
#define I      VIRTQ_INDIRECT
#define STATUS status_at

/* each is a chain that must come back without having been done */
static void bad_chains(void)
{
	struct front *f = front_open(path, NULL);
	uint64_t data = f->data, status_at = f->data + 8192;
	uint64_t end = FRONT_GUEST + f->memory_size;
	const struct {
		struct virtq_desc d[4];
		unsigned count;
	} chains[] = {
		{{{data, 16, N, 0}}, 1}, /* a loop of one */
		{{{data, 16, N, 1}, {data, 1, N, 0}}, 2},
		{{{data, 16, N | W, 1}, {data, 1, N | W, 0}}, 2},
		{{{data, 16, N, 500}}, 1}, /* no such descriptor */
		{{{0, 16, N, 1}, {STATUS, 1, W, 0}}, 2}, /* outside */
		{{{end - 8, 16, N, 1}, {STATUS, 1, W, 0}}, 2},
		{{{UINT64_MAX - 4, 16, N, 1}, {STATUS, 1, W, 0}}, 2},
		{{{data, UINT32_MAX, N, 1}, {STATUS, 1, W, 0}}, 2},
		{{{data, 16, N, 1},
		  {data, UINT32_MAX, N | W, 2},
		  {STATUS, 1, W, 0}},
		 3},
		{{{data, 16, 0, 0}}, 1},                    /* no status */
		{{{data, 15, N, 1}, {STATUS, 1, W, 0}}, 2}, /* no header */
		{{{STATUS, 1, W, 0}}, 1},
		{{{data, 0, 0, 0}}, 1}, /* nothing at all */
		{{{STATUS, 1, N | W, 1}, {data, 16, 0, 0}}, 2}, /* order */
		{{{data, 0, I, 0}}, 1}, /* indirect: empty */
		{{{data, 17, I, 0}}, 1},
		{{{data, 16u << 20, I, 0}}, 1},
		{{{end - 8, 32, I, 0}}, 1},
		{{{0, 32, I, 0}}, 1},
		{{{data, 32, I | N, 1}, {data, 16, 0, 0}}, 2},
		{{{FRONT_GUEST, 16, I, 0}}, 1}, /* inside another */
	};

	front_close(f);
	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		uint8_t status;

		if (!try_chain(chains[i].d, chains[i].count, 0, &status) ||
		    status == VIRTIO_BLK_S_OK) {
			fprintf(stderr, "chain %zu: status %u\n", i, status);
			test_failed = 1;
		}
	}
}

/* the ring itself; true if it was given up */
static bool try_ring(uint16_t idx, uint16_t first, uint16_t second)
{
	struct front *f = front_open(path, NULL);
	struct front_queue *q = &f->queues[0];
	uint64_t count, one = 1;
	bool told = false;

	q->avail->ring[0] = first;
	q->avail->ring[1] = second;
	vub_store16(&q->avail->idx, idx);
	(void)!write(q->kick, &one, sizeof(one));
	for (unsigned i = 0; i < 1000 && !told; i++) {
		told = read(q->error, &count, sizeof(count)) == 8;
		usleep(told ? 0 : 10000);
	}
	front_close(f);
	return told;
}

static void bad_rings(void)
{
	EXPECT(try_ring(129, 0, 0));    /* more than there are */
	EXPECT(try_ring(0x8000, 0, 0)); /* backwards */
	EXPECT(try_ring(1, 128, 0));    /* no such head */
	EXPECT(try_ring(1, 0xffff, 0));
}

/* random descriptors, heads and indexes, quickly one after another */
static void random_rings(void)
{
	for (unsigned round = 0; round < 40; round++) {
		struct front *f = front_open(path, NULL);
		struct front_queue *q = &f->queues[0];
		const uint64_t one = 1;

		for (unsigned i = 0; i < q->num; i++)
			q->desc[i] = (struct virtq_desc){
				f->data + lot(&seed) % (1 << 20),
				(uint32_t)(lot(&seed) % 4096), lot(&seed) % 8,
				(uint16_t)(lot(&seed) % q->num)};
		for (unsigned i = 0; i < 20; i++) {
			for (unsigned n = 0; n < 8; n++)
				q->avail->ring[lot(&seed) % q->num] =
					(uint16_t)(lot(&seed) % q->num);
			vub_store16(&q->avail->idx,
				    (uint16_t)(q->avail->idx + lot(&seed) % 9));
			(void)!write(q->kick, &one, sizeof(one));
		}
		front_close(f);
	}
}

/* -- memory ------------------------------------------------------------------
 */

static struct front_io io_of(const struct front *f, uint32_t type)
{
	return (struct front_io){
		.type = type,
		.address = f->data + (1 << 20),
		.length = 65536,
		.pieces = 3,
	};
}

/* a record of what is in flight that is nothing but noise */
static void bad_inflight(void)
{
	const struct front_options o = {.inflight = true};

	for (unsigned round = 0; round < 20; round++) {
		struct front *f = front_open(path, &o);
		uint8_t *area;

		front_disconnect(f);
		area = mmap(NULL, f->inflight.size, PROT_READ | PROT_WRITE,
			    MAP_SHARED, f->inflight_fd, 0);
		EXPECT(area != MAP_FAILED);
		for (size_t i = 12; i < f->inflight.size; i++)
			if (lot(&seed) % 2)
				area[i] = (uint8_t)(lot(&seed) % 3);
		munmap(area, f->inflight.size);
		front_reconnect(f, path);
		front_close(f);
	}
}

/* the file is cut while requests and rings are in it */
static void cut_memory(bool rings)
{
	struct front *f = front_open(path, NULL);
	struct front_queue *q = &f->queues[0];
	uint64_t left = rings ? 0 : f->data - FRONT_GUEST;
	const uint64_t one = 1;
	struct front_io io = io_of(f, VIRTIO_BLK_T_IN);

	for (unsigned i = 0; i < 20; i++) {
		io.type = i % 3 ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT;
		if (front_submit(q, &io) < 0)
			break;
	}
	EXPECT(!ftruncate(f->memory_fd, (off_t)left));
	(void)!write(q->kick, &one, sizeof(one));
	if (!rings) {
		struct front_done done;
		unsigned ended = 0;

		while (ended < 20 && front_wait(q, 30000))
			while (front_reap(q, &done))
				ended++;
		EXPECT(ended == 20);
	}
	front_close(f);
}

/* in the middle of requests, and of a message */
static void cut_connection(void)
{
	for (unsigned i = 0; i < 20; i++) {
		struct front *f = front_open(path, NULL);
		struct front_io io = io_of(f, VIRTIO_BLK_T_OUT);

		while (front_submit(&f->queues[0], &io) >= 0)
			;
		front_kick(&f->queues[0]);
		send(f->fd, "\2\0\0\0\1\0\0\0\10\0\0\0half", 15, 0);
		front_close(f);
	}
}

/* an eventfd that is full, and blocks whoever writes to it */
static void full_eventfd(void)
{
	struct front *f = front_open(path, NULL);
	uint64_t index = 0, most = UINT64_MAX - 1;
	int full = eventfd(0, EFD_CLOEXEC);
	struct front_io io = io_of(f, VIRTIO_BLK_T_IN);

	EXPECT(write(full, &most, sizeof(most)) == 8);
	EXPECT(front_set(f, VUB_SET_VRING_CALL, &index, 8, full));
	EXPECT(front_submit(&f->queues[0], &io) >= 0);
	front_kick(&f->queues[0]);
	usleep(100000); /* into the trap, or not: both must work */
	front_stop(f);
	close(full);
	front_close(f);
}

/* -- what must still be true -------------------------------------------------
 */

static void serve_well(void)
{
	struct front *f = front_open(path, NULL);
	struct front_io io = io_of(f, VIRTIO_BLK_T_OUT);
	uint8_t *bytes = front_at(f, io.address);

	memset(bytes, 0x5a, io.length);
	EXPECT(front_do(&f->queues[0], &io) == VIRTIO_BLK_S_OK);
	memset(bytes, 0, io.length);
	io.type = VIRTIO_BLK_T_IN;
	EXPECT(front_do(&f->queues[0], &io) == VIRTIO_BLK_S_OK);
	EXPECT(bytes[0] == 0x5a && bytes[io.length - 1] == 0x5a);
	front_close(f);
}

/* the last connection may not be closed yet: a new one is answered after it */
static unsigned count_fds(pid_t pid)
{
	int fd = front_connect(path);
	struct vub_header header;
	uint64_t features;

	front_send(fd, VUB_GET_FEATURES, VUB_VERSION, NULL, 0, NULL, 0);
	front_receive(fd, &header, &features, sizeof(features), NULL);
	features = daemon_fds(pid);
	close(fd);
	return (unsigned)features;
}

int main(int argc, char **argv)
{
	unsigned fds;
	pid_t pid;

	test_begin(argc, argv);
	image_make(test_path("h.vhdx"), SIZE, false);
	path = test_path("h.sock");
	pid = daemon_start("--socket", path, test_path("h.vhdx"), NULL);
	serve_well();
	fds = count_fds(pid);
	hostile_messages(path);
	serve_well();
	bad_chains();
	bad_rings();
	serve_well();
	cut_memory(false);
	cut_memory(true);
	cut_connection();
	full_eventfd();
	bad_inflight();
	serve_well();
	random_rings();
	serve_well();
	EXPECT(daemon_lives(pid));
	EXPECT(count_fds(pid) == fds);
	EXPECT(daemon_stop(pid) == 0);
	return test_failed;
}

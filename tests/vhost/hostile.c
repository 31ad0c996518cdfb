/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A front end and a guest that mean harm. Whatever they send, the program lives
 * on, serves the next front end as it should, and keeps no descriptor.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "daemon.h"
#include "frontend.h"
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

/* -- messages ----------------------------------------------------------------
 */

static int odd_fd(void)
{
	int pair[2];

	switch (lot(&seed) % 4) {
	case 0:
		return memfd_create("odd", MFD_CLOEXEC);
	case 1:
		if (pipe(pair))
			return -1;
		close(pair[lot(&seed) % 2 ? 1 : 0]);
		return fcntl(pair[0], F_GETFD) >= 0 ? pair[0] : pair[1];
	case 2:
		return eventfd(0, EFD_CLOEXEC);
	default:
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	}
}

/* half of them with a number that means something */
static void random_message(int fd)
{
	uint8_t bytes[300];
	uint32_t request = (uint32_t)(lot(&seed) % 42);
	uint32_t flags = lot(&seed) % 8 ? VUB_VERSION : (uint32_t)lot(&seed);
	size_t size = lot(&seed) % 5 ? lot(&seed) % 48 : lot(&seed) % 300;
	unsigned count = lot(&seed) % 3 ? 0 : (unsigned)(lot(&seed) % 10);
	int fds[10];

	for (size_t i = 0; i < size; i++)
		bytes[i] = lot(&seed) % 3 ? 0 : (uint8_t)(lot(&seed) % 9);
	for (unsigned i = 0; i < count; i++)
		fds[i] = odd_fd();
	front_send(fd, request, flags, bytes, size, fds, count);
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
	/* answers are of no interest, but must not pile up */
	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static void random_messages(void)
{
	for (unsigned i = 0; i < 300; i++) {
		int fd = front_connect(path);
		unsigned count = 1 + (unsigned)(lot(&seed) % 20);

		while (count--)
			random_message(fd);
		close(fd);
	}
}

/* to a front end that was set up, where there is something to break */
static void random_messages_later(void)
{
	const struct front_options o = {.inflight = true};

	for (unsigned i = 0; i < 60; i++) {
		struct front *f = front_open(path, &o);

		for (unsigned n = 0; n < 20; n++)
			random_message(f->fd);
		front_close(f);
	}
}

static void random_bytes(void)
{
	for (unsigned i = 0; i < 100; i++) {
		int fd = front_connect(path);
		uint64_t words[32];

		for (unsigned n = 0; n < 32; n++)
			words[n] = lot(&seed);
		send(fd, words, lot(&seed) % sizeof(words), MSG_NOSIGNAL);
		close(fd);
	}
}

/* each breaks one rule of one message, and is refused */
static void bad_messages(void)
{
	const struct front_options o = {.stop_after_mem = true};
	struct front *f = front_open(path, &o);
	struct vub_vring_state state = {0, 0};
	struct vub_one_region region = {0, {0, 4096, 0, 0}};
	struct vub_inflight_area area = {64, 0, 1, 128, 0};
	struct vub_vring_addr addr = {.desc = 1};
	uint64_t all = UINT64_MAX, number = 200;
	int tiny = memfd_create("tiny", MFD_CLOEXEC);

	EXPECT(!front_set(f, VUB_SET_FEATURES, &all, 8, -1));
	EXPECT(!front_set(f, VUB_SET_PROTOCOL_FEATURES, &all, 8, -1));
	for (uint32_t num = 0; num < 200000; num = num * 3 + 3)
		EXPECT(!front_set(f, VUB_SET_VRING_NUM,
				  &(struct vub_vring_state){0, num}, 8, -1));
	state.index = 1;
	state.num = 128;
	EXPECT(!front_set(f, VUB_SET_VRING_NUM, &state, 8, -1));
	state.index = 0;
	EXPECT(front_set(f, VUB_SET_VRING_NUM, &state, 8, -1));
	EXPECT(!front_set(f, VUB_SET_VRING_ADDR, &addr, 40, -1));
	addr.desc = addr.avail = addr.used =
		(uintptr_t)f->memory + f->memory_size - 4096;
	addr.avail += 4000;
	EXPECT(!front_set(f, VUB_SET_VRING_ADDR, &addr, 40, -1));
	state.num = 65536;
	EXPECT(!front_set(f, VUB_SET_VRING_BASE, &state, 8, -1));
	EXPECT(!front_set(f, VUB_SET_VRING_KICK, &number, 8, f->memory_fd));
	number = 0;
	EXPECT(!front_set(f, VUB_SET_VRING_KICK, &number, 8, -1));
	number = VUB_VRING_NO_FD;
	EXPECT(!front_set(f, VUB_SET_VRING_CALL, &number, 8, f->memory_fd));
	EXPECT(!front_set(f, VUB_ADD_MEM_REG, &region, 40, tiny));
	region.region.size = 0;
	EXPECT(!front_set(f, VUB_ADD_MEM_REG, &region, 40, f->memory_fd));
	region.region.size = UINT64_MAX;
	EXPECT(!front_set(f, VUB_ADD_MEM_REG, &region, 40, f->memory_fd));
	region.region =
		(struct vub_region){FRONT_GUEST + 8192, 4096, 1 << 20, 0};
	EXPECT(!front_set(f, VUB_ADD_MEM_REG, &region, 40, f->memory_fd));
	EXPECT(!front_set(f, VUB_REM_MEM_REG, &region, 40, -1));
	region.region.guest = 1 << 20;
	EXPECT(front_set(f, VUB_ADD_MEM_REG, &region, 40, f->memory_fd));
	EXPECT(front_set(f, VUB_REM_MEM_REG, &region, 40, -1));
	EXPECT(!front_set(f, VUB_SET_INFLIGHT_FD, &area, 24, f->memory_fd));
	area = (struct vub_inflight_area){1 << 20, 0, 0, 128, 0};
	EXPECT(!front_set(f, VUB_SET_INFLIGHT_FD, &area, 24, f->memory_fd));
	area = (struct vub_inflight_area){1 << 20, 1 << 30, 1, 128, 0};
	EXPECT(!front_set(f, VUB_SET_INFLIGHT_FD, &area, 24, f->memory_fd));
	EXPECT(!front_set(f, 99, NULL, 0, -1));
	close(tiny);
	front_close(f);
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
	bad_messages();
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
	random_bytes();
	random_messages();
	random_messages_later();
	random_rings();
	serve_well();
	EXPECT(daemon_lives(pid));
	EXPECT(count_fds(pid) == fds);
	EXPECT(daemon_stop(pid) == 0);
	return test_failed;
}

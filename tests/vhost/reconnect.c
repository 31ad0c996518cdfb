/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program is killed under load, again and again. What it had taken and not
 * ended is begun anew by the next one: each request ends once, and the disk
 * holds what the last write of each place said.
 *
 * Each place of the disk is written by one request at a time with a number that
 * rises. A request that were done again after a later one had ended would put
 * an old number there; one that were lost would never end.
 *
 * Later the image is being compacted when it happens: blocks that have just
 * moved are written, and no others, which would make the moves durable. Some
 * blocks have been given up before, so that there is something to move.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "frontend.h"

#define SIZE   ((uint64_t)40 << 20)
#define QUEUES 3u
#define DEPTH  24u
#define BYTES  8192u
#define PLACES (SIZE / BYTES)
#define KILLS  24u
#define BLOCK  ((uint64_t)1 << 20)
#define BLOCKS (SIZE / BLOCK)

static struct front *front;
static uint32_t numbers[PLACES]; /* what was written, and has ended */
static uint32_t next_number[PLACES];
static struct op {
	bool busy;
	uint64_t place;
	uint32_t number;
} ops[QUEUES][DEPTH];
static bool absent[BLOCKS]; /* given up, and not written */
static uint64_t seed = 5, ended;

static pid_t start(void)
{
	return daemon_start("--socket", test_path("r.sock"), "--queues", "3",
			    "--wait", "30", "--control", test_path("r.control"),
			    test_path("r.vhdx"), NULL);
}

static void put(uint8_t *bytes, uint64_t place, uint32_t number)
{
	uint32_t words[BYTES / 4];

	for (unsigned i = 0; i < BYTES / 4; i++)
		words[i] = number * 1000003u + (uint32_t)place;
	memcpy(bytes, words, BYTES);
}

static void submit(unsigned queue, unsigned i)
{
	struct op *op = &ops[queue][i];
	struct front_io io = {
		.type = VIRTIO_BLK_T_OUT,
		.address = front->data + (queue * DEPTH + i) * BYTES,
		.length = BYTES,
		.pieces = 1 + (unsigned)(lot(&seed) % 3),
		.indirect = lot(&seed) % 2,
		.user = op,
	};

	do { /* a place belongs to a queue, and to one of its slots */
		op->place = lot(&seed) % (PLACES / QUEUES / DEPTH);
		op->place = (op->place * QUEUES + queue) * DEPTH + i;
	} while (absent[op->place * BYTES / BLOCK]);
	op->number = ++next_number[op->place];
	io.sector = op->place * (BYTES / 512);
	put(front_at(front, io.address), op->place, op->number);
	if (front_submit(&front->queues[queue], &io) < 0)
		next_number[op->place]--;
	else
		op->busy = true;
}

/* front_reap() notices what ends twice */
static void reap(unsigned queue)
{
	struct front_done done;

	while (front_reap(&front->queues[queue], &done)) {
		struct op *op = done.user;

		EXPECT(done.status == VIRTIO_BLK_S_OK);
		EXPECT(op->busy);
		op->busy = false;
		numbers[op->place] = op->number;
		ended++;
	}
}

static void load(unsigned steps)
{
	for (unsigned step = 0; step < steps; step++) {
		unsigned queue = (unsigned)(lot(&seed) % QUEUES);

		reap(queue);
		for (unsigned i = 0; i < DEPTH; i++)
			if (!ops[queue][i].busy)
				submit(queue, i);
		front_kick(&front->queues[queue]);
	}
}

static void drain(void)
{
	for (unsigned queue = 0; queue < QUEUES; queue++) {
		for (unsigned i = 0; i < DEPTH; i++) {
			while (ops[queue][i].busy) {
				if (!front_wait(&front->queues[queue], 30000)) {
					fprintf(stderr, "a request is lost\n");
					exit(1);
				}
				reap(queue);
			}
		}
	}
}

static void change_block(uint64_t block, bool store)
{
	const struct virtio_blk_segment segment = {
		.sector = block * (BLOCK / 512),
		.sectors = BLOCK / 512,
		.flags = VIRTIO_BLK_UNMAP,
	};
	struct front_io io = {
		.type = store ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_WRITE_ZEROES,
		.sector = store ? segment.sector : 0,
		.address = front->data,
		.length = store ? BYTES : sizeof(segment),
	};
	uint64_t first = block * (BLOCK / BYTES);

	if (store)
		put(front_at(front, io.address), first, ++next_number[first]);
	else
		memcpy(front_at(front, io.address), &segment, sizeof(segment));
	EXPECT(front_do(&front->queues[0], &io) == VIRTIO_BLK_S_OK);
	if (!store)
		memset(numbers + first, 0, BLOCK / BYTES * sizeof(*numbers));
	else
		numbers[first] = next_number[first];
	absent[block] = !store;
}

/* nothing is in flight; then it is compacted, beside whatever comes */
static void compact(void)
{
	drain();
	for (uint64_t block = 0; block < BLOCKS; block++)
		change_block(block, lot(&seed) & 1);
	EXPECT(control_ok(test_path("r.control"),
			  "{\"command\":\"compact\",\"id\":\"disk0\"}"));
}

static void check_disk(void)
{
	uint8_t *expected = calloc(1, SIZE);

	for (uint64_t place = 0; place < PLACES; place++)
		if (numbers[place])
			put(expected + place * BYTES, place, numbers[place]);
	image_expect(test_path("r.vhdx"), expected, SIZE);
	free(expected);
}

static unsigned busy(void)
{
	unsigned count = 0;

	for (unsigned queue = 0; queue < QUEUES; queue++)
		for (unsigned i = 0; i < DEPTH; i++)
			count += ops[queue][i].busy;
	return count;
}

int main(int argc, char **argv)
{
	const struct front_options o = {.queues = QUEUES, .inflight = true};
	unsigned caught = 0;
	pid_t pid;

	test_begin(argc, argv);
	image_make(test_path("r.vhdx"), SIZE, false);
	pid = start();
	front = front_open(test_path("r.sock"), &o);
	for (unsigned i = 0; i < KILLS && !test_failed; i++) {
		if (i >= KILLS / 2)
			compact();
		/* let some of it happen */
		for (uint64_t goal = ended + lot(&seed) % 500; ended < goal;)
			load(1);
		daemon_kill(pid);
		for (unsigned queue = 0; queue < QUEUES; queue++)
			reap(queue);
		caught += busy();
		front_disconnect(front);
		pid = start();
		front_reconnect(front, test_path("r.sock"));
		/* sometimes with more on top, sometimes alone */
		if (i % 2)
			drain();
	}
	drain();
	EXPECT(caught > 0);
	front_close(front);
	EXPECT(daemon_stop(pid) == 0);
	check_disk();
	printf("%llu requests, %u in flight at %u kills\n",
	       (unsigned long long)ended, caught, KILLS);
	return test_failed;
}

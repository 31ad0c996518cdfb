/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many requests a second the program answers: random transfers by one
 * queue of our front end. Not a test; for bench and for people.
 *
 * vhost_load SOCKET read|write BYTES DEPTH SECONDS
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon.h"
#include "frontend.h"

struct load {
	struct front *front;
	struct front_io io;
	uint64_t seed;
	uint64_t places;
	uint64_t ended;
	uint64_t failed;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void submit(struct load *l, uintptr_t slot)
{
	l->io.sector = lot(&l->seed) % l->places * (l->io.length / 512);
	l->io.address = l->front->data + slot * l->io.length;
	l->io.user = (void *)slot;
	front_submit(&l->front->queues[0], &l->io);
}

static void run(struct load *l, unsigned depth, double seconds)
{
	struct front_queue *q = &l->front->queues[0];
	double end = now() + seconds;
	struct front_done done;

	for (uintptr_t slot = 0; slot < depth; slot++)
		submit(l, slot);
	front_kick(q);
	while (now() < end && front_wait(q, 10000)) {
		while (front_reap(q, &done)) {
			l->ended++;
			l->failed += done.status != VIRTIO_BLK_S_OK;
			submit(l, (uintptr_t)done.user);
		}
		front_kick(q);
	}
}

int main(int argc, char **argv)
{
	struct front_options o = {.ring = 1024};
	struct load l = {.seed = 1};
	unsigned depth;
	double seconds;

	if (argc != 6) {
		fprintf(stderr,
			"usage: %s SOCKET read|write BYTES DEPTH "
			"SECONDS\n",
			argv[0]);
		return 2;
	}
	depth = (unsigned)atoi(argv[4]);
	seconds = atof(argv[5]);
	l.io.type =
		strcmp(argv[2], "write") ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT;
	l.io.length = (uint32_t)atoi(argv[3]);
	o.memory = (size_t)depth * l.io.length + 65536;
	l.front = front_open(argv[1], &o);
	l.places = l.front->config.capacity * 512 / l.io.length;
	run(&l, depth, seconds);
	printf("%.0f requests/s, %llu failed, %llu kicks, %llu calls\n",
	       (double)l.ended / seconds, (unsigned long long)l.failed,
	       (unsigned long long)l.front->queues[0].kicks,
	       (unsigned long long)l.front->queues[0].calls);
	front_close(l.front);
	return l.failed != 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random requests of 4 KiB to a vhost-user-blk device, by the driver of
 * tests/vhost: prints the nanoseconds that one takes, of all queues together.
 *
 * bench_vhost read|write SOCKET REQUESTS DEPTH QUEUES sleep|spin
 *
 * REQUESTS is for each queue, which has a thread of its own. Each keeps DEPTH
 * requests in flight, and sleeps until it is told that one is done, as a guest
 * does, or looks at the ring all the time.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontend.h"

#define LENGTH  4096u
#define WARM_UP 1000u

static struct {
	struct front *front;
	uint64_t places;
	uint64_t requests;
	unsigned depth;
	uint32_t type;
	bool spin;
} run;

struct worker {
	pthread_t thread;
	uint64_t state; /* of the random numbers */
	struct front_queue *queue;
	uint64_t data; /* guest address of our buffers */
};

static uint64_t draw(struct worker *w)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return w->state % run.places * (LENGTH / 512);
}

static void submit(struct worker *w, uintptr_t slot)
{
	const struct front_io io = {
		.type = run.type,
		.sector = draw(w),
		.address = w->data + slot * LENGTH,
		.length = LENGTH,
		.user = (void *)slot,
	};

	if (front_submit(w->queue, &io) < 0)
		abort();
}

static void reap(struct worker *w, struct front_done *done)
{
	while (!front_reap(w->queue, done)) {
		if (run.spin || front_wait(w->queue, 10000))
			continue;
		fprintf(stderr, "bench_vhost: no answer\n");
		exit(1);
	}
	if (done->status != VIRTIO_BLK_S_OK) {
		fprintf(stderr, "bench_vhost: a request failed\n");
		exit(1);
	}
}

/* what is there at once is ended at once, and the back end told once for all */
static void keep_busy(struct worker *w, uint64_t requests)
{
	uint64_t given = 0, ended = 0;
	struct front_done done;

	for (; given < run.depth && given < requests; given++)
		submit(w, given);
	front_kick(w->queue);
	while (ended < requests) {
		reap(w, &done);
		do {
			ended++;
			if (given++ < requests)
				submit(w, (uintptr_t)done.user);
		} while (front_reap(w->queue, &done));
		front_kick(w->queue);
	}
}

static void *work(void *ctx)
{
	keep_busy(ctx, run.requests);
	return NULL;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void prepare(struct worker *w, unsigned index)
{
	w->state = 0x9E3779B97F4A7C15u * (index + 1);
	w->queue = &run.front->queues[index];
	w->data = run.front->data + (uint64_t)index * run.depth * LENGTH;
	memset(front_at(run.front, w->data), (int)index + 1,
	       (size_t)run.depth * LENGTH);
	keep_busy(w, run.requests < WARM_UP ? run.requests : WARM_UP);
}

static double measure(unsigned queues)
{
	struct worker *workers = calloc(queues, sizeof(*workers));
	double start, end;

	if (!workers)
		abort();
	for (unsigned i = 0; i < queues; i++)
		prepare(&workers[i], i);
	start = now();
	for (unsigned i = 0; i < queues; i++)
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			abort();
	for (unsigned i = 0; i < queues; i++)
		pthread_join(workers[i].thread, NULL);
	end = now();
	free(workers);
	return (end - start) / (double)(run.requests * queues);
}

int main(int argc, char **argv)
{
	struct front_options o = {.ring = 256};

	if (argc < 7)
		return 2;
	run.type =
		strcmp(argv[1], "write") ? VIRTIO_BLK_T_IN : VIRTIO_BLK_T_OUT;
	run.requests = strtoull(argv[3], NULL, 10);
	run.depth = (unsigned)strtoul(argv[4], NULL, 10);
	o.queues = (unsigned)strtoul(argv[5], NULL, 10);
	run.spin = !strcmp(argv[6], "spin");
	if (!run.depth || run.depth > o.ring / 4 || !o.queues ||
	    o.queues > FRONT_QUEUES)
		return 2;
	o.memory = (size_t)o.queues * run.depth * LENGTH;
	run.front = front_open(argv[2], &o);
	run.places = run.front->config.capacity * 512 / LENGTH;
	printf("%.1f\n", measure(o.queues));
	front_close(run.front);
	return 0;
}

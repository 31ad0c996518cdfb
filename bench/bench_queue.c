/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random requests of 4 KiB through vhd_queue: prints the nanoseconds that one
 * takes, of all queues together.
 *
 * bench_queue read|write IMAGE FORMAT REQUESTS DEPTH QUEUES [threads]
 *
 * REQUESTS is for each queue, which has a thread of its own. Each keeps DEPTH
 * requests in flight. What an image costs once is paid before: its tables are
 * in memory, and the first write of the session is behind us.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvhd.h>

#define LENGTH 4096u

static struct {
	struct vhd_disk *disk;
	uint64_t places;
	uint64_t requests;
	unsigned depth;
	int engine;
	int write;
} run;

struct worker {
	pthread_t thread;
	uint64_t state; /* of the random numbers */
	uint8_t *memory;
	struct vhd_queue *queue;
};

static void must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "bench_queue: %s: %s\n", what, vhd_strerror(rc));
	exit(1);
}

static uint64_t draw(struct worker *w)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return w->state % run.places * LENGTH;
}

static void give(struct worker *w, uint8_t *buf)
{
	if (run.write)
		must(vhd_queue_write(w->queue, draw(w), buf, LENGTH, buf, 0),
		     "write");
	else
		must(vhd_queue_read(w->queue, draw(w), buf, LENGTH, buf, 0),
		     "read");
}

static void *work(void *ctx)
{
	const struct vhd_queue_options o = {
		.size = sizeof(o),
		.engine = run.engine,
		.depth = run.depth,
		.flags = VHD_QUEUE_ONE_THREAD,
	};
	struct vhd_completion done[64];
	struct worker *w = ctx;
	uint64_t given = 0;

	must(vhd_queue_open(run.disk, &o, &w->queue, NULL), "queue");

	for (; given < run.depth && given < run.requests; given++)
		give(w, w->memory + given * LENGTH);
	while (vhd_queue_in_flight(w->queue)) {
		unsigned n = vhd_queue_wait(w->queue, done, 1, 64, -1);

		for (unsigned i = 0; i < n; i++) {
			must(done[i].result, "request");
			if (given++ < run.requests)
				give(w, done[i].user_data);
		}
	}
	vhd_queue_close(w->queue);
	return NULL;
}

static void prepare(struct worker *w, unsigned index)
{
	w->state = 0x9E3779B97F4A7C15u * (index + 1);
	w->memory = aligned_alloc(4096, (size_t)run.depth * LENGTH);
	if (!w->memory)
		abort();
	memset(w->memory, (int)index + 1, (size_t)run.depth * LENGTH);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void warm_up(void)
{
	uint64_t size = vhd_disk_size(run.disk);
	static uint8_t buf[LENGTH];
	struct vhd_extent e;

	for (uint64_t at = 0; at < size; at += e.length)
		must(vhd_disk_extent(run.disk, at, size - at, &e, NULL),
		     "extent");
	if (run.write)
		must(vhd_disk_write(run.disk, 0, buf, LENGTH, NULL), "write");
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
	for (unsigned i = 0; i < queues; i++)
		free(workers[i].memory);
	free(workers);
	return (end - start) / (double)(run.requests * queues);
}

static int format_of(const char *name)
{
	return !strcmp(name, "vhd")    ? VHD_FORMAT_VHD
	       : !strcmp(name, "vhdx") ? VHD_FORMAT_VHDX
				       : VHD_FORMAT_RAW;
}

int main(int argc, char **argv)
{
	struct vhd_disk_options o = {.size = sizeof(o)};

	if (argc < 7)
		return 2;
	run.write = !strcmp(argv[1], "write");
	o.format = format_of(argv[3]);
	o.flags = run.write ? VHD_DISK_WRITE : 0;
	run.requests = strtoull(argv[4], NULL, 10);
	run.depth = (unsigned)strtoul(argv[5], NULL, 10);
	run.engine = argc > 7 ? VHD_QUEUE_THREADS : VHD_QUEUE_AUTO;
	must(vhd_disk_open(argv[2], &o, &run.disk, NULL), argv[2]);
	run.places = vhd_disk_size(run.disk) / LENGTH;
	warm_up();
	printf("%.1f\n", measure((unsigned)strtoul(argv[6], NULL, 10)));
	if (run.write)
		must(vhd_disk_shut(run.disk, NULL), "shut");
	vhd_disk_close(run.disk);
	return 0;
}

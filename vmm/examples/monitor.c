/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a virtual machine monitor uses libvhd: one queue for each thread that
 * serves a virtual device, requests straight into guest memory, completions
 * through a descriptor that sits in the thread's own poll loop.
 *
 *	monitor IMAGE.vhdx
 *
 * writes and reads the first 16 MiB of the disk, as a guest of two queues
 *might.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvhd.h>

#define QUEUES  2u
#define DEPTH   16u
#define LENGTH  65536u
#define SHARE   ((uint64_t)8 << 20) /* of the disk, for each queue */
#define PATTERN 0xA5

struct device_queue {
	pthread_t thread;
	struct vhd_disk *disk;
	uint64_t first; /* byte of the disk */
	unsigned char *guest_memory;
	int result;
};

/* what a monitor would learn from the guest's ring; -1 at the end */
static int64_t next_request(struct device_queue *q, uint64_t n)
{
	return n * LENGTH < SHARE ? (int64_t)(q->first + n * LENGTH) : -1;
}

/* one pass over the share: all writes, or all reads */
static int run(struct device_queue *q, struct vhd_queue *queue, int write)
{
	struct pollfd event = {.fd = vhd_queue_fd(queue), .events = POLLIN};
	struct vhd_completion done[DEPTH];
	uint64_t n = 0;
	int64_t at;

	for (;;) {
		/* as many as the queue takes; nothing here waits */
		while (vhd_queue_in_flight(queue) < DEPTH &&
		       (at = next_request(q, n)) >= 0) {
			unsigned char *memory =
				q->guest_memory + n++ % DEPTH * LENGTH;

			if (write)
				vhd_queue_write(queue, (uint64_t)at, memory,
						LENGTH, memory, 0);
			else
				vhd_queue_read(queue, (uint64_t)at, memory,
					       LENGTH, memory, 0);
		}
		if (!vhd_queue_in_flight(queue))
			return 0;
		vhd_queue_submit(queue);
		/* the guest's own doorbell would stand beside it */
		poll(&event, 1, -1);
		for (unsigned i = vhd_queue_poll(queue, done, DEPTH); i--;)
			if (done[i].result)
				return done[i].result; /* tell the guest */
	}
}

static void *serve(void *ctx)
{
	const struct vhd_queue_options options = {.size = sizeof(options),
						  .depth = DEPTH};
	struct device_queue *q = ctx;
	struct vhd_completion done;
	struct vhd_queue *queue;

	q->result = vhd_queue_open(q->disk, &options, &queue, NULL);
	if (q->result)
		return NULL;
	memset(q->guest_memory, PATTERN, DEPTH * LENGTH);
	q->result = run(q, queue, 1);
	if (!q->result) { /* the guest says: flush */
		vhd_queue_flush(queue, NULL, 0);
		vhd_queue_wait(queue, &done, 1, 1, -1);
		q->result = done.result;
	}
	memset(q->guest_memory, 0, DEPTH * LENGTH);
	if (!q->result)
		q->result = run(q, queue, 0);
	vhd_queue_close(queue);
	return NULL;
}

int main(int argc, char **argv)
{
	struct vhd_disk_options options = {.size = sizeof(options),
					   .format = VHD_FORMAT_VHDX,
					   .flags = VHD_DISK_WRITE};
	struct device_queue queues[QUEUES] = {0};
	struct vhd_diag diag = {0};
	struct vhd_disk *disk;
	int failed = 0;

	if (argc != 2 || vhd_disk_open(argv[1], &options, &disk, &diag)) {
		fprintf(stderr, "monitor: %s %s\n", diag.path, diag.text);
		return 1;
	}
	for (unsigned i = 0; i < QUEUES; i++) {
		queues[i].disk = disk;
		queues[i].first = i * SHARE;
		queues[i].guest_memory = malloc((size_t)DEPTH * LENGTH);
		if (!queues[i].guest_memory ||
		    pthread_create(&queues[i].thread, NULL, serve, &queues[i]))
			abort();
	}
	for (unsigned i = 0; i < QUEUES; i++) {
		pthread_join(queues[i].thread, NULL);
		failed |= queues[i].result ||
			  queues[i].guest_memory[0] != PATTERN;
		free(queues[i].guest_memory);
	}
	failed |= vhd_disk_shut(disk, &diag) != 0;
	vhd_disk_close(disk);
	puts(failed ? "failed" : "what was written was read");
	return failed;
}

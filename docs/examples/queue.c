/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Copies what one disk holds to another one of the same size, with many
 * requests in flight and one thread that never waits for a disk.
 *
 *	queue FROM.vhdx TO.vhdx
 *
 * Each slot has a buffer, which is read from one queue, then written to the
 * other. Both queues have a descriptor for poll(), beside whatever else an
 * event loop looks at.
 */
#include <poll.h>
#include <stdio.h>

#include <libvhd.h>

#define SLOTS 8u
#define PIECE 65536u

struct slot {
	uint64_t offset;
	size_t length;
	unsigned char buffer[PIECE];
};

static struct slot slots[SLOTS];
static uint64_t next, size;

/* Gives a slot its next piece; nothing is left: it stays idle. */
static int begin_read(struct vhd_queue *from, struct slot *slot)
{
	uint64_t left = size - next;

	if (!left)
		return 0;
	slot->offset = next;
	slot->length = left < PIECE ? (size_t)left : PIECE;
	next += slot->length;
	return vhd_queue_read(from, slot->offset, slot->buffer, slot->length,
			      slot, 0);
}

static int begin_write(struct vhd_queue *to, struct slot *slot)
{
	return vhd_queue_write(to, slot->offset, slot->buffer, slot->length,
			       slot, 0);
}

/* What ended on `queue` goes on with its next step on `then`. */
static int reap(struct vhd_queue *queue, struct vhd_queue *then,
		int (*step)(struct vhd_queue *, struct slot *))
{
	struct vhd_completion done[SLOTS];
	unsigned count;
	int error;

	while ((count = vhd_queue_poll(queue, done, SLOTS)) != 0)
		for (unsigned i = 0; i < count; i++) {
			error = done[i].result;
			if (!error)
				error = step(then, done[i].user_data);
			if (error)
				return error;
		}
	return 0;
}

static int copy(struct vhd_queue *from, struct vhd_queue *to)
{
	struct pollfd events[2] = {{.fd = vhd_queue_fd(from), .events = POLLIN},
				   {.fd = vhd_queue_fd(to), .events = POLLIN}};
	struct vhd_completion flushed = {0};
	int error = 0;

	for (unsigned i = 0; i < SLOTS && !error; i++)
		error = begin_read(from, &slots[i]);
	while (!error &&
	       (vhd_queue_in_flight(from) || vhd_queue_in_flight(to))) {
		vhd_queue_submit(from);
		vhd_queue_submit(to);
		poll(events, 2, -1);
		error = reap(from, to, begin_write);
		if (!error)
			error = reap(to, from, begin_read);
	}
	if (error)
		return error;
	/* makes durable what ended before it was asked for */
	error = vhd_queue_flush(to, NULL, 0);
	if (!error && vhd_queue_wait(to, &flushed, 1, 1, -1) == 1)
		error = flushed.result;
	return error;
}

int main(int argc, char **argv)
{
	struct vhd_disk_options options = {.size = sizeof(options),
					   .format = VHD_FORMAT_VHDX};
	struct vhd_disk *from = NULL, *to = NULL;
	struct vhd_queue *reads = NULL, *writes = NULL;
	struct vhd_diag diag = {0};
	int error = VHD_E_INVALID;

	if (argc == 3)
		error = vhd_disk_open(argv[1], &options, &from, &diag);
	options.flags = VHD_DISK_WRITE;
	if (!error)
		error = vhd_disk_open(argv[2], &options, &to, &diag);
	if (!error && vhd_disk_size(from) != vhd_disk_size(to))
		error = VHD_E_INVALID;
	if (!error)
		error = vhd_queue_open(from, NULL, &reads, &diag);
	if (!error)
		error = vhd_queue_open(to, NULL, &writes, &diag);
	if (!error) {
		size = vhd_disk_size(from);
		error = copy(reads, writes);
	}
	/* waits for what is still in flight: buffers are free afterwards */
	vhd_queue_close(reads);
	vhd_queue_close(writes);
	if (!error)
		error = vhd_disk_shut(to, &diag);
	vhd_disk_close(from);
	vhd_disk_close(to);
	if (error)
		fprintf(stderr, "queue: %s\n",
			diag.error ? diag.text : vhd_strerror(error));
	return error ? 1 : 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "ublkqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* completions taken at a time */
#define BATCH 32

/* one for each tag, one for the descriptor */
#define ENTRIES (2 * UBLKQUEUE_DEPTH)

/* -- life --------------------------------------------------------------------
 */

static int open_device(struct ublk_queue *q, unsigned index)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char path[32];
	void *shared;

	snprintf(path, sizeof(path), "/dev/ublkc%u", index);
	q->fd = open(path, O_RDWR | O_CLOEXEC);
	if (q->fd < 0)
		return -errno;
	q->descs_size = UBLKQUEUE_DEPTH * sizeof(struct ublkwire_desc);
	q->descs_size = (q->descs_size + page - 1) / page * page;
	shared = mmap(NULL, q->descs_size, PROT_READ, MAP_SHARED | MAP_POPULATE,
		      q->fd, 0);
	if (shared == MAP_FAILED)
		return -errno;
	q->descs = shared;
	return 0;
}

static int open_ring(struct ublk_queue *q)
{
	int rc = io_uring_queue_init(ENTRIES, &q->ring,
				     IORING_SETUP_COOP_TASKRUN);

	q->has_ring = rc == 0;
	return rc;
}

static int make_slots(struct ublk_queue *q)
{
	/* whole pages, for direct I/O and for the kernel's copying */
	if (posix_memalign((void **)&q->memory, 4096,
			   (size_t)UBLKQUEUE_DEPTH * UBLKQUEUE_BUFFER))
		return -ENOMEM;
	for (uint16_t i = 0; i < UBLKQUEUE_DEPTH; i++) {
		q->slots[i].tag = i;
		q->slots[i].buffer = q->memory + (size_t)i * UBLKQUEUE_BUFFER;
	}
	return 0;
}

static int open_queue(struct ublk_queue *q, struct vhd_disk *disk)
{
	const struct vhd_queue_options options = {
		.size = sizeof(options),
		.depth = UBLKQUEUE_DEPTH,
	};

	if (vhd_queue_open(disk, &options, &q->queue, NULL) ||
	    vhd_queue_fd(q->queue) < 0)
		return -ENOMEM;
	return 0;
}

int ublk_queue_open(struct ublk_queue *q, struct vhd_disk *disk, unsigned index,
		    bool encoded)
{
	int rc;

	*q = (struct ublk_queue){.fd = -1, .encoded = encoded};
	rc = make_slots(q);
	if (!rc)
		rc = open_queue(q, disk);
	if (!rc)
		rc = open_ring(q);
	if (!rc)
		rc = open_device(q, index);
	return rc;
}

/* The device can be deleted when nothing of it is held any more. */
void ublk_queue_close(struct ublk_queue *q)
{
	vhd_queue_close(q->queue);
	if (q->has_ring)
		io_uring_queue_exit(&q->ring);
	if (q->descs)
		munmap((void *)(uintptr_t)q->descs, q->descs_size);
	if (q->fd >= 0)
		close(q->fd);
	free(q->memory);
}

/* -- to the kernel -----------------------------------------------------------
 */

/* There are more entries than can be in use at a time. */
static struct io_uring_sqe *next_entry(struct ublk_queue *q)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&q->ring);

	if (!sqe)
		abort();
	memset(sqe, 0, sizeof(*sqe));
	return sqe;
}

static void give_tag(struct ublk_queue *q, const struct ublk_slot *slot,
		     enum ublkwire_command command, int32_t result)
{
	struct io_uring_sqe *sqe = next_entry(q);
	const struct ublkwire_io io = {
		.tag = slot->tag,
		.result = result,
		.address = (uintptr_t)slot->buffer,
	};

	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = q->fd;
	sqe->cmd_op = ublkwire_opcode(command, q->encoded);
	memcpy((unsigned char *)sqe + offsetof(struct io_uring_sqe, cmd), &io,
	       sizeof(io));
	io_uring_sqe_set_data(sqe, (void *)(uintptr_t)slot);
}

static void commit(struct ublk_queue *q, const struct ublk_slot *slot,
		   int error)
{
	give_tag(q, slot, UBLKWIRE_COMMIT_AND_FETCH,
		 ublkwire_result(&slot->request, error));
}

static void watch(struct ublk_queue *q)
{
	struct io_uring_sqe *sqe;

	if (q->watching)
		return;
	sqe = next_entry(q);
	io_uring_prep_poll_add(sqe, vhd_queue_fd(q->queue), POLLIN);
	io_uring_sqe_set_data(sqe, NULL);
	q->watching = true;
}

/* -- from the kernel ---------------------------------------------------------
 */

static int begin(struct ublk_queue *q, struct ublk_slot *slot)
{
	const struct ublkwire_request *r = &slot->request;
	uint32_t flags = r->fua ? VHD_REQUEST_FUA : 0;

	switch (r->type) {
	case UBLKWIRE_READ:
		return vhd_queue_read(q->queue, r->offset, slot->buffer,
				      r->length, slot, 0);
	case UBLKWIRE_WRITE:
		return vhd_queue_write(q->queue, r->offset, slot->buffer,
				       r->length, slot, flags);
	case UBLKWIRE_FLUSH:
		return vhd_queue_flush(q->queue, slot, 0);
	case UBLKWIRE_TRIM:
		return vhd_queue_discard(q->queue, r->offset, r->length, slot,
					 0);
	case UBLKWIRE_WRITE_ZEROES:
		if (r->no_unmap)
			flags |= VHD_REQUEST_NO_UNMAP;
		return vhd_queue_zero(q->queue, r->offset, r->length, slot,
				      flags);
	default:
		return VHD_E_UNSUPPORTED;
	}
}

static bool fits(const struct ublkwire_request *r)
{
	return (r->type != UBLKWIRE_READ && r->type != UBLKWIRE_WRITE) ||
	       r->length <= UBLKQUEUE_BUFFER;
}

/* A tag comes back with a request, or for good. */
static void take_tag(struct ublk_queue *q, struct ublk_slot *slot, int result)
{
	struct ublkwire_desc desc;
	int rc;

	if (result) {
		q->alive--;
		if (result != -ENODEV) /* that is how it is stopped */
			q->error = result;
		return;
	}
	memcpy(&desc, q->descs + slot->tag * sizeof(desc), sizeof(desc));
	ublkwire_read_request(&desc, &slot->request);
	rc = fits(&slot->request) ? begin(q, slot) : VHD_E_INVALID;
	if (rc)
		commit(q, slot, rc);
}

static void take_from_kernel(struct ublk_queue *q)
{
	struct io_uring_cqe *batch[BATCH];
	unsigned n;

	while ((n = io_uring_peek_batch_cqe(&q->ring, batch, BATCH)) > 0) {
		for (unsigned i = 0; i < n; i++) {
			struct ublk_slot *slot =
				io_uring_cqe_get_data(batch[i]);

			if (slot)
				take_tag(q, slot, batch[i]->res);
			else
				q->watching = false;
		}
		io_uring_cq_advance(&q->ring, n);
	}
	vhd_queue_submit(q->queue);
}

/* Until there is none: only then does the descriptor tell of the next. */
static void take_completions(struct ublk_queue *q)
{
	struct vhd_completion done[BATCH];
	unsigned n;

	while ((n = vhd_queue_poll(q->queue, done, BATCH)) > 0)
		for (unsigned i = 0; i < n; i++)
			commit(q, done[i].user_data, done[i].result);
}

int ublk_queue_run(struct ublk_queue *q)
{
	for (unsigned i = 0; i < UBLKQUEUE_DEPTH; i++)
		give_tag(q, &q->slots[i], UBLKWIRE_FETCH, 0);
	q->alive = UBLKQUEUE_DEPTH;
	while (q->alive && !q->error) {
		watch(q);
		/* what it could not take, or not wait for, it does next time */
		io_uring_submit_and_wait(&q->ring, 1);
		take_from_kernel(q);
		take_completions(q);
	}
	return q->error;
}

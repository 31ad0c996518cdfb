/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The io_uring engine: requests whose places in the files are known without
 * reading metadata. A read is spread over the places of its extents, straight
 * into the caller's memory; a write goes here only where the leaf stores the
 * whole range already. Each holds the disk meanwhile, so that the places stay
 * its own.
 *
 * A piece that the kernel did not finish (a short read, EAGAIN, EINVAL for a
 * buffer that direct I/O does not take) sends the whole request to the pool:
 * doing it again changes nothing.
 *
 * When the pool has work, the ring watches its descriptor, so that waiting for
 * the ring is waiting for both.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include <liburing.h>
#ifdef __SANITIZE_THREAD__
#	include <sanitizer/tsan_interface.h>
#endif

#include "core/checked.h"
#include "disk/disk.h"
#include "file/file.h"
#include "queue.h"

/* completions taken out at once */
#define BATCH 32u

struct vhd_ring {
	struct vhd_queue *queue;
	struct io_uring uring;
	unsigned in_flight; /* pieces */
	bool prepared;      /* something waits to be submitted */
	bool watching;      /* the pool's descriptor */
	int fd;             /* for the queue's user, or -1 */
};

/*
 * A completion interrupts nobody: whoever reaps is in the kernel, or polls the
 * flag that is set for it. If that is always the same thread, it is not even
 * written before. An eventfd for such a ring is not to be had: it stays silent
 * (Linux 6.18) where that of the pool, which the ring watches, was the cause.
 * Older kernels know less.
 */
static int set_up(struct vhd_ring *ring, unsigned entries)
{
	static const unsigned flags[] = {
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_TASKRUN_FLAG,
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
		0,
	};
	int rc = -EINVAL;

	for (size_t i = !ring->queue->one_thread; i < 3 && rc == -EINVAL; i++)
		rc = io_uring_queue_init(entries, &ring->uring, flags[i]);
	return rc;
}

/*
 * liburing maps and unmaps by bare system calls, which the thread sanitizer
 * does not see: it would take a ring for another that was at its place before.
 */
#ifdef __SANITIZE_THREAD__
static char place;

static void before_mapping(void)
{
	__tsan_acquire(&place);
}

static void after_unmapping(void)
{
	__tsan_release(&place);
}
#else
static void before_mapping(void)
{
}

static void after_unmapping(void)
{
}
#endif

int vhd_ring_new(struct vhd_queue *queue, struct vhd_ring **out)
{
	struct vhd_ring *ring = calloc(1, sizeof(*ring));
	unsigned entries = (unsigned)vhd_min(queue->depth + 1, 4096);
	int rc;

	if (!ring)
		return VHD_E_NOMEM;
	ring->queue = queue;
	ring->fd = -1;
	before_mapping();
	rc = set_up(ring, entries);
	if (rc) {
		free(ring);
		return rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE
			       ? VHD_E_NOMEM
			       : VHD_E_UNSUPPORTED;
	}
	*out = ring;
	return 0;
}

void vhd_ring_free(struct vhd_ring *ring)
{
	if (!ring)
		return;
	vhd_ring_submit(ring);
	while (ring->in_flight)
		vhd_ring_collect(ring, -1);
	io_uring_queue_exit(&ring->uring);
	after_unmapping();
	if (ring->fd >= 0)
		close(ring->fd);
	free(ring);
}

/* -- giving ------------------------------------------------------------------
 */

static struct io_uring_sqe *next_entry(struct vhd_ring *ring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);

	if (!sqe) { /* full of what was not submitted */
		io_uring_submit(&ring->uring);
		sqe = io_uring_get_sqe(&ring->uring);
	}
	ring->prepared |= sqe != NULL;
	return sqe;
}

/* where the pieces of a request lie */
struct places {
	struct vhd_extent extents[VHD_REQUEST_PIECES];
	int fds[VHD_REQUEST_PIECES]; /* -1: zeros */
	unsigned count;
};

static bool is_good(struct vhd_disk *disk, const struct vhd_request *r,
		    const struct vhd_extent *e, int *fd)
{
	struct vhd_image *image = vhd_disk_image(disk, e->depth);

	*fd = -1;
	if (e->kind == VHD_EXTENT_ZERO)
		return r->kind == VHD_REQUEST_READ;
	if (r->kind == VHD_REQUEST_WRITE && e->depth)
		return false;
	*fd = vhd_image_data_fd(image, e->offset, e->length);
	return *fd >= 0;
}

static bool find_places(struct vhd_disk *disk, const struct vhd_request *r,
			struct places *p)
{
	uint64_t at = r->offset, end = r->offset + r->length;

	for (p->count = 0; at < end; p->count++) {
		struct vhd_extent *e = &p->extents[p->count];

		if (p->count == VHD_REQUEST_PIECES ||
		    vhd_disk_resolve_in_memory(disk, at, end - at, e) ||
		    !is_good(disk, r, e, &p->fds[p->count]))
			return false;
		at += e->length;
	}
	/* several iovecs over several places: cut by the pool */
	return p->count == 1 || r->iov_count == 1;
}

static void clear(const struct vhd_request *r, const struct vhd_extent *e)
{
	if (r->iov_count == 1) {
		memset((uint8_t *)r->iov[0].iov_base + (e->start - r->offset),
		       0, (size_t)e->length);
		return;
	}
	for (unsigned i = 0; i < r->iov_count; i++)
		memset(r->iov[i].iov_base, 0, r->iov[i].iov_len);
}

static void prepare(struct io_uring_sqe *sqe, const struct vhd_request *r,
		    const struct vhd_extent *e, int fd)
{
	bool write = r->kind == VHD_REQUEST_WRITE;
	uint8_t *bytes = (uint8_t *)r->iov[0].iov_base + (e->start - r->offset);

	if (r->iov_count > 1 && write)
		io_uring_prep_writev(sqe, fd, r->iov, r->iov_count, e->offset);
	else if (r->iov_count > 1)
		io_uring_prep_readv(sqe, fd, r->iov, r->iov_count, e->offset);
	else if (write)
		io_uring_prep_write(sqe, fd, bytes, (unsigned)e->length,
				    e->offset);
	else
		io_uring_prep_read(sqe, fd, bytes, (unsigned)e->length,
				   e->offset);
}

static void give(struct vhd_ring *ring, struct vhd_request *r,
		 const struct places *p)
{
	for (unsigned i = 0; i < p->count; i++) {
		const struct vhd_extent *e = &p->extents[i];
		struct io_uring_sqe *sqe;

		if (p->fds[i] < 0) {
			clear(r, e);
			continue;
		}
		sqe = next_entry(ring);
		if (!sqe) { /* the kernel takes no more now */
			r->again = true;
			return;
		}
		prepare(sqe, r, e, p->fds[i]);
		r->pieces[i].request = r;
		r->pieces[i].length = (size_t)e->length;
		io_uring_sqe_set_data(sqe, &r->pieces[i]);
		r->in_flight++;
		ring->in_flight++;
	}
}

/* all pieces are back */
static void end_request(struct vhd_ring *ring, struct vhd_request *r)
{
	struct vhd_queue *q = ring->queue;

	vhd_disk_release(q->disk, r->hold);
	if (r->again) {
		r->result = 0;
		vhd_list_add(&q->begun, r);
	} else if (!r->result && r->kind == VHD_REQUEST_WRITE &&
		   (r->flags & VHD_REQUEST_FUA)) {
		r->kind = VHD_REQUEST_FLUSH;
		vhd_list_add(&q->begun, r);
	} else {
		vhd_list_add(&q->done, r);
	}
}

/* lengths that fit a request of the kernel */
static bool is_for_ring(const struct vhd_disk *disk,
			const struct vhd_request *r)
{
	if (!r->length || r->length > INT32_MAX || r->iov_count > 1024)
		return false;
	if (r->kind == VHD_REQUEST_READ)
		return vhd_disk_may_read(disk, r->offset, r->length);
	return r->kind == VHD_REQUEST_WRITE &&
	       vhd_disk_may_overwrite(disk, r->offset, r->length) &&
	       (!(r->flags & VHD_REQUEST_SURVIVES) ||
		vhd_disk_is_settled(disk));
}

bool vhd_ring_try(struct vhd_ring *ring, struct vhd_request *r)
{
	struct vhd_disk *disk = ring->queue->disk;
	struct places p;

	if (!vhd_disk_try_hold(disk, &r->hold))
		return false;
	/* what is true of a disk that is held stays true */
	if (!is_for_ring(disk, r) || !find_places(disk, r, &p)) {
		vhd_disk_release(disk, r->hold);
		return false;
	}
	give(ring, r, &p);
	if (!r->in_flight)
		end_request(ring, r);
	return true;
}

/* what the ring is to tell when the pool is done with something */
static void watch_pool(struct vhd_ring *ring)
{
	struct io_uring_sqe *sqe;

	if (ring->watching || !vhd_pool_load(ring->queue->pool))
		return;
	sqe = next_entry(ring);
	if (!sqe)
		return;
	io_uring_prep_poll_add(sqe, vhd_pool_fd(ring->queue->pool), POLLIN);
	io_uring_sqe_set_data(sqe, NULL);
	ring->watching = true;
}

void vhd_ring_submit(struct vhd_ring *ring)
{
	if (ring->queue->pool)
		watch_pool(ring);
	if (!ring->prepared)
		return;
	ring->prepared = false;
	/* what it does not take now stays prepared */
	if (io_uring_submit(&ring->uring) < 0)
		ring->prepared = true;
	ring->prepared |= io_uring_sq_ready(&ring->uring) > 0;
}

/* -- collecting --------------------------------------------------------------
 */

static void end_piece(struct vhd_ring *ring, struct vhd_ring_piece *piece,
		      int result)
{
	struct vhd_request *r = piece->request;

	ring->in_flight--;
	if (result == -EAGAIN || result == -EINTR || result == -EINVAL ||
	    (result >= 0 && (size_t)result < piece->length))
		r->again = true;
	else if (result < 0)
		r->result = vhd_error_of_errno(-result);
	if (!--r->in_flight)
		end_request(ring, r);
}

static unsigned take_batch(struct vhd_ring *ring)
{
	struct io_uring_cqe *batch[BATCH];
	unsigned n = io_uring_peek_batch_cqe(&ring->uring, batch, BATCH);

	for (unsigned i = 0; i < n; i++) {
		void *data = io_uring_cqe_get_data(batch[i]);

		if (data) {
			end_piece(ring, data, batch[i]->res);
			continue;
		}
		ring->watching = false;
		vhd_pool_calm(ring->queue->pool);
	}
	io_uring_cq_advance(&ring->uring, n);
	return n;
}

static void wait_for_one(struct vhd_ring *ring, int timeout_ms)
{
	struct __kernel_timespec limit = {
		.tv_sec = timeout_ms / 1000,
		.tv_nsec = timeout_ms % 1000 * 1000000LL,
	};
	struct io_uring_cqe *cqe;

	ring->prepared = false;
	if (timeout_ms < 0)
		(void)io_uring_submit_and_wait(&ring->uring, 1);
	else
		(void)io_uring_submit_and_wait_timeout(&ring->uring, &cqe, 1,
						       &limit, NULL);
	ring->prepared = io_uring_sq_ready(&ring->uring) > 0;
}

void vhd_ring_collect(struct vhd_ring *ring, int timeout_ms)
{
	if (timeout_ms)
		wait_for_one(ring, timeout_ms);
	/* what was left to this thread comes when there is nothing else */
	while (take_batch(ring))
		;
}

/* -- the descriptor ----------------------------------------------------------
 */

int vhd_ring_fd(struct vhd_ring *ring)
{
	int fd;

	if (ring->fd >= 0)
		return ring->fd;
	fd = eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC); /* look first */
	if (fd < 0)
		return -1;
	if (io_uring_register_eventfd(&ring->uring, fd)) {
		close(fd);
		return -1;
	}
	return ring->fd = fd;
}

void vhd_ring_tell(struct vhd_ring *ring)
{
	const uint64_t one = 1;

	if (ring->fd >= 0)
		(void)!write(ring->fd, &one, sizeof(one));
}

void vhd_ring_calm(struct vhd_ring *ring)
{
	uint64_t count;

	if (ring->fd >= 0)
		(void)!read(ring->fd, &count, sizeof(count));
}

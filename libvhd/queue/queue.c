/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/checked.h"
#include "core/diag.h"

#define DEPTH           128u
#define DEPTH_MAX       4096u
#define THREADS_MAX     64u
#define THREADS_BESIDE  4u
#define THREADS_INSTEAD 16u

/* -- life --------------------------------------------------------------------
 */

static int check(const struct vhd_queue_options *o, struct vhd_diag *diag)
{
	if (o->engine < VHD_QUEUE_AUTO || o->engine > VHD_QUEUE_THREADS ||
	    o->depth > DEPTH_MAX || o->threads > THREADS_MAX ||
	    o->flags & ~VHD_QUEUE_ONE_THREAD)
		return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				"no such engine or flag, or too deep a queue");
	return 0;
}

static int start(struct vhd_queue *q, const struct vhd_queue_options *o)
{
	unsigned threads = o->threads;
	int rc = 0;

	q->one_thread = o->flags & VHD_QUEUE_ONE_THREAD;
	q->depth = o->depth ? o->depth : DEPTH;
	q->requests = calloc(q->depth, sizeof(*q->requests));
	if (!q->requests)
		return VHD_E_NOMEM;
	for (unsigned i = 0; i < q->depth; i++)
		vhd_list_add(&q->idle, &q->requests[i]);
	if (o->engine != VHD_QUEUE_THREADS)
		rc = vhd_ring_new(q, &q->ring);
	/* whatever the kernel lacks for it, threads may do */
	if (o->engine == VHD_QUEUE_AUTO)
		rc = 0;
	if (rc)
		return rc;
	if (!threads)
		threads = q->ring ? THREADS_BESIDE : THREADS_INSTEAD;
	return vhd_pool_new(q->disk, threads, &q->pool);
}

int vhd_queue_open(struct vhd_disk *disk,
		   const struct vhd_queue_options *options,
		   struct vhd_queue **out, struct vhd_diag *diag)
{
	struct vhd_queue_options o = {0};
	struct vhd_queue *q;
	int rc;

	if (options)
		memcpy(&o, options, vhd_min(options->size, sizeof(o)));
	rc = check(&o, diag);
	if (rc)
		return rc;
	q = calloc(1, sizeof(*q));
	if (!q)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_NOMEM));
	q->disk = disk;
	vhd_list_init(&q->idle);
	vhd_list_init(&q->begun);
	vhd_list_init(&q->done);
	rc = start(q, &o);
	if (rc) {
		vhd_queue_close(q);
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				rc == VHD_E_UNSUPPORTED
					? "io_uring is not to be had here"
					: "out of memory, threads or "
					  "descriptors");
	}
	*out = q;
	return 0;
}

/* the ring first: what it cannot finish it gives to the pool */
void vhd_queue_close(struct vhd_queue *q)
{
	if (!q)
		return;
	vhd_ring_free(q->ring);
	vhd_pool_free(q->pool);
	free(q->requests);
	free(q);
}

int vhd_queue_engine(const struct vhd_queue *q)
{
	return q->ring ? VHD_QUEUE_URING : VHD_QUEUE_THREADS;
}

unsigned vhd_queue_in_flight(const struct vhd_queue *q)
{
	return q->in_flight;
}

/* -- giving ------------------------------------------------------------------
 */

static int give(struct vhd_queue *q, const struct vhd_request *what)
{
	struct vhd_request *r = vhd_list_take(&q->idle);

	if (!r)
		return VHD_E_LIMIT;
	*r = *what;
	if (!r->iov)
		r->iov = &r->own;
	q->in_flight++;
	if (!q->ring || !vhd_ring_try(q->ring, r))
		vhd_list_add(&q->begun, r);
	return 0;
}

static int give_iov(struct vhd_queue *q, enum vhd_request_kind kind,
		    uint64_t offset, const struct iovec *iov, unsigned count,
		    void *user_data, uint32_t flags)
{
	struct vhd_request r = {
		.kind = kind,
		.flags = flags,
		.user_data = user_data,
		.offset = offset,
		.iov = iov,
		.iov_count = count,
	};

	for (unsigned i = 0; i < count; i++)
		r.length += iov[i].iov_len;
	return give(q, &r);
}

int vhd_queue_readv(struct vhd_queue *q, uint64_t offset,
		    const struct iovec *iov, unsigned count, void *user_data,
		    uint32_t flags)
{
	return give_iov(q, VHD_REQUEST_READ, offset, iov, count, user_data,
			flags);
}

int vhd_queue_writev(struct vhd_queue *q, uint64_t offset,
		     const struct iovec *iov, unsigned count, void *user_data,
		     uint32_t flags)
{
	return give_iov(q, VHD_REQUEST_WRITE, offset, iov, count, user_data,
			flags);
}

static int give_buffer(struct vhd_queue *q, enum vhd_request_kind kind,
		       uint64_t offset, void *buf, size_t len, void *user_data,
		       uint32_t flags)
{
	const struct vhd_request r = {
		.kind = kind,
		.flags = flags,
		.user_data = user_data,
		.offset = offset,
		.length = len,
		.own = {buf, len},
		.iov_count = 1,
	};

	return give(q, &r);
}

int vhd_queue_read(struct vhd_queue *q, uint64_t offset, void *buf, size_t len,
		   void *user_data, uint32_t flags)
{
	return give_buffer(q, VHD_REQUEST_READ, offset, buf, len, user_data,
			   flags);
}

int vhd_queue_write(struct vhd_queue *q, uint64_t offset, const void *buf,
		    size_t len, void *user_data, uint32_t flags)
{
	return give_buffer(q, VHD_REQUEST_WRITE, offset, (void *)(uintptr_t)buf,
			   len, user_data, flags);
}

static int give_range(struct vhd_queue *q, enum vhd_request_kind kind,
		      uint64_t offset, uint64_t length, void *user_data,
		      uint32_t flags)
{
	const struct vhd_request r = {
		.kind = kind,
		.flags = flags,
		.user_data = user_data,
		.offset = offset,
		.length = length,
	};

	return give(q, &r);
}

int vhd_queue_flush(struct vhd_queue *q, void *user_data, uint32_t flags)
{
	return give_range(q, VHD_REQUEST_FLUSH, 0, 0, user_data, flags);
}

int vhd_queue_zero(struct vhd_queue *q, uint64_t offset, uint64_t length,
		   void *user_data, uint32_t flags)
{
	return give_range(q, VHD_REQUEST_ZERO, offset, length, user_data,
			  flags);
}

int vhd_queue_discard(struct vhd_queue *q, uint64_t offset, uint64_t length,
		      void *user_data, uint32_t flags)
{
	return give_range(q, VHD_REQUEST_DISCARD, offset, length, user_data,
			  flags);
}

static void begin_all(struct vhd_queue *q)
{
	vhd_pool_give(q->pool, &q->begun);
	if (q->ring)
		vhd_ring_submit(q->ring);
}

int vhd_queue_submit(struct vhd_queue *q)
{
	begin_all(q);
	/* what needs nothing from the host ended when it was given */
	if (q->ring && q->done.first)
		vhd_ring_tell(q->ring);
	return 0;
}

/* -- reaping -----------------------------------------------------------------
 */

static unsigned reap(struct vhd_queue *q, struct vhd_completion *out,
		     unsigned max)
{
	struct vhd_request *r;
	unsigned n = 0;

	while (n < max && (r = vhd_list_take(&q->done))) {
		out[n].user_data = r->user_data;
		out[n++].result = r->result;
		vhd_list_add(&q->idle, r);
		q->in_flight--;
	}
	return n;
}

static void collect(struct vhd_queue *q)
{
	if (q->ring)
		vhd_ring_collect(q->ring, 0);
	if (vhd_pool_load(q->pool))
		vhd_pool_collect(q->pool, &q->done);
	/* a request that the ring gave up goes on at once */
	begin_all(q);
}

unsigned vhd_queue_poll(struct vhd_queue *q, struct vhd_completion *out,
			unsigned max)
{
	unsigned n;

	if (!q->done.first)
		collect(q);
	n = reap(q, out, max);
	if (n)
		return n;
	/* quiet from here on, unless something came in between */
	if (q->ring)
		vhd_ring_calm(q->ring);
	vhd_pool_calm(q->pool);
	collect(q);
	return reap(q, out, max);
}

static void sleep_for(struct vhd_queue *q, int timeout_ms)
{
	struct pollfd p = {.fd = vhd_pool_fd(q->pool), .events = POLLIN};

	if (q->ring) {
		vhd_ring_collect(q->ring, timeout_ms);
		return;
	}
	(void)poll(&p, 1, timeout_ms);
	vhd_pool_calm(q->pool);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* what is left of a timeout that began at `start`; -1: no end */
static int time_left(int timeout_ms, int64_t start)
{
	int64_t left = start + timeout_ms - now_ms();

	return timeout_ms < 0 ? -1 : left > 0 ? (int)left : 0;
}

unsigned vhd_queue_wait(struct vhd_queue *q, struct vhd_completion *out,
			unsigned min, unsigned max, int timeout_ms)
{
	int64_t start = timeout_ms > 0 ? now_ms() : 0;
	unsigned n = 0;

	min = min < max ? min : max;
	begin_all(q);
	for (;;) {
		int left;

		collect(q);
		n += reap(q, out + n, max - n);
		if (n >= min || !q->in_flight)
			return n;
		left = timeout_ms ? time_left(timeout_ms, start) : 0;
		if (!left)
			return n;
		sleep_for(q, left);
	}
}

int vhd_queue_fd(struct vhd_queue *q)
{
	if (q->one_thread)
		return -1;
	return q->ring ? vhd_ring_fd(q->ring) : vhd_pool_fd(q->pool);
}

void vhd_queue_cancel(struct vhd_queue *q)
{
	struct vhd_request_list list = q->begun;
	struct vhd_request *r;

	if (list.first)
		vhd_list_init(&q->begun);
	else
		vhd_list_init(&list);
	vhd_pool_take_back(q->pool, &list);
	while ((r = vhd_list_take(&list))) {
		r->result = VHD_E_CANCELED;
		vhd_list_add(&q->done, r);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The thread of a virtqueue: takes what the guest offers, gives it to the disk,
 * ends what the disk has done. When there is nothing to do it looks around for
 * a while, if looking has been worth it lately, and then sleeps until the guest
 * kicks, the disk has done something, or the main thread wants something.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/uio.h>

#include "queue.h"

#define NO_KICK_MS  1
#define POLL_MIN_NS 4000
#define DRAIN_MS    1000

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t retry_ns(const struct vub_queue *q)
{
	return (int64_t)q->retry_ms * 1000000;
}

/* -- what the main thread, or the clock, wants -------------------------------
 */

static void look_at_wishes(struct vub_queue *q)
{
	bool retry = q->serving->on_full == VUB_FULL_RETRY;

	if (atomic_exchange(&q->tell, false))
		vub_serve_tell(q);
	if (atomic_exchange(&q->resume, false))
		vub_serve_waiting(q, false);
	if (!q->waiting.first)
		q->retry_at = 0;
	else if (retry && !q->retry_at)
		q->retry_at = now_ns() + retry_ns(q);
	if (q->retry_at && now_ns() >= q->retry_at) {
		q->retry_at = 0;
		vub_serve_waiting(q, false);
	}
}

/* milliseconds, for poll() */
static int sleep_limit(const struct vub_queue *q)
{
	int64_t left;

	if (q->kick < 0 && !atomic_load(&q->broken))
		return NO_KICK_MS;
	if (!q->retry_at)
		return -1;
	left = (q->retry_at - now_ns()) / 1000000 + 1;
	return left < 0 ? 0 : (int)left;
}

/* -- sleeping ----------------------------------------------------------------
 */

/* looking is worth it if sleeps were shorter than the limit of looking */
static void learn(struct vub_queue *q, int64_t slept)
{
	int64_t limit = (int64_t)q->serving->poll_us * 1000;

	if (slept < limit)
		q->poll_ns = q->poll_ns ? q->poll_ns * 2 : POLL_MIN_NS;
	else
		q->poll_ns /= 2;
	if (q->poll_ns > limit)
		q->poll_ns = limit;
	if (q->poll_ns < POLL_MIN_NS)
		q->poll_ns = 0;
}

/*
 * True if something has come. What the disk does is not waited for like this:
 * buffered writes, and all that does not go to the ring, are done by other
 * threads, which may need this processor.
 */
static bool look_around(struct vub_queue *q)
{
	int64_t end;

	if (!q->poll_ns || vhd_queue_in_flight(q->queue))
		return false;
	end = now_ns() + q->poll_ns;
	do {
		if (!atomic_load(&q->broken) && vub_ring_waiting(&q->ring))
			return true;
	} while (now_ns() < end && !atomic_load(&q->stop));
	return false;
}

/* What the descriptor is, the front end alone knows. One that reading cannot
 * make quiet is not looked at any more. */
static void hear_kick(struct vub_queue *q, short events)
{
	uint64_t count;
	struct iovec iov = {&count, sizeof(count)};
	ssize_t n;

	if (!(events & POLLIN)) {
		q->deaf = events != 0;
		return;
	}
	n = preadv2(q->kick, &iov, 1, -1, RWF_NOWAIT);
	if (n < 0 && (errno == EOPNOTSUPP || errno == ESPIPE))
		n = read(q->kick, &count, sizeof(count));
	q->deaf = !n || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void sleep_until(struct vub_queue *q)
{
	bool listen = q->kick >= 0 && !q->deaf && !atomic_load(&q->broken);
	bool busy = vhd_queue_in_flight(q->queue);
	struct pollfd fds[3] = {
		{.fd = q->wake, .events = POLLIN},
		{.fd = busy ? vhd_queue_fd(q->queue) : -1, .events = POLLIN},
		{.fd = listen ? q->kick : -1, .events = POLLIN},
	};
	int64_t start = now_ns();
	uint64_t count;

	if (poll(fds, 3, sleep_limit(q)) < 0)
		return;
	if (fds[0].revents)
		(void)!read(q->wake, &count, sizeof(count));
	if (listen && fds[2].revents)
		hear_kick(q, fds[2].revents);
	if (q->serving->poll_us)
		learn(q, now_ns() - start);
}

static void sleep_if_idle(struct vub_queue *q)
{
	bool open = !atomic_load(&q->broken);

	if (look_around(q))
		return;
	/* with a backlog, the disk is what is waited for */
	if (open && vub_ring_ask_kicks(&q->ring) && !q->backlog.first)
		return;
	if (vhd_queue_in_flight(q->queue) && vub_serve_quiet(q))
		return;
	sleep_until(q);
	if (open)
		vub_ring_no_kicks(&q->ring);
}

/* -- the loop ----------------------------------------------------------------
 */

/* how much was done */
static unsigned step(struct vub_queue *q)
{
	unsigned done = 0;

	if (!atomic_load(&q->broken))
		done += vub_serve_take(q);
	look_at_wishes(q);
	vhd_queue_submit(q->queue);
	if (vhd_queue_in_flight(q->queue))
		done += vub_serve_reap(q, 0);
	return done;
}

/* nothing is in flight afterwards */
static void drain(struct vub_queue *q)
{
	do {
		if (atomic_load(&q->fail_waiting))
			vub_serve_waiting(q, true);
		vhd_queue_submit(q->queue);
		if (vhd_queue_in_flight(q->queue))
			vub_serve_reap(q, DRAIN_MS);
	} while (vhd_queue_in_flight(q->queue) || q->backlog.first);
}

static int open_queue(struct vub_queue *q)
{
	struct vhd_queue_options o = {.size = sizeof(o)};

	q->depth =
		q->ring.num > VUB_SEGMENTS_MAX ? q->ring.num : VUB_SEGMENTS_MAX;
	o.depth = q->depth;
	return vhd_queue_open(q->serving->target.disk, &o, &q->queue, NULL);
}

void *vub_worker_run(void *ctx)
{
	struct vub_queue *q = ctx;
	int rc;

	if (atomic_load(&q->broken)) {
		vub_serve_tell_broken(q);
		return NULL;
	}
	rc = vub_serve_begin(q);
	if (!rc)
		rc = open_queue(q);
	if (rc) {
		vub_serve_break(q, vhd_strerror(rc));
		vub_serve_end(q);
		return NULL;
	}
	vub_serve_left(q);
	while (!atomic_load(&q->stop)) {
		if (!step(q))
			sleep_if_idle(q);
	}
	drain(q);
	vhd_queue_close(q->queue);
	q->queue = NULL;
	vub_serve_end(q);
	return NULL;
}

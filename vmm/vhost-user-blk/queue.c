/* SPDX-License-Identifier: BSD-2-Clause */
#include "queue.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "diag.h"
#include "shared.h"

/* what interrupts a thread that hangs in a call on a stranger's descriptor */
#define NUDGE    SIGUSR1
#define NUDGE_MS 50

/* -- descriptors -------------------------------------------------------------
 */

static int open_nothing(void)
{
	return (int)TEMP_FAILURE_RETRY(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

/* puts `fd`, or nothing, into a place that the thread may be using */
static void replace(int place, int fd)
{
	if (fd < 0)
		fd = open_nothing();
	if (fd < 0)
		return;
	(void)TEMP_FAILURE_RETRY(dup3(fd, place, O_CLOEXEC));
	close(fd);
}

int vub_queue_init(struct vub_queue *q, struct vub_serving *serving,
		   unsigned index)
{
	*q = (struct vub_queue){
		.serving = serving,
		.index = index,
		.kick = -1,
		.call = open_nothing(),
		.error = open_nothing(),
		.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	return q->call < 0 || q->error < 0 || q->wake < 0 ? -1 : 0;
}

static void wake(struct vub_queue *q)
{
	const uint64_t one = 1;

	(void)!write(q->wake, &one, sizeof(one));
}

static void close_if(int fd)
{
	if (fd >= 0)
		close(fd);
}

void vub_queue_drop(struct vub_queue *q)
{
	close_if(q->kick);
	close_if(q->call);
	close_if(q->error);
	close_if(q->wake);
	free(q->left);
}

void vub_queue_set_kick(struct vub_queue *q, int fd)
{
	close_if(q->kick);
	q->kick = fd;
	q->deaf = false;
}

void vub_queue_set_call(struct vub_queue *q, int fd)
{
	replace(q->call, fd);
	if (!q->running || fd < 0)
		return;
	/* What was told meanwhile may have gone to the old one. The thread
	 * writes, since that may hang. */
	atomic_store(&q->tell, true);
	wake(q);
}

void vub_queue_set_error(struct vub_queue *q, int fd)
{
	replace(q->error, fd);
}

/* -- the thread --------------------------------------------------------------
 */

/* where a ring that the front end has just started goes on */
static const char *begin_ring(struct vub_queue *q)
{
	struct vub_ring *r = &q->ring;
	int count;

	free(q->left);
	q->left_count = 0;
	q->left = calloc(r->num, sizeof(*q->left));
	if (!q->left)
		return "out of memory";
	r->used_idx = vub_load16(&r->used->idx);
	r->signaled_valid = false;
	if (!q->inflight.area)
		return NULL;
	q->inflight.num = r->num;
	count = vub_inflight_recover(&q->inflight, r->used_idx, q->left);
	if (count < 0)
		return "the record of what is in flight is not valid";
	q->left_count = (unsigned)count;
	r->last_avail = (uint16_t)(r->used_idx + count);
	return NULL;
}

static const char *prepare(struct vub_queue *q)
{
	const char *wrong;

	q->ring.event_idx = q->serving->event_idx;
	q->ring.dirty = q->serving->dirty;
	wrong = vub_ring_map(&q->ring, q->serving->guest);
	if (!wrong && q->fresh)
		wrong = begin_ring(q);
	return wrong;
}

bool vub_queue_break(struct vub_queue *q, const char *why)
{
	if (atomic_exchange(&q->broken, true))
		return false;
	diag_warning(q->serving->name, "queue %u is not served any more: %s",
		     q->index, why);
	return true;
}

/* with a ring that is broken the thread only says so */
void vub_queue_start(struct vub_queue *q)
{
	const char *wrong;

	if (q->fresh)
		atomic_store(&q->broken, false);
	if (q->running || atomic_load(&q->broken))
		return;
	wrong = prepare(q);
	atomic_store(&q->stop, false);
	atomic_store(&q->fail_waiting, false);
	if (wrong)
		vub_queue_break(q, wrong);
	if (pthread_create(&q->thread, NULL, vub_worker_run, q)) {
		vub_queue_break(q, "no thread for it");
		return;
	}
	q->fresh = false;
	q->running = true;
}

/*
 * The thread may hang in a read or write of a descriptor of the front end: an
 * eventfd that it filled up, or emptied at the right moment. A signal ends that
 * call, and the thread then sees that it is to stop.
 */
static void join(pthread_t thread)
{
	struct timespec limit;

	do {
		clock_gettime(CLOCK_REALTIME, &limit);
		limit.tv_nsec += NUDGE_MS * 1000000L;
		if (limit.tv_nsec >= 1000000000L) {
			limit.tv_nsec -= 1000000000L;
			limit.tv_sec++;
		}
		if (!pthread_timedjoin_np(thread, NULL, &limit))
			return;
		pthread_kill(thread, NUDGE);
	} while (true);
}

void vub_queue_stop(struct vub_queue *q, enum vub_stop how)
{
	/* what is left must be begun to be ended */
	if (!q->running && how == VUB_STOP_FAIL && q->left_count)
		vub_queue_start(q);
	if (!q->running)
		return;
	atomic_store(&q->fail_waiting, how == VUB_STOP_FAIL);
	atomic_store(&q->stop, true);
	wake(q);
	join(q->thread);
	q->running = false;
}

void vub_queue_forget(struct vub_queue *q)
{
	q->left_count = 0;
	q->started = false;
	q->fresh = true;
	vub_queue_set_kick(q, -1);
}

void vub_queue_resume(struct vub_queue *q)
{
	atomic_store(&q->resume, true);
	wake(q);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A virtqueue that is served: its ring, its descriptors of events, and a thread
 * with a vhd_queue of its own while it runs.
 *
 * The main thread starts and stops the thread; what is not marked otherwise
 * belongs to the thread while it runs, and to the main thread while not.
 * Nothing that the thread looks at changes while it runs: to change features,
 * memory or the disk, the main thread stops it, and starts it again. Requests
 * that could not be finished are then begun anew, from their descriptors.
 */
#ifndef VUB_QUEUE_H
#define VUB_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <libvhd.h>

#include "chain.h"
#include "inflight.h"
#include "request.h"
#include "ring.h"

enum vub_on_full {
	VUB_FULL_REPORT, /* the guest gets the error */
	VUB_FULL_STOP,   /* it waits until somebody says `resume` */
	VUB_FULL_RETRY,  /* it waits, and we try again */
};

enum vub_stop {
	VUB_STOP_KEEP, /* what waits is begun anew after the next start */
	VUB_STOP_FAIL, /* what waits ends with an error */
};

/* What all queues of a disk need to know, and none changes. */
struct vub_serving {
	struct vub_target target;
	const struct vub_guest *guest;
	struct vub_dirty *dirty; /* NULL: nothing is logged */
	const char *name;        /* of the disk, for messages */
	bool indirect;
	bool event_idx;
	enum vub_on_full on_full;
	unsigned poll_us;
	_Atomic bool durable; /* each write: no cache as the guest sees it */
	/* The front end would go on with the process after us, if this one
	 * died. Then a write that has ended must not be forgotten. */
	bool survives;
};

struct vub_request_queue {
	struct vub_request *first;
	struct vub_request **last;
	unsigned count;
};

struct vub_queue {
	struct vub_serving *serving;
	unsigned index;
	struct vub_ring ring;
	struct vub_inflight inflight;

	/* main thread */
	bool started; /* by a kick descriptor */
	bool enabled;
	bool running; /* there is a thread */
	bool fresh;   /* the next start is the first one of this ring */
	pthread_t thread;

	/* Descriptors. `call` and `error` are places that a new descriptor is
	 * put into at once, so that the thread never uses one that is closed */
	int kick; /* -1: none, the ring is looked at all the time */
	int call;
	int error;
	int wake; /* eventfd of ours */

	/* from one thread to the other */
	_Atomic bool stop;
	_Atomic bool fail_waiting;   /* with stop: VUB_STOP_FAIL */
	_Atomic bool tell;           /* the guest: the descriptor is new */
	_Atomic bool resume;         /* try again what waits for space */
	_Atomic bool broken;         /* the guest broke the ring's rules */
	_Atomic unsigned wait_count; /* requests that wait for space */

	/* the thread's */
	struct vhd_queue *queue;
	unsigned depth;
	struct vub_request *requests; /* ring.num, by head */
	struct vub_chain *chain;
	struct vub_request_queue backlog; /* taken, not submitted */
	struct vub_request_queue waiting; /* for space */
	uint16_t *batch;                  /* heads used and not published */
	unsigned batch_count;
	int64_t retry_at; /* 0: not set */
	unsigned retry_ms;
	int64_t poll_ns; /* how long it looks before it sleeps */
	bool deaf;       /* the kick descriptor is of no use */

	/* heads to begin anew, before any other */
	uint16_t *left;
	unsigned left_count;
};

/* -- queue.c: for the main thread --------------------------------------------
 */

/* 0, or -1 with errno. */
int vub_queue_init(struct vub_queue *queue, struct vub_serving *serving,
		   unsigned index);
/* Stopped before. */
void vub_queue_drop(struct vub_queue *queue);

/* Takes over `fd`; -1: none. The queue does not run. */
void vub_queue_set_kick(struct vub_queue *queue, int fd);
/* The same; the queue may run. */
void vub_queue_set_call(struct vub_queue *queue, int fd);
void vub_queue_set_error(struct vub_queue *queue, int fd);

/* Starts the thread. A ring that cannot be served counts as broken. */
void vub_queue_start(struct vub_queue *queue);
/* Ends it when nothing is in flight any more. */
void vub_queue_stop(struct vub_queue *queue, enum vub_stop how);
/* Marks a ring as broken, and says why; false if it was already. */
bool vub_queue_break(struct vub_queue *queue, const char *why);
/* The ring is no more: what was left of it is forgotten. */
void vub_queue_forget(struct vub_queue *queue);
/* Tries again what waits for space. */
void vub_queue_resume(struct vub_queue *queue);

/* -- serve.c: for the thread -------------------------------------------------
 */

/* Memory for requests. 0 or VHD_E_NOMEM. */
int vub_serve_begin(struct vub_queue *queue);
/* Frees it; what was not finished is put into `left`. */
void vub_serve_end(struct vub_queue *queue);

/* Takes what is available and gives it to the disk. How many were taken. */
unsigned vub_serve_take(struct vub_queue *queue);
/* Takes the heads in `left`. */
void vub_serve_left(struct vub_queue *queue);
/* Ends what the disk has done, and tells the guest. How many. Waits so long for
 * the first. */
unsigned vub_serve_reap(struct vub_queue *queue, int timeout_ms);
/* The same without waiting. If it returns 0, the disk's descriptor is readable
 * only when there is more. */
unsigned vub_serve_quiet(struct vub_queue *queue);
/* Submits again what waits for space, or ends it with an error. */
void vub_serve_waiting(struct vub_queue *queue, bool fail);
/* Gives the disk what has been taken, as far as there is room. */
void vub_serve_backlog(struct vub_queue *queue);
/* Says why the ring is not served any more, and stops doing so. */
void vub_serve_break(struct vub_queue *queue, const char *why);
/* Tells the front end that it is so. */
void vub_serve_tell_broken(struct vub_queue *queue);
/* Tells the guest to look at the ring. */
void vub_serve_tell(struct vub_queue *queue);

/* -- worker.c ----------------------------------------------------------------
 */

/* The thread; ctx is the struct vub_queue. */
void *vub_worker_run(void *ctx);

#endif

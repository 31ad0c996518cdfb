/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd_queue: asynchronous requests to a disk, for virtual machine monitors.
 *
 * A queue belongs to one thread: none of its functions may run while another
 * one of the same queue does. A disk may have many queues, each in a thread of
 * its own; they need nothing from each other. The disk must outlive them.
 *
 * The calling thread never waits for the host and takes no lock that is held
 * while others do: what cannot be handed to the kernel at once, because
 * metadata has to be read or changed first, is done by threads of the queue.
 *
 * Order. Requests run at the same time and end in any order. A flush makes
 * durable what ended before it was given to the queue; a request with
 * VHD_REQUEST_FUA is durable itself when it ends. Where requests that run at
 * the same time overlap, each sector gets the content of one of them.
 */
#ifndef LIBVHD_QUEUE_H
#define LIBVHD_QUEUE_H

#include <sys/uio.h>

#include "disk.h"

#ifdef __cplusplus
extern "C" {
#endif

struct vhd_queue;

enum vhd_queue_engine {
	VHD_QUEUE_AUTO = 0,    /* io_uring where the host allows it */
	VHD_QUEUE_URING = 1,   /* io_uring, and threads for what it cannot */
	VHD_QUEUE_THREADS = 2, /* threads only */
};

struct vhd_queue_options {
	size_t size; /* sizeof(struct vhd_queue_options) */
	int engine;  /* enum vhd_queue_engine */
	/* requests at a time, those not yet reaped included: 1 to 4096;
	 * 0: 128 */
	unsigned depth;
	/* threads, started when they are needed: 1 to 64; 0: 4 beside a ring,
	 * else 16 */
	unsigned threads;
	unsigned flags; /* VHD_QUEUE_ONE_THREAD */
};

/*
 * All functions of the queue, opening and closing too, are called by one and
 * the same thread, which sleeps in vhd_queue_wait() only: the queue has no
 * descriptor. The kernel then leaves its part of ending a request to that
 * thread, which makes small requests cheaper. From another thread such a queue
 * does not work.
 */
#define VHD_QUEUE_ONE_THREAD (1u << 0)

/* write, zero: durable when it ends */
#define VHD_REQUEST_FUA (1u << 0)
/* zero: the range keeps its space in the file */
#define VHD_REQUEST_NO_UNMAP (1u << 1)
/*
 * write, zero: when it ends it is in the host's hands, whatever becomes of this
 * process. Writes into stored data are so anyway; but what is stored where is
 * brought out of memory by a flush only, so that is waited for where it is
 * necessary. Against a power cut there is FUA.
 */
#define VHD_REQUEST_SURVIVES (1u << 2)

struct vhd_completion {
	void *user_data;
	int result; /* 0 or VHD_E_* */
};

/*
 * Options may be NULL. VHD_E_UNSUPPORTED if VHD_QUEUE_URING was asked for and
 * this host, or this build, has no io_uring.
 */
int vhd_queue_open(struct vhd_disk *disk,
		   const struct vhd_queue_options *options,
		   struct vhd_queue **out, struct vhd_diag *diag);

/*
 * Ends the queue: what has not begun is dropped, what has is waited for. No
 * buffer is touched afterwards; completions not yet reaped are lost.
 */
void vhd_queue_close(struct vhd_queue *queue);

/* The engine in use, URING or THREADS. */
int vhd_queue_engine(const struct vhd_queue *queue);

/*
 * Requests. Each accepted one ends in exactly one completion, whose result is
 * what the call of the same name in disk.h would have returned: the errors of
 * arguments arrive there too. VHD_E_LIMIT: nothing was accepted, there are
 * `depth` requests already; reap some. Buffers, and the array of iovecs, must
 * stay until the completion was reaped; the bytes of all iovecs together are
 * the length.
 *
 * A request may not begin before vhd_queue_submit() or vhd_queue_wait().
 */
int vhd_queue_readv(struct vhd_queue *queue, uint64_t offset,
		    const struct iovec *iov, unsigned count, void *user_data,
		    uint32_t flags);
int vhd_queue_writev(struct vhd_queue *queue, uint64_t offset,
		     const struct iovec *iov, unsigned count, void *user_data,
		     uint32_t flags);
int vhd_queue_read(struct vhd_queue *queue, uint64_t offset, void *buf,
		   size_t len, void *user_data, uint32_t flags);
int vhd_queue_write(struct vhd_queue *queue, uint64_t offset, const void *buf,
		    size_t len, void *user_data, uint32_t flags);
int vhd_queue_flush(struct vhd_queue *queue, void *user_data, uint32_t flags);
int vhd_queue_zero(struct vhd_queue *queue, uint64_t offset, uint64_t length,
		   void *user_data, uint32_t flags);
int vhd_queue_discard(struct vhd_queue *queue, uint64_t offset, uint64_t length,
		      void *user_data, uint32_t flags);

/* Begins all requests given so far. */
int vhd_queue_submit(struct vhd_queue *queue);

/*
 * Reaps at most `max` completions, without waiting. Returns how many.
 */
unsigned vhd_queue_poll(struct vhd_queue *queue, struct vhd_completion *out,
			unsigned max);

/*
 * Submits, and reaps at least `min` (as far as there are so many requests) and
 * at most `max`. `timeout_ms` -1 waits for ever. Returns how many; fewer than
 * `min` after the timeout.
 */
unsigned vhd_queue_wait(struct vhd_queue *queue, struct vhd_completion *out,
			unsigned min, unsigned max, int timeout_ms);

/*
 * A descriptor for poll(), readable when there may be completions. It stays so
 * until vhd_queue_poll() has returned 0. Owned by the queue. -1 if there is
 * none: the host gives no more, or VHD_QUEUE_ONE_THREAD.
 */
int vhd_queue_fd(struct vhd_queue *queue);

/* What has not begun ends with VHD_E_CANCELED; what has goes on. */
void vhd_queue_cancel(struct vhd_queue *queue);

/* Requests given and not yet reaped. */
unsigned vhd_queue_in_flight(const struct vhd_queue *queue);

#ifdef __cplusplus
}
#endif

#endif

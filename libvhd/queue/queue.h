/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside a vhd_queue.
 *
 * A request is taken from the queue's array, given to the ring if all it needs
 * is known (ring.c), else to the pool of threads (pool.c), and comes back to
 * the list `done`, from which it is reaped. All but the pool's side of the pool
 * runs in the queue's thread.
 */
#ifndef VHD_QUEUE_QUEUE_H
#define VHD_QUEUE_QUEUE_H

#include <stdbool.h>

#include <libvhd/queue.h>

/* places in files that one request may be spread over, in the ring */
#define VHD_REQUEST_PIECES 8u

enum vhd_request_kind {
	VHD_REQUEST_READ,
	VHD_REQUEST_WRITE,
	VHD_REQUEST_FLUSH,
	VHD_REQUEST_ZERO,
	VHD_REQUEST_DISCARD,
};

struct vhd_request;

/* a part of a request in the kernel's hands */
struct vhd_ring_piece {
	struct vhd_request *request;
	size_t length;
};

struct vhd_request {
	struct vhd_request *next;
	enum vhd_request_kind kind;
	uint32_t flags;
	void *user_data;
	uint64_t offset;
	uint64_t length;
	const struct iovec *iov;
	unsigned iov_count;
	struct iovec own; /* of a request with a plain buffer */
	int result;
	/* in the ring */
	unsigned hold;      /* token */
	unsigned in_flight; /* pieces */
	bool again;         /* a piece was not done: the pool does it all */
	struct vhd_ring_piece pieces[VHD_REQUEST_PIECES];
};

/* First in, first out. */
struct vhd_request_list {
	struct vhd_request *first;
	struct vhd_request **last;
};

static inline void vhd_list_init(struct vhd_request_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

static inline void vhd_list_add(struct vhd_request_list *list,
				struct vhd_request *r)
{
	r->next = NULL;
	*list->last = r;
	list->last = &r->next;
}

static inline struct vhd_request *vhd_list_take(struct vhd_request_list *list)
{
	struct vhd_request *r = list->first;

	if (r) {
		list->first = r->next;
		if (!list->first)
			list->last = &list->first;
	}
	return r;
}

/* moves all of `from` to the end of `to` */
static inline void vhd_list_join(struct vhd_request_list *to,
				 struct vhd_request_list *from)
{
	if (!from->first)
		return;
	*to->last = from->first;
	to->last = from->last;
	vhd_list_init(from);
}

struct vhd_ring;
struct vhd_pool;

struct vhd_queue {
	struct vhd_disk *disk;
	struct vhd_ring *ring; /* NULL: threads only */
	struct vhd_pool *pool;
	struct vhd_request *requests; /* `depth` of them */
	struct vhd_request_list idle;
	struct vhd_request_list begun; /* for the pool, at the next submit */
	struct vhd_request_list done;
	unsigned depth;
	bool one_thread;
	unsigned in_flight; /* not idle */
};

/* -- pool.c ------------------------------------------------------------------
 */

int vhd_pool_new(struct vhd_disk *disk, unsigned threads,
		 struct vhd_pool **out);
/* Waits for what runs, drops the rest. */
void vhd_pool_free(struct vhd_pool *pool);
/* Takes over the list. */
void vhd_pool_give(struct vhd_pool *pool, struct vhd_request_list *list);
/* Adds what has ended to `done`. */
void vhd_pool_collect(struct vhd_pool *pool, struct vhd_request_list *done);
/* Adds what has not begun to `out`. */
void vhd_pool_take_back(struct vhd_pool *pool, struct vhd_request_list *out);
/* Requests that were given and not yet collected. */
unsigned vhd_pool_load(const struct vhd_pool *pool);
/* Readable when one has ended; vhd_pool_calm() makes it not so. */
int vhd_pool_fd(const struct vhd_pool *pool);
void vhd_pool_calm(struct vhd_pool *pool);

/* -- perform.c ---------------------------------------------------------------
 */

/* Does a request, whatever it takes, and returns its result. */
int vhd_request_perform(struct vhd_disk *disk, const struct vhd_request *r);

/* -- ring.c, or ring_none.c where there is no io_uring -----------------------
 */

/* VHD_E_UNSUPPORTED if the host has none. */
int vhd_ring_new(struct vhd_queue *queue, struct vhd_ring **out);
/* Waits for the kernel. */
void vhd_ring_free(struct vhd_ring *ring);
/* False if the request needs the pool. */
bool vhd_ring_try(struct vhd_ring *ring, struct vhd_request *r);
void vhd_ring_submit(struct vhd_ring *ring);
/* Looks for what has ended; waits for something, `timeout_ms` at most, if not
 * 0. */
void vhd_ring_collect(struct vhd_ring *ring, int timeout_ms);
/* A descriptor, from the first call on; -1 with errno. */
int vhd_ring_fd(struct vhd_ring *ring);
void vhd_ring_tell(struct vhd_ring *ring); /* makes it readable */
void vhd_ring_calm(struct vhd_ring *ring);

#endif

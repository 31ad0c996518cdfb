/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io_uring. A short request is one that the kernel was asked for less: it moves
 * so many bytes and says so. One that is interrupted is given to the kernel as
 * one that does nothing, and its result is changed when it comes back.
 */
#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <string.h>

#include "disturb.h"

#define UNDONE 4096

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct {
	uint64_t user_data; /* 0: free */
	int result;
} undone[UNDONE];

static void remember(uint64_t user_data, int result)
{
	for (unsigned i = 0; i < UNDONE; i++)
		if (!undone[i].user_data) {
			undone[i].user_data = user_data;
			undone[i].result = result;
			return;
		}
}

static void recall(struct io_uring_cqe *cqe)
{
	for (unsigned i = 0; i < UNDONE; i++)
		if (cqe->user_data && undone[i].user_data == cqe->user_data) {
			undone[i].user_data = 0;
			cqe->res = undone[i].result;
			return;
		}
}

static bool moves_bytes(const struct io_uring_sqe *sqe)
{
	return sqe->opcode == IORING_OP_READ ||
	       sqe->opcode == IORING_OP_WRITE ||
	       sqe->opcode == IORING_OP_READV ||
	       sqe->opcode == IORING_OP_WRITEV;
}

static void interrupt(struct io_uring_sqe *sqe)
{
	uint64_t data = sqe->user_data;

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_NOP;
	sqe->fd = -1;
	sqe->user_data = data;
	remember(data, disturb_draw(2) ? -EINTR : -EAGAIN);
	disturb_tell(CALL_io_uring_submit, true);
}

/* what was prepared and not yet shown to the kernel */
static void disturb_prepared(struct io_uring *ring)
{
	struct io_uring_sq *sq = &ring->sq;

	pthread_mutex_lock(&mutex);
	for (unsigned i = sq->sqe_head; i != sq->sqe_tail; i++) {
		struct io_uring_sqe *sqe = &sq->sqes[i & *sq->kring_mask];

		if (!moves_bytes(sqe))
			continue;
		if (disturb_draw(4) == 0) {
			interrupt(sqe);
		} else if (disturb_draw(2) == 0 && sqe->len > 1) {
			/* bytes, or places */
			sqe->len = 1 + (unsigned)disturb_draw(sqe->len - 1);
			disturb_tell(CALL_io_uring_submit, false);
		}
	}
	pthread_mutex_unlock(&mutex);
}

int io_uring_submit(struct io_uring *ring)
{
	if (disturb_is_short(HERE))
		disturb_prepared(ring);
	return REAL(io_uring_submit)(ring);
}

int io_uring_submit_and_wait(struct io_uring *ring, unsigned wait)
{
	if (disturb_is_short(HERE))
		disturb_prepared(ring);
	return REAL(io_uring_submit_and_wait)(ring, wait);
}

int io_uring_submit_and_wait_timeout(struct io_uring *ring,
				     struct io_uring_cqe **cqe, unsigned wait,
				     struct __kernel_timespec *ts,
				     sigset_t *mask)
{
	if (disturb_is_short(HERE))
		disturb_prepared(ring);
	return REAL(io_uring_submit_and_wait_timeout)(ring, cqe, wait, ts,
						      mask);
}

unsigned io_uring_peek_batch_cqe(struct io_uring *ring,
				 struct io_uring_cqe **cqes, unsigned count)
{
	unsigned n = REAL(io_uring_peek_batch_cqe)(ring, cqes, count);

	pthread_mutex_lock(&mutex);
	for (unsigned i = 0; i < n; i++)
		recall(cqes[i]);
	pthread_mutex_unlock(&mutex);
	return n;
}

int io_uring_queue_init(unsigned entries, struct io_uring *ring, unsigned flags)
{
	if (disturb(CALL_io_uring_queue_init, -1, NULL, HERE))
		return -errno;
	return REAL(io_uring_queue_init)(entries, ring, flags);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "ublkctl.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "module.h"

#define CONTROL "/dev/ublk-control"

/* one command at a time */
#define ENTRIES 2

struct ublkctl {
	int fd;
	bool encoded;
	struct io_uring ring;
};

/* -- a command ---------------------------------------------------------------
 */

/* Entries are twice as long as usual, for the command at their end. */
static void prepare(struct io_uring_sqe *sqe, int fd, uint32_t opcode,
		    const struct ublkwire_control *control)
{
	unsigned char *bytes = (unsigned char *)sqe;

	memset(bytes, 0, 2 * sizeof(*sqe));
	sqe->opcode = IORING_OP_URING_CMD;
	sqe->fd = fd;
	sqe->cmd_op = opcode;
	memcpy(bytes + offsetof(struct io_uring_sqe, cmd), control,
	       sizeof(*control));
}

/* Waits for the command, or for `end`. */
static int await(struct ublkctl *c, int end)
{
	struct pollfd fds[] = {
		{.fd = c->ring.ring_fd, .events = POLLIN},
		{.fd = end, .events = POLLIN},
	};
	struct io_uring_cqe *cqe;
	int result;

	while (io_uring_peek_cqe(&c->ring, &cqe)) {
		if (poll(fds, 2, -1) > 0 && !fds[0].revents && fds[1].revents)
			return -EPIPE;
	}
	result = cqe->res;
	io_uring_cqe_seen(&c->ring, cqe);
	return result;
}

static int perform(struct ublkctl *c, enum ublkwire_command command,
		   struct ublkwire_control *control, int end)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&c->ring);
	int rc;

	if (!sqe)
		return -EBUSY;
	control->queue = UBLKWIRE_NO_QUEUE;
	prepare(sqe, c->fd, ublkwire_opcode(command, c->encoded), control);
	do
		rc = io_uring_submit(&c->ring);
	while (rc == -EINTR);
	return rc < 0 ? rc : await(c, end);
}

/* One that has no data. */
static int order(struct ublkctl *c, enum ublkwire_command command,
		 unsigned index)
{
	struct ublkwire_control control = {.device = index};

	return perform(c, command, &control, -1);
}

/* -- life --------------------------------------------------------------------
 */

/*
 * Kernels before 6.5 do not know the question, and take numbers that are not
 * encoded.
 */
static void ask_features(struct ublkctl *c)
{
	uint64_t features = 0;
	struct ublkwire_control control = {
		.device = UBLKWIRE_ANY_DEVICE,
		.length = sizeof(features),
		.address = (uintptr_t)&features,
	};

	c->encoded = true;
	c->encoded = perform(c, UBLKWIRE_GET_FEATURES, &control, -1) == 0;
}

static int open_control(void)
{
	int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		module_load("ublk_drv");
		fd = open(CONTROL, O_RDWR | O_CLOEXEC);
	}
	return fd < 0 ? -errno : fd;
}

static int open_ring(struct ublkctl *c)
{
	return io_uring_queue_init(ENTRIES, &c->ring, IORING_SETUP_SQE128);
}

int ublkctl_open(struct ublkctl **out)
{
	struct ublkctl *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	rc = c->fd = open_control();
	if (rc < 0)
		goto no_control;
	rc = open_ring(c);
	if (rc)
		goto no_ring;
	ask_features(c);
	*out = c;
	return 0;
no_ring:
	close(c->fd);
no_control:
	free(c);
	return rc;
}

void ublkctl_close(struct ublkctl *c)
{
	if (!c)
		return;
	io_uring_queue_exit(&c->ring);
	close(c->fd);
	free(c);
}

bool ublkctl_is_encoded(const struct ublkctl *c)
{
	return c->encoded;
}

/* -- devices -----------------------------------------------------------------
 */

static int add_device(struct ublkctl *c, const struct ublkwire_shape *shape)
{
	struct ublkwire_info info = {
		.queues = 1,
		.depth = shape->depth,
		.buffer_size = shape->buffer_size,
		.device = UBLKWIRE_ANY_DEVICE,
	};
	struct ublkwire_control control = {
		.device = UBLKWIRE_ANY_DEVICE,
		.length = sizeof(info),
		.address = (uintptr_t)&info,
	};
	int rc = perform(c, UBLKWIRE_ADD_DEV, &control, -1);

	if (rc)
		return rc;
	return info.device > INT32_MAX ? -EIO : (int)info.device;
}

static int set_params(struct ublkctl *c, unsigned index,
		      const struct ublkwire_shape *shape)
{
	struct ublkwire_params params;
	struct ublkwire_control control = {
		.device = index,
		.length = sizeof(params),
		.address = (uintptr_t)&params,
	};

	ublkwire_fill_params(shape, &params);
	return perform(c, UBLKWIRE_SET_PARAMS, &control, -1);
}

int ublkctl_add(struct ublkctl *c, const struct ublkwire_shape *shape)
{
	int index = add_device(c, shape), rc;

	if (index < 0)
		return index;
	rc = set_params(c, (unsigned)index, shape);
	if (!rc)
		return index;
	ublkctl_delete(c, (unsigned)index);
	return rc;
}

/*
 * The kernel waits until all requests are fetched, and the device cannot be
 * deleted meanwhile. If that will not be, the command goes with its ring, so it
 * has one of its own.
 */
int ublkctl_start(struct ublkctl *c, unsigned index, int end)
{
	struct ublkctl own = {.fd = c->fd, .encoded = c->encoded};
	struct ublkwire_control control = {
		.device = index,
		.value = (uint64_t)getpid(),
	};
	int rc = open_ring(&own);

	if (rc)
		return rc;
	rc = perform(&own, UBLKWIRE_START_DEV, &control, end);
	io_uring_queue_exit(&own.ring);
	return rc;
}

int ublkctl_is_live(struct ublkctl *c, unsigned index)
{
	struct ublkwire_info info;
	struct ublkwire_control control = {
		.device = index,
		.length = sizeof(info),
		.address = (uintptr_t)&info,
	};
	int rc = perform(c, UBLKWIRE_GET_DEV_INFO, &control, -1);

	return rc ? rc : info.state != UBLKWIRE_DEAD;
}

int ublkctl_stop(struct ublkctl *c, unsigned index)
{
	return order(c, UBLKWIRE_STOP_DEV, index);
}

int ublkctl_delete(struct ublkctl *c, unsigned index)
{
	return order(c, UBLKWIRE_DEL_DEV, index);
}

int ublkctl_delete_dead(struct ublkctl *c, unsigned index)
{
	int rc = order(c, UBLKWIRE_DEL_DEV_ASYNC, index);

	return rc == 0 || rc == -ENODEV ? rc : ublkctl_delete(c, index);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "diag.h"
#include "guard.h"

/* -- descriptors that came along ---------------------------------------------
 */

static void close_fds(struct vub_session *s)
{
	for (unsigned i = 0; i < s->fd_count; i++)
		if (s->fds[i] >= 0)
			close(s->fds[i]);
	s->fd_count = 0;
}

static void keep_fd(struct vub_session *s, int fd)
{
	if (s->fd_count < VUB_FDS_MAX)
		s->fds[s->fd_count++] = fd;
	else
		close(fd);
}

static void take_fds(struct vub_session *s, struct msghdr *message)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			keep_fd(s, fd);
		}
	}
}

/* -- messages ----------------------------------------------------------------
 */

static ssize_t receive(struct vub_session *s, void *to, size_t length)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(VUB_FDS_MAX * sizeof(int))];
	} control;
	struct iovec iov = {to, length};
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(s->source.fd, &message,
			    MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n > 0)
		take_fds(s, &message);
	return n;
}

/* 1: all is there, 0: not yet, -1: the connection is over */
static int read_message(struct vub_session *s)
{
	size_t head = sizeof(s->header);

	for (;;) {
		size_t want = s->got < head ? head : head + s->header.size;
		uint8_t *to = s->got < head ? (uint8_t *)&s->header + s->got
					    : (uint8_t *)&s->payload +
						      (s->got - head);
		ssize_t n;

		if (s->got >= head && s->header.size > sizeof(s->payload))
			return -1;
		if (s->got >= head && s->got == want)
			return 1;
		n = receive(s, to, want - s->got);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		if (n <= 0)
			return -1;
		s->got += (size_t)n;
	}
}

static int send_all(int fd, const struct iovec *iov, size_t count, int attached)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {
		.msg_iov = (struct iovec *)(uintptr_t)iov,
		.msg_iovlen = count,
	};
	size_t length = 0;

	for (size_t i = 0; i < count; i++)
		length += iov[i].iov_len;
	if (attached >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &attached, sizeof(int));
	}
	/* a front end that does not read its replies is no use */
	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) ==
			       (ssize_t)length
		       ? 0
		       : -1;
}

static int reply(struct vub_session *s)
{
	struct iovec iov[2] = {
		{&s->header, sizeof(s->header)},
		{&s->payload, s->reply_size},
	};
	int rc;

	s->header.flags = VUB_VERSION | VUB_REPLY;
	s->header.size = s->reply_size;
	rc = send_all(s->source.fd, iov, s->reply_size ? 2 : 1, s->reply_fd);
	if (s->reply_fd >= 0)
		close(s->reply_fd);
	s->reply_fd = -1;
	return rc;
}

/* 0, or -1: no more of this connection */
static int answer(struct vub_session *s)
{
	bool replies = vub_message_replies(s->header.request);
	bool acked = (s->header.flags & VUB_NEED_REPLY) &&
		     (s->protocol & VUB_P_REPLY_ACK) && !replies;
	const char *wrong = vub_message_handle(s);

	close_fds(s);
	if (wrong)
		diag_warning(s->device->id, "message %u: %s", s->header.request,
			     wrong);
	if (wrong && !acked)
		return -1;
	if (acked) {
		s->payload.u64 = wrong != NULL;
		s->reply_size = sizeof(s->payload.u64);
	}
	return acked || replies ? reply(s) : 0;
}

static void ready(void *ctx)
{
	struct vub_session *s = ctx;
	int rc = read_message(s);

	if (!rc)
		return;
	if (rc > 0) {
		rc = answer(s);
		s->got = 0;
	}
	if (rc < 0) {
		struct vub_device *d = s->device;

		vub_session_end(s);
		vub_device_lost(d);
	}
}

void vub_session_config_changed(struct vub_session *s)
{
	const struct vub_header header = {
		.request = VUB_BACKEND_CONFIG_CHANGE,
		.flags = VUB_VERSION,
	};
	const uint64_t both = VUB_P_CONFIG | VUB_P_BACKEND_REQ;
	const struct iovec iov = {(void *)(uintptr_t)&header, sizeof(header)};

	if (s->backend_fd >= 0 && (s->protocol & both) == both &&
	    send_all(s->backend_fd, &iov, 1, -1))
		diag_warning(s->device->id,
			     "the front end was not told of the new size");
}

/* -- what runs ---------------------------------------------------------------
 */

void vub_session_pause(struct vub_session *s)
{
	for (unsigned i = 0; i < s->queue_count; i++)
		vub_queue_stop(&s->queues[i], VUB_STOP_KEEP);
}

static bool is_to_run(const struct vub_queue *q)
{
	return q->started && q->enabled;
}

void vub_session_update(struct vub_session *s)
{
	bool wanted = false;

	for (unsigned i = 0; i < s->queue_count; i++) {
		struct vub_queue *q = &s->queues[i];

		wanted |= q->started;
		if (!is_to_run(q))
			vub_queue_stop(q, VUB_STOP_KEEP);
	}
	vub_device_want(s->device, wanted);
	for (unsigned i = 0; i < s->queue_count; i++)
		if (is_to_run(&s->queues[i]) && vub_device_ready(s->device))
			vub_queue_start(&s->queues[i]);
}

void vub_session_apply(struct vub_session *s)
{
	struct vub_serving *v = &s->serving;
	bool cache = s->features & VIRTIO_BLK_FLUSH;

	if (s->features & VIRTIO_BLK_CONFIG_WCE)
		cache = s->cache;
	atomic_store(&v->durable, !cache);
	v->indirect = s->features & VIRTIO_INDIRECT_DESC;
	v->event_idx = s->features & VIRTIO_EVENT_IDX;
	v->dirty = (s->features & VHOST_LOG_ALL) && s->dirty.map.start
			   ? &s->dirty
			   : NULL;
}

/* -- life --------------------------------------------------------------------
 */

static int set_up(struct vub_session *s)
{
	const struct vub_device *d = s->device;

	s->serving = (struct vub_serving){
		.target = {d->disk, d->read_only, d->serial},
		.guest = &s->guest,
		.name = d->id,
		.on_full = d->on_full,
		.poll_us = d->poll_us,
	};
	s->guard_hits = vub_guard_hits();
	s->cache = true;
	vub_session_apply(s);
	for (; s->queue_count < d->queues; s->queue_count++) {
		struct vub_queue *q = &s->queues[s->queue_count];

		if (vub_queue_init(q, &s->serving, s->queue_count)) {
			vub_queue_drop(q);
			return -1;
		}
		q->fresh = true;
	}
	return vub_loop_add(&s->source);
}

static void clean_up(struct vub_session *s)
{
	for (unsigned i = 0; i < s->queue_count; i++)
		vub_queue_drop(&s->queues[i]);
	close_fds(s);
	if (s->backend_fd >= 0)
		close(s->backend_fd);
	vub_map_close(&s->inflight);
	vub_map_close(&s->dirty.map);
	vub_guest_clear(&s->guest);
	close(s->source.fd);
	free(s);
}

struct vub_session *vub_session_new(struct vub_device *d, int fd)
{
	struct vub_session *s =
		calloc(1, sizeof(*s) + d->queues * sizeof(s->queues[0]));

	if (!s) {
		close(fd);
		return NULL;
	}
	s->device = d;
	s->source = (struct vub_source){fd, ready, s};
	s->backend_fd = -1;
	s->reply_fd = -1;
	if (set_up(s)) {
		diag_warning(d->id, "no connection: %s", strerror(errno));
		clean_up(s);
		return NULL;
	}
	return s;
}

void vub_session_end(struct vub_session *s)
{
	vub_session_pause(s);
	if (vub_guard_hits() != s->guard_hits)
		diag_warning(s->device->id,
			     "memory of a guest was taken away in use");
	vub_loop_remove(&s->source);
	clean_up(s);
}

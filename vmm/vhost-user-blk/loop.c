/* SPDX-License-Identifier: BSD-2-Clause */
#include "loop.h"

#include <stddef.h>
#include <time.h>

#include <sys/epoll.h>

static int loop = -1;

int vub_loop_init(void)
{
	loop = epoll_create1(EPOLL_CLOEXEC);
	return loop < 0 ? -1 : 0;
}

int vub_loop_add(struct vub_source *s)
{
	struct epoll_event event = {
		.events = EPOLLIN,
		.data.ptr = s,
	};

	return epoll_ctl(loop, EPOLL_CTL_ADD, s->fd, &event);
}

void vub_loop_remove(struct vub_source *s)
{
	epoll_ctl(loop, EPOLL_CTL_DEL, s->fd, NULL);
}

/* one at a time: what it does may end the others */
void vub_loop_step(int timeout_ms)
{
	struct epoll_event event;
	struct vub_source *s;

	if (epoll_wait(loop, &event, 1, timeout_ms) != 1)
		return;
	s = event.data.ptr;
	s->ready(s->ctx);
}

int64_t vub_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Connection, memory and rings; io.c has the requests. */
#include "frontend.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PROTOCOL                                                               \
	(VUB_P_MQ | VUB_P_REPLY_ACK | VUB_P_BACKEND_REQ | VUB_P_CONFIG |       \
	 VUB_P_INFLIGHT_SHMFD | VUB_P_LOG_SHMFD | VUB_P_RESET_DEVICE |         \
	 VUB_P_MEM_SLOTS)

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "front end: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* -- messages ----------------------------------------------------------------
 */

int front_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct timespec pause = {.tv_nsec = 10000000};

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	for (unsigned i = 0; i < 3000; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
			return fd;
		close(fd);
		nanosleep(&pause, NULL);
	}
	die(path);
}

int front_send(int fd, uint32_t request, uint32_t flags, const void *payload,
	       size_t size, const int *fds, unsigned fd_count)
{
	struct vub_header header = {request, flags, (uint32_t)size};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(32 * sizeof(int))];
	} control = {0};
	struct iovec iov[2] = {
		{&header, sizeof(header)},
		{(void *)(uintptr_t)payload, size},
	};
	struct msghdr message = {.msg_iov = iov, .msg_iovlen = size ? 2 : 1};
	struct cmsghdr *c = &control.align;

	if (fd_count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL) < 0 ? -1 : 0;
}

static int receive_all(int fd, void *to, size_t size, int *got_fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	size_t done = 0;

	while (done < size) {
		struct iovec iov = {(uint8_t *)to + done, size - done};
		struct msghdr message = {
			.msg_iov = &iov,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);

		if (n <= 0)
			return -1;
		if (c && got_fd)
			memcpy(got_fd, CMSG_DATA(c), sizeof(int));
		done += (size_t)n;
	}
	return 0;
}

int front_receive(int fd, struct vub_header *header, void *payload, size_t room,
		  int *got_fd)
{
	if (receive_all(fd, header, sizeof(*header), got_fd) ||
	    header->size > room ||
	    (header->size && receive_all(fd, payload, header->size, got_fd)))
		return -1;
	return (int)header->size;
}

bool front_set(struct front *f, uint32_t request, const void *payload,
	       size_t size, int fd)
{
	struct vub_header header;
	uint64_t answer;

	if (front_send(f->fd, request, VUB_VERSION | VUB_NEED_REPLY, payload,
		       size, &fd, fd >= 0) ||
	    front_receive(f->fd, &header, &answer, sizeof(answer), NULL) !=
		    (int)sizeof(answer))
		return false;
	return header.request == request && !answer;
}

static void must_set(struct front *f, uint32_t request, const void *payload,
		     size_t size, int fd)
{
	if (front_set(f, request, payload, size, fd))
		return;
	fprintf(stderr, "front end: message %u was refused\n", request);
	exit(1);
}

uint64_t front_get(struct front *f, uint32_t request)
{
	struct vub_header header;
	uint64_t answer;

	if (front_send(f->fd, request, VUB_VERSION, NULL, 0, NULL, 0) ||
	    front_receive(f->fd, &header, &answer, sizeof(answer), NULL) !=
		    (int)sizeof(answer))
		die("no answer");
	return answer;
}

void front_read_config(struct front *f)
{
	struct vub_config c = {.size = 60};
	struct vub_header header;

	if (front_send(f->fd, VUB_GET_CONFIG, VUB_VERSION, &c,
		       VUB_CONFIG_HEAD + 60, NULL, 0) ||
	    front_receive(f->fd, &header, &c, sizeof(c), NULL) !=
		    (int)VUB_CONFIG_HEAD + 60)
		die("no configuration");
	memcpy(&f->config, c.bytes, 60);
}

/* -- memory ------------------------------------------------------------------
 */

static void *take_memory(struct front *f, size_t size, size_t align)
{
	size_t at = (f->memory_used + align - 1) / align * align;

	f->memory_used = at + size;
	if (f->memory_used > f->memory_size)
		die("too little memory");
	return f->memory + at;
}

void *front_at(const struct front *f, uint64_t guest)
{
	return f->memory + (guest - FRONT_GUEST);
}

static void make_memory(struct front *f)
{
	/* rings, headers and tables first */
	size_t rings = (size_t)f->options.queues * f->options.ring *
			       (64 + FRONT_PIECES * 16) +
		       ((size_t)1 << 20);

	f->memory_size = (rings + f->options.memory + 0x1fffff) & ~0x1fffffull;
	f->memory_fd = memfd_create("guest", MFD_CLOEXEC);
	if (f->memory_fd < 0 || ftruncate(f->memory_fd, (off_t)f->memory_size))
		die("memory");
	f->memory = mmap(NULL, f->memory_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED, f->memory_fd, 0);
	if (f->memory == MAP_FAILED)
		die("memory");
}

/* two regions that meet in the middle of the data */
static void share_memory(struct front *f)
{
	size_t cut = (f->data - FRONT_GUEST + f->options.memory / 2) & ~4095ull;
	struct vub_table t = {
		.count = 2,
		.regions = {{FRONT_GUEST, cut, (uintptr_t)f->memory, 0},
			    {FRONT_GUEST + cut, f->memory_size - cut,
			     (uintptr_t)f->memory + cut, cut}},
	};
	const int fds[2] = {f->memory_fd, f->memory_fd};
	struct vub_header header;
	uint64_t answer = 1;

	if (front_send(f->fd, VUB_SET_MEM_TABLE, VUB_VERSION | VUB_NEED_REPLY,
		       &t, 8 + 2 * sizeof(t.regions[0]), fds, 2) ||
	    front_receive(f->fd, &header, &answer, sizeof(answer), NULL) < 0 ||
	    answer)
		die("memory was refused");
}

static void make_queue(struct front *f, unsigned index)
{
	struct front_queue *q = &f->queues[index];
	unsigned num = f->options.ring;

	*q = (struct front_queue){.front = f, .index = index, .num = num};
	q->desc = take_memory(f, 16ul * num, 4096);
	q->avail = take_memory(f, 6 + 2ul * num, 2);
	q->used = take_memory(f, 6 + 8ul * num, 4096);
	q->headers = take_memory(f, 16ul * num, 16);
	q->status = take_memory(f, num, 1);
	q->tables = take_memory(f, 16ul * num * (FRONT_PIECES + 4), 16);
	q->slots = calloc(num, sizeof(*q->slots));
	q->free = calloc(num, sizeof(*q->free));
	for (unsigned i = 0; i < num; i++)
		q->free[q->free_count++] = (uint16_t)(num - 1 - i);
	q->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	q->error = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

/* -- negotiation -------------------------------------------------------------
 */

static void negotiate(struct front *f)
{
	uint64_t offered = front_get(f, VUB_GET_FEATURES);
	uint64_t protocol = front_get(f, VUB_GET_PROTOCOL_FEATURES);
	int pair[2];

	f->features = offered & ~f->options.without & ~VHOST_LOG_ALL;
	f->protocol = protocol & PROTOCOL;
	if (!(f->protocol & VUB_P_REPLY_ACK))
		die("no acknowledgments");
	front_send(f->fd, VUB_SET_PROTOCOL_FEATURES, VUB_VERSION, &f->protocol,
		   8, NULL, 0);
	must_set(f, VUB_SET_OWNER, NULL, 0, -1);
	f->backend_queues = (unsigned)front_get(f, VUB_GET_QUEUE_NUM);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		die("socketpair");
	must_set(f, VUB_SET_BACKEND_REQ_FD, NULL, 0, pair[1]);
	close(pair[1]);
	f->backend = pair[0];
	front_read_config(f);
	must_set(f, VUB_SET_FEATURES, &f->features, 8, -1);
}

static void get_inflight(struct front *f)
{
	struct vub_header header;
	struct vub_inflight_area *a = &f->inflight;

	a->queues = (uint16_t)f->options.queues;
	a->queue_size = (uint16_t)f->options.ring;
	if (front_send(f->fd, VUB_GET_INFLIGHT_FD, VUB_VERSION, a, sizeof(*a),
		       NULL, 0) ||
	    front_receive(f->fd, &header, a, sizeof(*a), &f->inflight_fd) !=
		    (int)sizeof(*a) ||
	    f->inflight_fd < 0)
		die("no record of what is in flight");
}

static void start_queue(struct front_queue *q)
{
	struct front *f = q->front;
	struct vub_vring_state state = {q->index, q->num};
	const struct vub_vring_addr addr = {
		.index = q->index,
		.desc = (uintptr_t)q->desc,
		.avail = (uintptr_t)q->avail,
		.used = (uintptr_t)q->used,
	};
	uint64_t index = q->index;

	must_set(f, VUB_SET_VRING_NUM, &state, sizeof(state), -1);
	must_set(f, VUB_SET_VRING_ADDR, &addr, sizeof(addr), -1);
	state.num = q->used->idx;
	must_set(f, VUB_SET_VRING_BASE, &state, sizeof(state), -1);
	must_set(f, VUB_SET_VRING_CALL, &index, 8, q->call);
	must_set(f, VUB_SET_VRING_ERR, &index, 8, q->error);
	if (f->options.no_kick)
		index |= VUB_VRING_NO_FD;
	must_set(f, VUB_SET_VRING_KICK, &index, 8,
		 f->options.no_kick ? -1 : q->kick);
	state.num = 1;
	must_set(f, VUB_SET_VRING_ENABLE, &state, sizeof(state), -1);
}

void front_start(struct front *f)
{
	if (f->options.inflight && f->inflight_fd < 0)
		get_inflight(f);
	else if (f->options.inflight)
		must_set(f, VUB_SET_INFLIGHT_FD, &f->inflight,
			 sizeof(f->inflight), f->inflight_fd);
	for (unsigned i = 0; i < f->options.queues; i++)
		start_queue(&f->queues[i]);
}

void front_stop(struct front *f)
{
	for (unsigned i = 0; i < f->options.queues; i++) {
		struct vub_vring_state state = {i, 0};
		struct vub_header header;

		if (front_send(f->fd, VUB_GET_VRING_BASE, VUB_VERSION, &state,
			       sizeof(state), NULL, 0) ||
		    front_receive(f->fd, &header, &state, sizeof(state),
				  NULL) != (int)sizeof(state))
			die("a ring did not stop");
	}
}

/* -- life --------------------------------------------------------------------
 */

struct front *front_open(const char *path, const struct front_options *options)
{
	struct front *f = calloc(1, sizeof(*f));

	if (options)
		f->options = *options;
	if (!f->options.queues)
		f->options.queues = 1;
	if (!f->options.ring)
		f->options.ring = 128;
	if (!f->options.memory)
		f->options.memory = (size_t)16 << 20;
	f->inflight_fd = -1;
	make_memory(f);
	for (unsigned i = 0; i < f->options.queues; i++)
		make_queue(f, i);
	f->data =
		FRONT_GUEST +
		(uint64_t)((uint8_t *)take_memory(f, f->options.memory, 4096) -
			   f->memory);
	f->fd = front_connect(path);
	negotiate(f);
	share_memory(f);
	if (!f->options.stop_after_mem)
		front_start(f);
	return f;
}

void front_disconnect(struct front *f)
{
	if (f->fd < 0)
		return;
	close(f->fd);
	close(f->backend);
	f->fd = -1;
}

void front_reconnect(struct front *f, const char *path)
{
	f->fd = front_connect(path);
	negotiate(f);
	share_memory(f);
	front_start(f);
	/* what was kicked may have been lost */
	for (unsigned i = 0; i < f->options.queues; i++) {
		const uint64_t one = 1;

		(void)!write(f->queues[i].kick, &one, sizeof(one));
	}
}

void front_close(struct front *f)
{
	front_disconnect(f);
	for (unsigned i = 0; i < f->options.queues; i++) {
		struct front_queue *q = &f->queues[i];

		close(q->kick);
		close(q->call);
		close(q->error);
		free(q->slots);
		free(q->free);
	}
	munmap(f->memory, f->memory_size);
	close(f->memory_fd);
	if (f->inflight_fd >= 0)
		close(f->inflight_fd);
	free(f);
}

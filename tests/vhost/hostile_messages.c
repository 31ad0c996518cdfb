/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that break the protocol, each rule in turn and at random. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "daemon.h"
#include "frontend.h"
#include "hostile.h"

static const char *path;
static uint64_t seed = 7;

static int odd_fd(void)
{
	int pair[2];

	switch (lot(&seed) % 4) {
	case 0:
		return memfd_create("odd", MFD_CLOEXEC);
	case 1:
		if (pipe(pair))
			return -1;
		close(pair[lot(&seed) % 2 ? 1 : 0]);
		return fcntl(pair[0], F_GETFD) >= 0 ? pair[0] : pair[1];
	case 2:
		return eventfd(0, EFD_CLOEXEC);
	default:
		return open("/dev/zero", O_RDWR | O_CLOEXEC);
	}
}

/* half of them with a number that means something */
static void random_message(int fd)
{
	uint8_t bytes[300];
	uint32_t request = (uint32_t)(lot(&seed) % 42);
	uint32_t flags = lot(&seed) % 8 ? VUB_VERSION : (uint32_t)lot(&seed);
	size_t size = lot(&seed) % 5 ? lot(&seed) % 48 : lot(&seed) % 300;
	unsigned count = lot(&seed) % 3 ? 0 : (unsigned)(lot(&seed) % 10);
	int fds[10];

	for (size_t i = 0; i < size; i++)
		bytes[i] = lot(&seed) % 3 ? 0 : (uint8_t)(lot(&seed) % 9);
	for (unsigned i = 0; i < count; i++)
		fds[i] = odd_fd();
	front_send(fd, request, flags, bytes, size, fds, count);
	for (unsigned i = 0; i < count; i++)
		close(fds[i]);
	/* answers are of no interest, but must not pile up */
	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static void random_messages(void)
{
	for (unsigned i = 0; i < 300; i++) {
		int fd = front_connect(path);
		unsigned count = 1 + (unsigned)(lot(&seed) % 20);

		while (count--)
			random_message(fd);
		close(fd);
	}
}

/* to a front end that was set up, where there is something to break */
static void random_messages_later(void)
{
	const struct front_options o = {.inflight = true};

	for (unsigned i = 0; i < 60; i++) {
		struct front *f = front_open(path, &o);

		for (unsigned n = 0; n < 20; n++)
			random_message(f->fd);
		front_close(f);
	}
}

static void random_bytes(void)
{
	for (unsigned i = 0; i < 100; i++) {
		int fd = front_connect(path);
		uint64_t words[32];

		for (unsigned n = 0; n < 32; n++)
			words[n] = lot(&seed);
		send(fd, words, lot(&seed) % sizeof(words), MSG_NOSIGNAL);
		close(fd);
	}
}

/* each breaks one rule of one message, and is refused */
static void bad_messages(void)
{
	const struct front_options o = {.stop_after_mem = true};
	struct front *f = front_open(path, &o);
	struct vub_vring_state state = {0, 0};
	struct vub_one_region region = {0, {0, 4096, 0, 0}};
	struct vub_inflight_area area = {64, 0, 1, 128, 0};
	struct vub_vring_addr addr = {.desc = 1};
	uint64_t all = UINT64_MAX, number = 200;
	int tiny = memfd_create("tiny", MFD_CLOEXEC);

	EXPECT(!front_set(f, VUB_SET_FEATURES, &all, 8, -1));
	EXPECT(!front_set(f, VUB_SET_PROTOCOL_FEATURES, &all, 8, -1));
	for (uint32_t num = 0; num < 200000; num = num * 3 + 3)
		EXPECT(!front_set(f, VUB_SET_VRING_NUM,
				  &(struct vub_vring_state){0, num}, 8, -1));
	state.index = 1;
	state.num = 128;
	EXPECT(!front_set(f, VUB_SET_VRING_NUM, &state, 8, -1));
	state.index = 0;
	EXPECT(front_set(f, VUB_SET_VRING_NUM, &state, 8, -1));
	EXPECT(!front_set(f, VUB_SET_VRING_ADDR, &addr, 40, -1));
	addr.desc = addr.avail = addr.used =
		(uintptr_t)f->memory + f->memory_size - 4096;
	addr.avail += 4000;
	EXPECT(!front_set(f, VUB_SET_VRING_ADDR, &addr, 40, -1));
	state.num = 65536;
	EXPECT(!front_set(f, VUB_SET_VRING_BASE, &state, 8, -1));
	EXPECT(!front_set(f, VUB_SET_VRING_KICK, &number, 8, f->memory_fd));
	number = 0;
	EXPECT(!front_set(f, VUB_SET_VRING_KICK, &number, 8, -1));
	number = VUB_VRING_NO_FD;
	EXPECT(!front_set(f, VUB_SET_VRING_CALL, &number, 8, f->memory_fd));
	EXPECT(!front_set(f, VUB_ADD_MEM_REG, &region, 40, tiny));
	region.region.size = 0;
	EXPECT(!front_set(f, VUB_ADD_MEM_REG, &region, 40, f->memory_fd));
	region.region.size = UINT64_MAX;
	EXPECT(!front_set(f, VUB_ADD_MEM_REG, &region, 40, f->memory_fd));
	region.region =
		(struct vub_region){FRONT_GUEST + 8192, 4096, 1 << 20, 0};
	EXPECT(!front_set(f, VUB_ADD_MEM_REG, &region, 40, f->memory_fd));
	EXPECT(!front_set(f, VUB_REM_MEM_REG, &region, 40, -1));
	region.region.guest = 1 << 20;
	EXPECT(front_set(f, VUB_ADD_MEM_REG, &region, 40, f->memory_fd));
	EXPECT(front_set(f, VUB_REM_MEM_REG, &region, 40, -1));
	EXPECT(!front_set(f, VUB_SET_INFLIGHT_FD, &area, 24, f->memory_fd));
	area = (struct vub_inflight_area){1 << 20, 0, 0, 128, 0};
	EXPECT(!front_set(f, VUB_SET_INFLIGHT_FD, &area, 24, f->memory_fd));
	area = (struct vub_inflight_area){1 << 20, 1 << 30, 1, 128, 0};
	EXPECT(!front_set(f, VUB_SET_INFLIGHT_FD, &area, 24, f->memory_fd));
	EXPECT(!front_set(f, 99, NULL, 0, -1));
	close(tiny);
	front_close(f);
}

void hostile_messages(const char *socket)
{
	path = socket;
	bad_messages();
	random_bytes();
	random_messages();
	random_messages_later();
}

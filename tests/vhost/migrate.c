/* SPDX-License-Identifier: BSD-2-Clause */
/* The log of pages that were written: data, status and used ring, no others. */
#include <string.h>

#include <sys/mman.h>
#include <unistd.h>

#include "daemon.h"
#include "frontend.h"

#define SIZE ((uint64_t)8 << 20)

static bool marked(const uint8_t *bits, uint64_t guest)
{
	uint64_t page = guest / 4096;

	return bits[page / 8] >> (page % 8) & 1;
}

static uint64_t guest_of(const struct front *f, const void *at)
{
	return FRONT_GUEST + (uint64_t)((const uint8_t *)at - f->memory);
}

static void set_log(struct front *f, int fd, size_t size)
{
	struct vub_log log = {size, 0};
	struct vub_header header;
	uint64_t answer;

	EXPECT(!front_send(f->fd, VUB_SET_LOG_BASE, VUB_VERSION, &log,
			   sizeof(log), &fd, 1));
	EXPECT(front_receive(f->fd, &header, &answer, sizeof(answer), NULL) >=
	       0);
	EXPECT(header.request == VUB_SET_LOG_BASE);
}

static void set_features(struct front *f, uint64_t more)
{
	uint64_t features = f->features | more;
	const struct vub_vring_addr addr = {
		.flags = more ? VUB_VRING_LOG : 0,
		.desc = (uintptr_t)f->queues[0].desc,
		.avail = (uintptr_t)f->queues[0].avail,
		.used = (uintptr_t)f->queues[0].used,
		.log = guest_of(f, f->queues[0].used),
	};

	EXPECT(front_set(f, VUB_SET_FEATURES, &features, 8, -1));
	EXPECT(front_set(f, VUB_SET_VRING_ADDR, &addr, sizeof(addr), -1));
}

static void touch(struct front *f, uint32_t type, uint64_t at)
{
	const struct front_io io = {
		.type = type,
		.address = f->data + at,
		.length = 8192,
		.pieces = 2,
	};

	EXPECT(front_do(&f->queues[0], &io) == VIRTIO_BLK_S_OK);
}

int main(int argc, char **argv)
{
	size_t size = (FRONT_GUEST + (64u << 20)) / 4096 / 8;
	int log = memfd_create("log", MFD_CLOEXEC);
	const char *path;
	struct front *f;
	uint8_t *bits;
	pid_t pid;

	test_begin(argc, argv);
	path = test_path("l.sock");
	image_make(test_path("l.vhdx"), SIZE, false);
	pid = daemon_start("--socket", path, test_path("l.vhdx"), NULL);
	f = front_open(path, NULL);
	EXPECT(!ftruncate(log, (off_t)size));
	bits = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, log, 0);
	set_log(f, log, size);
	touch(f, VIRTIO_BLK_T_IN, 0);
	EXPECT(!marked(bits, f->data)); /* not asked for yet */
	set_features(f, VHOST_LOG_ALL);
	touch(f, VIRTIO_BLK_T_IN, 16384);
	touch(f, VIRTIO_BLK_T_OUT, 65536);
	EXPECT(marked(bits, f->data + 16384));
	EXPECT(marked(bits, f->data + 20480));
	EXPECT(!marked(bits, f->data + 24576));
	EXPECT(!marked(bits, f->data + 65536)); /* was only read */
	EXPECT(marked(bits, guest_of(f, f->queues[0].used)));
	EXPECT(marked(bits, guest_of(f, f->queues[0].status)));
	EXPECT(!marked(bits, guest_of(f, f->queues[0].desc)));
	set_features(f, 0);
	touch(f, VIRTIO_BLK_T_IN, 131072);
	EXPECT(!marked(bits, f->data + 131072));
	front_close(f);
	EXPECT(daemon_stop(pid) == 0);
	return test_failed;
}

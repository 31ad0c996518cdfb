/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host file system that is full, in each of the ways to take it: a small
 * tmpfs, mounted in a name space of our own.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mount.h>
#include <sys/stat.h>

#include "daemon.h"
#include "frontend.h"

#define SIZE   ((uint64_t)32 << 20)
#define BYTES  65536u
#define BLOCKS (SIZE / BYTES)

static const char *image, *path, *control;

static uint32_t has[BLOCKS]; /* what was written, by block */

static void put(uint8_t *bytes, uint64_t block, uint32_t number)
{
	memset(bytes, (int)(1 + (block * 7 + number) % 250), BYTES);
}

static struct front_io io_of(struct front *f, uint64_t block)
{
	return (struct front_io){
		.type = VIRTIO_BLK_T_OUT,
		.sector = block * (BYTES / 512),
		.address = f->data + block % 16 * BYTES,
		.length = BYTES,
		.user = &has[block],
	};
}

static bool mount_small(const char *at)
{
	mkdir(at, 0700);
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("full", at, "tmpfs", 0, "size=16m")) {
		printf("skipped: no small file system: %s\n", strerror(errno));
		return false;
	}
	return true;
}

static void set_room(const char *at, const char *size)
{
	EXPECT(!mount("full", at, "tmpfs", MS_REMOUNT, size));
}

static pid_t start(const char *on_full)
{
	return daemon_start("--socket", path, "--control", control, "--on-full",
			    on_full, image, NULL);
}

/* -- report ------------------------------------------------------------------
 */

static void report(const char *folder)
{
	pid_t pid = start("report");
	struct front *f = front_open(path, NULL);
	unsigned failed = 0;

	for (uint64_t block = 0; block < BLOCKS; block++) {
		struct front_io io = io_of(f, block);

		put(front_at(f, io.address), block, 1);
		if (front_do(&f->queues[0], &io) == VIRTIO_BLK_S_OK)
			has[block] = 1;
		else
			failed++;
	}
	EXPECT(failed > 0 && failed < BLOCKS);
	/* with space, all that was written can be kept */
	set_room(folder, "size=64m");
	front_close(f);
	EXPECT(daemon_stop(pid) == 0);
}

/* -- stop and retry ----------------------------------------------------------
 */

static unsigned count_waiting(void)
{
	char *answer = control_say(control, "{\"command\":\"list\"}");
	const char *at = strstr(answer, "waiting_for_space\":");
	unsigned count = at ? (unsigned)atoi(at + 19) : 0;

	free(answer);
	return count;
}

static unsigned reap(struct front *f, uint32_t number)
{
	struct front_done done;
	unsigned count = 0;

	while (front_reap(&f->queues[0], &done)) {
		EXPECT(done.status == VIRTIO_BLK_S_OK);
		*(uint32_t *)done.user = number;
		count++;
	}
	return count;
}

static void wait_until_full(void)
{
	unsigned tries = 0;

	while (!count_waiting() && tries++ < 3000)
		usleep(10000);
	EXPECT(count_waiting() > 0);
}

/* writes more than there is room for; nothing of it fails */
static void wait_for_space(const char *on_full, uint32_t number,
			   const char *folder, const char *size)
{
	pid_t pid = start(on_full);
	struct front *f = front_open(path, NULL);
	uint64_t block = 0, ended = 0;
	bool grown = false;

	while (ended < BLOCKS && !test_failed) {
		/* sixteen at a time, and a buffer belongs to one of them */
		for (unsigned i = 0; i < 16 && block < BLOCKS; i++, block++) {
			struct front_io io = io_of(f, block);

			put(front_at(f, io.address), block, number);
			EXPECT(front_submit(&f->queues[0], &io) >= 0);
		}
		front_kick(&f->queues[0]);
		while (ended < block) {
			if (front_wait(&f->queues[0], grown ? 60000 : 1000)) {
				ended += reap(f, number);
				continue;
			}
			EXPECT(!grown);
			if (grown)
				break;
			wait_until_full();
			set_room(folder, size);
			grown = true;
			if (!strcmp(on_full, "stop"))
				EXPECT(control_ok(control,
						  "{\"command\":\"resume\","
						  "\"id\":\"disk0\"}"));
		}
	}
	EXPECT(grown);
	EXPECT(count_waiting() == 0);
	front_close(f);
	EXPECT(daemon_stop(pid) == 0);
}

/* a write that failed may have left a part of it */
static void check(void)
{
	static uint8_t expected[BYTES];
	uint64_t size;
	uint8_t *bytes = image_read(image, &size);

	EXPECT(size == SIZE);
	for (uint64_t block = 0; block < BLOCKS; block++) {
		if (!has[block])
			continue;
		put(expected, block, has[block]);
		EXPECT(!memcmp(bytes + block * BYTES, expected, BYTES));
	}
	free(bytes);
}

int main(int argc, char **argv)
{
	const char *folder;

	test_begin(argc, argv);
	folder = test_path("small");
	if (!mount_small(folder))
		return 77;
	image = test_path("small/f.vhdx");
	path = test_path("f.sock");
	control = test_path("f.control");
	image_make(image, SIZE, false);
	report(folder);
	check();
	memset(has, 0, sizeof(has));
	image_make(image, SIZE, false);
	set_room(folder, "size=16m");
	wait_for_space("stop", 2, folder, "size=64m");
	check();
	image_make(image, SIZE, false);
	set_room(folder, "size=16m");
	wait_for_space("retry", 3, folder, "size=64m");
	check();
	return test_failed;
}

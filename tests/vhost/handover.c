/* SPDX-License-Identifier: BSD-2-Clause */
/* Two hosts and one image: each serves it when the other has let it go. */
#include <string.h>

#include "daemon.h"
#include "frontend.h"

#define SIZE ((uint64_t)8 << 20)

static uint8_t touch(struct front *f, uint32_t type, uint8_t byte)
{
	const struct front_io io = {
		.type = type,
		.address = f->data,
		.length = 4096,
	};
	uint8_t *bytes = front_at(f, f->data);
	uint8_t status;

	memset(bytes, type == VIRTIO_BLK_T_OUT ? byte : 0, 4096);
	status = front_do(&f->queues[0], &io);
	if (type == VIRTIO_BLK_T_IN)
		EXPECT(bytes[0] == byte && bytes[4095] == byte);
	return status;
}

int main(int argc, char **argv)
{
	const char *image, *a, *b;
	struct front_io io = {.type = VIRTIO_BLK_T_IN, .length = 4096};
	struct front *f, *g;
	struct front_done done;
	pid_t first, second;

	test_begin(argc, argv);
	image = test_path("m.vhdx");
	a = test_path("m1.sock");
	b = test_path("m2.sock");
	image_make(image, SIZE, false);
	first = daemon_start("--socket", a, image, NULL);
	f = front_open(a, NULL);
	EXPECT(touch(f, VIRTIO_BLK_T_OUT, 1) == VIRTIO_BLK_S_OK);
	/* without --wait it does not start */
	second = daemon_start("--socket", b, image, NULL);
	EXPECT(daemon_stop(second) != 0);
	second = daemon_start("--socket", b, "--wait", "60", image, NULL);
	g = front_open(b, NULL);
	/* what it is asked meanwhile waits, and is not answered */
	io.address = g->data;
	EXPECT(front_submit(&g->queues[0], &io) >= 0);
	front_kick(&g->queues[0]);
	EXPECT(!front_wait(&g->queues[0], 300));
	EXPECT(touch(f, VIRTIO_BLK_T_OUT, 2) == VIRTIO_BLK_S_OK);
	/* the rings stop, as when a guest has moved; the front end stays */
	front_stop(f);
	EXPECT(front_wait(&g->queues[0], 60000));
	EXPECT(front_reap(&g->queues[0], &done) && done.status == 0);
	EXPECT(*(uint8_t *)front_at(g, g->data) == 2);
	EXPECT(touch(g, VIRTIO_BLK_T_OUT, 3) == VIRTIO_BLK_S_OK);
	/* the first one asks again, in vain: it has no time to wait */
	front_start(f);
	EXPECT(touch(f, VIRTIO_BLK_T_OUT, 9) == VIRTIO_BLK_S_IOERR);
	front_close(g);
	/* now the image is free, and it comes back by itself */
	for (unsigned i = 0; i < 1000; i++) {
		const struct front_io write = {
			.type = VIRTIO_BLK_T_FLUSH,
		};

		/* a flush of a disk that is not ours fails as well */
		if (front_do(&f->queues[0], &write) == VIRTIO_BLK_S_OK)
			break;
		front_wait(&f->queues[0], 20);
	}
	EXPECT(touch(f, VIRTIO_BLK_T_IN, 3) == VIRTIO_BLK_S_OK);
	front_close(f);
	EXPECT(daemon_stop(first) == 0);
	EXPECT(daemon_stop(second) == 0);
	return test_failed;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks that come, grow and go while the program runs. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>

#include "daemon.h"
#include "frontend.h"

#define SIZE ((uint64_t)8 << 20)

static const char *control;

static void say(bool expected, const char *format, const char *a, const char *b)
{
	char line[2048];

	/* the formats are those below */
	snprintf(line, sizeof(line), "{\"command\":%s", format);
	if (a) {
		size_t n = strlen(line);

		snprintf(line + n, sizeof(line) - n,
			 ",\"image\":\"%s\",\"socket\":\"%s\"", a, b);
	}
	strcat(line, "}");
	if (control_ok(control, line) != expected) {
		fprintf(stderr, "%s: not as expected\n", line);
		test_failed = 1;
	}
}

static void check_list(const char *part, bool there)
{
	char *answer = control_say(control, "{\"command\":\"list\"}");

	if (!strstr(answer, "\"ok\":true") || !strstr(answer, part) != !there) {
		fprintf(stderr, "list: %s", answer);
		test_failed = 1;
	}
	free(answer);
}

static uint8_t touch(struct front *f, uint32_t type, uint64_t sector)
{
	const struct front_io io = {
		.type = type,
		.sector = sector,
		.address = f->data,
		.length = 4096,
	};

	return front_do(&f->queues[0], &io);
}

/* the message that says: read the configuration again */
static void expect_config_change(struct front *f)
{
	struct pollfd p = {.fd = f->backend, .events = POLLIN};
	struct vub_header header = {0};

	EXPECT(poll(&p, 1, 30000) == 1);
	EXPECT(recv(f->backend, &header, sizeof(header), 0) ==
	       (ssize_t)sizeof(header));
	EXPECT(header.request == VUB_BACKEND_CONFIG_CHANGE);
	EXPECT(header.size == 0);
	front_read_config(f);
}

/* under requests that run meanwhile */
static void grow(struct front *f)
{
	uint64_t end = SIZE / 512;

	memset(front_at(f, f->data), 7, 4096);
	EXPECT(touch(f, VIRTIO_BLK_T_OUT, 0) == VIRTIO_BLK_S_OK);
	EXPECT(touch(f, VIRTIO_BLK_T_OUT, end) == VIRTIO_BLK_S_IOERR);
	say(true, "\"resize\",\"id\":\"d1\",\"size\":16777216", NULL, NULL);
	expect_config_change(f);
	EXPECT(f->config.capacity == 2 * end);
	EXPECT(touch(f, VIRTIO_BLK_T_IN, end) == VIRTIO_BLK_S_OK);
	EXPECT(*(uint8_t *)front_at(f, f->data) == 0);
	EXPECT(touch(f, VIRTIO_BLK_T_OUT, 2 * end - 8) == VIRTIO_BLK_S_OK);
	EXPECT(touch(f, VIRTIO_BLK_T_IN, 0) == VIRTIO_BLK_S_OK);
	EXPECT(*(uint8_t *)front_at(f, f->data) == 7);
	say(false, "\"resize\",\"id\":\"d1\",\"size\":8388608", NULL, NULL);
	say(false, "\"resize\",\"id\":\"d1\",\"size\":-1", NULL, NULL);
	say(false, "\"resize\",\"id\":\"d1\",\"size\":16777217", NULL, NULL);
	say(false, "\"resize\",\"id\":\"d9\",\"size\":16777216", NULL, NULL);
	EXPECT(touch(f, VIRTIO_BLK_T_IN, 0) == VIRTIO_BLK_S_OK);
}

static void bad_commands(void)
{
	const char *a = test_path("c1.vhdx"), *s = test_path("c3.sock");

	say(false, "\"fly\"", NULL, NULL);
	say(false, "7", NULL, NULL);
	say(false, "\"list\",\"id\":\"d1\"", NULL, NULL);
	say(false, "\"add\",\"id\":\"d3\"", NULL, NULL);
	say(false, "\"add\",\"id\":\"d3\",\"color\":1", a, s);
	say(false, "\"add\",\"id\":\"d3\",\"queues\":0", a, s);
	say(false, "\"add\",\"id\":\"d3\",\"queues\":65", a, s);
	say(false, "\"add\",\"id\":\"d3\",\"on_full\":\"cry\"", a, s);
	say(false, "\"add\",\"id\":\"d3\"", test_path("none.vhdx"), s);
	say(false, "\"add\",\"id\":\"d3\"", a, s); /* locked by d1 */
	say(false, "\"remove\",\"id\":\"d3\"", NULL, NULL);
	EXPECT(!control_ok(control, "not json"));
	EXPECT(!control_ok(control, "[]"));
}

int main(int argc, char **argv)
{
	const struct front_options o = {.queues = 2};
	const char *a, *b;
	struct front *f, *g;
	char byte;
	pid_t pid;

	test_begin(argc, argv);
	control = test_path("c.control");
	a = test_path("c1.vhdx");
	b = test_path("c2.vhd");
	image_make(a, SIZE, false);
	image_make(b, SIZE, false);
	pid = daemon_start("--control", control, NULL);
	check_list("\"disks\":[]", true);

	say(true, "\"add\",\"id\":\"d1\",\"queues\":4", a,
	    test_path("c1.sock"));
	say(true, "\"add\",\"id\":\"d2\"", b, test_path("c2.sock"));
	say(false, "\"add\",\"id\":\"d2\"", b, test_path("c2.sock"));
	check_list("\"id\":\"d2\"", true);
	f = front_open(test_path("c1.sock"), &o);
	g = front_open(test_path("c2.sock"), NULL);
	EXPECT(f->backend_queues == 4);
	check_list("\"connected\":true", true);
	bad_commands();
	grow(f);
	EXPECT(touch(g, VIRTIO_BLK_T_OUT, 8) == VIRTIO_BLK_S_OK);
	say(true, "\"remove\",\"id\":\"d2\"", NULL, NULL);
	check_list("\"id\":\"d2\"", false);
	EXPECT(recv(g->fd, &byte, 1, 0) == 0); /* hung up */
	front_close(g);
	EXPECT(touch(f, VIRTIO_BLK_T_IN, 0) == VIRTIO_BLK_S_OK);
	front_close(f);
	say(true, "\"resize\",\"id\":\"d1\",\"size\":33554432", NULL, NULL);
	say(true, "\"remove\",\"id\":\"d1\"", NULL, NULL);
	EXPECT(access(test_path("c1.sock"), F_OK));
	say(true, "\"quit\"", NULL, NULL);
	EXPECT(daemon_stop(pid) == 0);
	return test_failed;
}

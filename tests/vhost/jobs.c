/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Work on an image beside its guest: compacting, merging layers in the middle
 * of its chain, growing; under requests all the time that are compared with a
 * model, and so is the image at the end.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "frontend.h"

#define SIZE   ((uint64_t)48 << 20)
#define PIECE  65536u
#define SLOTS  16u
#define LAYERS 5u

struct slot {
	struct front_io io;
	uint64_t piece;
};

static const char *control;
static struct front *front;
static struct slot slots[SLOTS];
static uint8_t *model;
static uint64_t pieces = SIZE / PIECE;
static uint64_t seed = 4;

/* -- the guest ---------------------------------------------------------------
 */

static void fill(uint8_t *bytes)
{
	uint64_t own = lot(&seed);

	for (unsigned i = 0; i < PIECE; i++)
		bytes[i] = (uint8_t)(own >> (i % 7 * 8)) ^ (uint8_t)(i >> 9);
	if (own % 5 == 0)
		memset(bytes, 0, PIECE);
}

/* each slot has pieces of its own */
static void begin(struct slot *s)
{
	uint64_t own = (uint64_t)(s - slots);
	bool write = lot(&seed) & 1;

	s->piece = lot(&seed) % (pieces / SLOTS) * SLOTS + own;
	s->io.type = write ? VIRTIO_BLK_T_OUT : VIRTIO_BLK_T_IN;
	s->io.sector = s->piece * PIECE / 512;
	s->io.address = front->data + own * PIECE;
	s->io.length = PIECE;
	s->io.user = s;
	if (write)
		fill(front_at(front, s->io.address));
	EXPECT(front_submit(&front->queues[own % 2], &s->io) >= 0);
}

static void end(const struct front_done *done)
{
	struct slot *s = done->user;
	uint8_t *data = front_at(front, s->io.address);
	uint8_t *known = model + s->piece * PIECE;

	EXPECT(done->status == VIRTIO_BLK_S_OK);
	if (s->io.type == VIRTIO_BLK_T_OUT)
		memcpy(known, data, PIECE);
	else
		EXPECT(!memcmp(known, data, PIECE));
}

/* some requests, all in flight at the same time */
static void work(void)
{
	struct front_done done;

	for (unsigned i = 0; i < SLOTS; i++)
		begin(&slots[i]);
	for (unsigned q = 0; q < 2; q++) {
		front_kick(&front->queues[q]);
		for (unsigned n = 0; n < SLOTS / 2;) {
			if (front_reap(&front->queues[q], &done)) {
				end(&done);
				n++;
			} else if (!front_wait(&front->queues[q], 60000)) {
				fprintf(stderr, "a request hangs\n");
				exit(1);
			}
		}
	}
}

/* -- what is said ------------------------------------------------------------
 */

static void say(bool expected, const char *line)
{
	if (control_ok(control, line) == expected)
		return;
	fprintf(stderr, "%s: not as expected\n", line);
	test_failed = 1;
}

static bool list_has(const char *part)
{
	char *answer = control_say(control, "{\"command\":\"list\"}");
	bool has = strstr(answer, part) != NULL;

	free(answer);
	return has;
}

static void expect_list(const char *part)
{
	char *answer;

	if (list_has(part))
		return;
	answer = control_say(control, "{\"command\":\"list\"}");
	fprintf(stderr, "%s is not in %s", part, answer);
	test_failed = 1;
	free(answer);
}

/* the guest works on until the job has ended */
static void await(const char *state)
{
	do {
		work();
	} while (list_has("\"state\":\"running\"") && !test_failed);
	expect_list(state);
	work();
}

static unsigned count_layers(void)
{
	char *answer = control_say(control, "{\"command\":\"list\"}");
	char *at = strstr(answer, "\"layers\":[");
	char *stop = at ? strchr(at, ']') : NULL;
	unsigned n = 0;

	for (; stop && at < stop; at++)
		n += *at == ',';
	free(answer);
	return stop ? n + 1 : 0;
}

/* -- the jobs ----------------------------------------------------------------
 */

static const char *layer(unsigned i, const char *extension)
{
	char name[32];

	snprintf(name, sizeof(name), "layer%u.%s", i, extension);
	return test_path(name);
}

static void make_chain(const char *extension)
{
	uint8_t *bytes = malloc(PIECE);

	for (unsigned i = 0; i < LAYERS; i++) {
		if (i)
			image_make_child(layer(i - 1, extension),
					 layer(i, extension));
		else
			image_make(layer(0, extension), SIZE, false);
		for (uint64_t p = 0; p < pieces; p++) {
			if (lot(&seed) % 4 || i == LAYERS - 1)
				continue;
			fill(bytes);
			memcpy(model + p * PIECE, bytes, PIECE);
			image_write(layer(i, extension), p * PIECE, bytes,
				    PIECE);
		}
	}
	free(bytes);
}

static void compact(void)
{
	say(true, "{\"command\":\"compact\",\"id\":\"disk0\"}");
	await("\"command\":\"compact\",\"state\":\"done\"");
	expect_list("\"file_size_before\":");
}

static void merge_between(const char *extension)
{
	char line[1500];

	snprintf(line, sizeof(line),
		 "{\"command\":\"merge\",\"id\":\"disk0\",\"from\":\"%s\","
		 "\"into\":\"%s\",\"delete\":true}",
		 layer(2, extension), layer(1, extension));
	say(true, line);
	await("\"command\":\"merge\",\"state\":\"done\"");
	EXPECT(count_layers() == LAYERS - 1);
	EXPECT(access(layer(2, extension), F_OK));
}

static void merge_rest(const char *extension)
{
	static const char line[] =
		"{\"command\":\"merge\",\"id\":\"disk0\",\"delete\":true}";

	for (unsigned left = LAYERS - 2; left > 1; left--) {
		say(true, line);
		await("\"command\":\"merge\",\"state\":\"done\"");
		EXPECT(count_layers() == left);
	}
	EXPECT(!access(layer(0, extension), F_OK));
	EXPECT(access(layer(1, extension), F_OK));
	/* nothing is left in the middle: that job fails, and says why */
	say(true, line);
	await("\"state\":\"failed\"");
	expect_list("\"error\":\"");
	EXPECT(count_layers() == 2);
}

static void grow(void)
{
	say(true,
	    "{\"command\":\"resize\",\"id\":\"disk0\",\"size\":67108864}");
	pieces = (64 << 20) / PIECE;
	work();
}

/* one at a time, to the end or not */
static void cancel(void)
{
	say(true, "{\"command\":\"compact\",\"id\":\"disk0\"}");
	say(true, "{\"command\":\"cancel\",\"id\":\"disk0\"}");
	EXPECT(list_has("\"state\":\"cancelled\"") ||
	       list_has("\"state\":\"done\""));
	work();
	say(true, "{\"command\":\"cancel\",\"id\":\"disk0\"}");
	say(false, "{\"command\":\"cancel\",\"id\":\"disk1\"}");
	say(false, "{\"command\":\"compact\",\"id\":\"disk0\",\"size\":1}");
	say(false, "{\"command\":\"merge\",\"id\":\"disk0\",\"delete\":1}");
	say(false, "{\"command\":\"merge\"}");
}

static void run(const char *extension, const struct front_options *o)
{
	pid_t pid;

	pieces = SIZE / PIECE;
	memset(model, 0, 64 << 20);
	make_chain(extension);
	control = test_path("jobs.control");
	pid = daemon_start("--control", control, "--queues", "2", "--socket",
			   test_path("jobs.sock"), layer(LAYERS - 1, extension),
			   NULL);
	front = front_open(test_path("jobs.sock"), o);
	EXPECT(count_layers() == LAYERS);
	work();
	compact();
	merge_between(extension);
	merge_rest(extension);
	if (!strcmp(extension, "vhdx")) /* a VHD is as large as its parent */
		grow();
	compact();
	cancel();
	/* the guest goes while something is at work */
	say(true, "{\"command\":\"compact\",\"id\":\"disk0\"}");
	front_close(front);
	while (list_has("\"active\":true"))
		usleep(10000);
	say(false, "{\"command\":\"compact\",\"id\":\"disk0\"}");
	EXPECT(daemon_stop(pid) == 0);
	image_expect(layer(LAYERS - 1, extension), model, pieces * PIECE);
}

static void refuse_read_only(const struct front_options *o)
{
	pid_t pid = daemon_start("--control", control, "--read-only",
				 "--socket", test_path("jobs.sock"),
				 layer(LAYERS - 1, "vhdx"), NULL);
	struct front *f = front_open(test_path("jobs.sock"), o);

	say(false, "{\"command\":\"compact\",\"id\":\"disk0\"}");
	say(false, "{\"command\":\"merge\",\"id\":\"disk0\"}");
	front_close(f);
	EXPECT(daemon_stop(pid) == 0);
}

int main(int argc, char **argv)
{
	const struct front_options two = {
		.queues = 2,
		.memory = (size_t)SLOTS * PIECE,
	};

	test_begin(argc, argv);
	model = calloc(1, 64 << 20);
	if (!model)
		return 1;
	run("vhdx", &two);
	run("vhd", &two);
	refuse_read_only(NULL);
	free(model);
	return test_failed;
}

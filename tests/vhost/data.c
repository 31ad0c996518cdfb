/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two disks of four queues each, in one process, under random requests that
 * are compared with a model; then the images themselves. Also what a driver
 * sees of a disk apart from its data.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon.h"
#include "frontend.h"

#define SIZE   ((uint64_t)24 << 20)
#define QUEUES 4u
#define SLOTS  16u
#define ROOM   65536u /* bytes of a slot's buffer */
#define SECTOR 512u
#define ROUNDS 400u

struct slot {
	bool busy;
	struct front_io io;
	uint64_t offset;
	uint64_t length;
};

struct disk {
	struct front *front;
	const char *path;
	uint64_t size;
	uint8_t *model;
	uint8_t *maybe_zero; /* a byte a sector: it was discarded */
	struct slot slots[QUEUES][SLOTS];
	unsigned busy;
};

static uint64_t seed = 20;

/* -- the model ---------------------------------------------------------------
 */

static void fill(uint8_t *bytes, uint64_t length)
{
	uint64_t own = lot(&seed);

	for (uint64_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)(own >> (i % 7 * 8)) ^ (uint8_t)(i >> 9);
}

static void set_model(struct disk *d, const struct slot *s, const uint8_t *data)
{
	memset(d->maybe_zero + s->offset / SECTOR, 0, s->length / SECTOR);
	if (data)
		memcpy(d->model + s->offset, data, s->length);
	else
		memset(d->model + s->offset, 0, s->length);
}

/* a sector that was discarded shows zeros or what it was, and stays so */
static void check_sector(struct disk *d, uint64_t at, const uint8_t *data)
{
	static const uint8_t zeros[SECTOR];
	uint8_t *maybe = &d->maybe_zero[at / SECTOR];

	if (*maybe && !memcmp(data, zeros, SECTOR))
		memset(d->model + at, 0, SECTOR);
	*maybe = 0;
	EXPECT(!memcmp(data, d->model + at, SECTOR));
}

static void check_read(struct disk *d, const struct slot *s)
{
	const uint8_t *data = front_at(d->front, s->io.address);

	for (uint64_t i = 0; i < s->length; i += SECTOR)
		check_sector(d, s->offset + i, data + i);
}

static void end(struct disk *d, struct slot *s, const struct front_done *done)
{
	s->busy = false;
	d->busy--;
	EXPECT(done->status == VIRTIO_BLK_S_OK);
	EXPECT(done->length ==
	       (s->io.type == VIRTIO_BLK_T_IN ? s->length + 1 : 1));
	if (s->io.type == VIRTIO_BLK_T_IN)
		check_read(d, s);
	else if (s->io.type == VIRTIO_BLK_T_OUT)
		set_model(d, s, front_at(d->front, s->io.address));
	else if (s->io.type == VIRTIO_BLK_T_WRITE_ZEROES)
		set_model(d, s, NULL);
	else if (s->io.type == VIRTIO_BLK_T_DISCARD)
		memset(d->maybe_zero + s->offset / SECTOR, 1,
		       s->length / SECTOR);
}

/* -- requests ----------------------------------------------------------------
 */

static bool is_free(const struct disk *d, unsigned queue, uint64_t offset,
		    uint64_t length)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		const struct slot *s = &d->slots[queue][i];

		if (s->busy && offset < s->offset + s->length &&
		    s->offset < offset + length)
			return false;
	}
	return true;
}

static uint32_t choose_type(void)
{
	static const uint32_t types[] = {
		VIRTIO_BLK_T_IN,      VIRTIO_BLK_T_IN,
		VIRTIO_BLK_T_IN,      VIRTIO_BLK_T_OUT,
		VIRTIO_BLK_T_OUT,     VIRTIO_BLK_T_OUT,
		VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES,
		VIRTIO_BLK_T_FLUSH,
	};

	return types[lot(&seed) % (sizeof(types) / sizeof(types[0]))];
}

/* one or two ranges, one behind the other */
static void put_segments(struct disk *d, struct slot *s)
{
	struct virtio_blk_segment *segment = front_at(d->front, s->io.address);
	uint64_t sectors = s->length / SECTOR, first = sectors;

	if (sectors > 1 && lot(&seed) % 2)
		first = 1 + lot(&seed) % (sectors - 1);
	segment[0] = (struct virtio_blk_segment){s->offset / SECTOR,
						 (uint32_t)first, 0};
	segment[1] = (struct virtio_blk_segment){
		s->offset / SECTOR + first, (uint32_t)(sectors - first), 0};
	if (s->io.type == VIRTIO_BLK_T_WRITE_ZEROES && lot(&seed) % 2)
		segment[0].flags = segment[1].flags = VIRTIO_BLK_UNMAP;
	s->io.length = first < sectors ? 32 : 16;
}

static void put_data(struct disk *d, struct slot *s)
{
	s->io.length = (uint32_t)s->length;
	if (s->io.type == VIRTIO_BLK_T_OUT)
		fill(front_at(d->front, s->io.address), s->length);
	else if (s->io.type == VIRTIO_BLK_T_FLUSH)
		s->io.length = 0;
	else if (s->io.type != VIRTIO_BLK_T_IN)
		put_segments(d, s);
}

static void begin(struct disk *d, unsigned queue, unsigned i)
{
	uint64_t stripe = d->size / QUEUES / ROOM * ROOM;
	struct slot *s = &d->slots[queue][i];

	s->length = (1 + lot(&seed) % (ROOM / SECTOR)) * SECTOR;
	s->offset = queue * stripe +
		    lot(&seed) % ((stripe - s->length) / SECTOR) * SECTOR;
	if (!is_free(d, queue, s->offset, s->length))
		return;
	s->io = (struct front_io){
		.type = choose_type(),
		.sector = s->offset / SECTOR,
		.address = d->front->data + (queue * SLOTS + i) * ROOM,
		.pieces = 1 + (unsigned)(lot(&seed) % 9),
		.split_header = lot(&seed) % 2,
		.indirect = lot(&seed) % 2,
		.user = s,
	};
	put_data(d, s);
	if (front_submit(&d->front->queues[queue], &s->io) < 0)
		return;
	s->busy = true;
	d->busy++;
}

static void reap(struct disk *d, unsigned queue, bool wait)
{
	struct front_queue *q = &d->front->queues[queue];
	struct front_done done;

	if (wait && !front_wait(q, 60000)) {
		fprintf(stderr, "queue %u: nothing came\n", queue);
		exit(1);
	}
	while (front_reap(q, &done))
		end(d, done.user, &done);
}

static bool has_busy(const struct disk *d, unsigned queue)
{
	for (unsigned i = 0; i < SLOTS; i++)
		if (d->slots[queue][i].busy)
			return true;
	return false;
}

static void drain(struct disk *d)
{
	for (unsigned i = 0; i < QUEUES; i++)
		while (has_busy(d, i))
			reap(d, i, true);
	EXPECT(!d->busy);
}

static void play(struct disk *disks)
{
	for (unsigned round = 0; round < ROUNDS && !test_failed; round++) {
		struct disk *d = &disks[lot(&seed) % 2];
		unsigned queue = (unsigned)(lot(&seed) % QUEUES);
		unsigned count = (unsigned)(lot(&seed) % SLOTS);

		for (unsigned i = 0; i < count; i++)
			if (!d->slots[queue][i].busy)
				begin(d, queue, i);
		front_kick(&d->front->queues[queue]);
		reap(d, queue, has_busy(d, queue) && lot(&seed) % 2);
	}
}

/* reads everything, so that the model knows what discards have done */
static void read_all(struct disk *d)
{
	for (uint64_t at = 0; at < d->size; at += ROOM) {
		struct slot s = {.offset = at, .length = ROOM};

		if (s.length > d->size - at)
			s.length = d->size - at;
		s.io = (struct front_io){
			.sector = at / SECTOR,
			.address = d->front->data,
			.length = (uint32_t)s.length,
		};
		EXPECT(front_do(&d->front->queues[0], &s.io) ==
		       VIRTIO_BLK_S_OK);
		check_read(d, &s);
	}
}

/* -- what a driver sees ------------------------------------------------------
 */

static uint8_t do_io(struct front *f, uint32_t type, uint64_t sector,
		     uint32_t length)
{
	const struct front_io io = {
		.type = type,
		.sector = sector,
		.address = f->data,
		.length = length,
		.pieces = 1,
	};

	return front_do(&f->queues[0], &io);
}

static void check_config(const struct disk *d)
{
	const struct virtio_blk_config *c = &d->front->config;

	EXPECT(c->capacity == d->size / SECTOR);
	EXPECT(c->num_queues == QUEUES);
	EXPECT(d->front->backend_queues == QUEUES);
	EXPECT(c->blk_size == 512);
	EXPECT(c->seg_max >= 64);
	EXPECT(c->wce == 1);
	EXPECT(c->max_discard_seg && c->max_discard_sectors);
	EXPECT(c->max_write_zeroes_seg && c->max_write_zeroes_sectors);
}

static void check_id(struct front *f, const char *expected)
{
	char *id = front_at(f, f->data);

	memset(id, 1, 32);
	EXPECT(do_io(f, VIRTIO_BLK_T_GET_ID, 0, 20) == VIRTIO_BLK_S_OK);
	EXPECT(!strncmp(id, expected, 20));
	EXPECT(id[20] == 1);
}

static void check_refusals(const struct disk *d)
{
	struct virtio_blk_segment *s = front_at(d->front, d->front->data);
	uint64_t end_sector = d->size / SECTOR;
	struct front *f = d->front;

	EXPECT(do_io(f, 77, 0, 512) == VIRTIO_BLK_S_UNSUPP);
	EXPECT(do_io(f, VIRTIO_BLK_T_IN, end_sector - 1, 512) == 0);
	EXPECT(do_io(f, VIRTIO_BLK_T_IN, end_sector - 1, 1024) == 1);
	EXPECT(do_io(f, VIRTIO_BLK_T_IN, end_sector, 512) == 1);
	EXPECT(do_io(f, VIRTIO_BLK_T_IN, UINT64_MAX / 512 + 1, 512) == 1);
	EXPECT(do_io(f, VIRTIO_BLK_T_OUT, UINT64_MAX, 512) == 1);
	EXPECT(do_io(f, VIRTIO_BLK_T_IN, 0, 100) == 1);
	*s = (struct virtio_blk_segment){0, 8, 2};
	EXPECT(do_io(f, VIRTIO_BLK_T_WRITE_ZEROES, 0, 16) == 2);
	*s = (struct virtio_blk_segment){0, 8, 1};
	EXPECT(do_io(f, VIRTIO_BLK_T_DISCARD, 0, 16) == 2);
	*s = (struct virtio_blk_segment){end_sector, 1, 0};
	EXPECT(do_io(f, VIRTIO_BLK_T_DISCARD, 0, 16) == 1);
	EXPECT(do_io(f, VIRTIO_BLK_T_DISCARD, 0, 15) == 1);
	EXPECT(do_io(f, VIRTIO_BLK_T_DISCARD, 0, 0) == 1);
	EXPECT(do_io(f, VIRTIO_BLK_T_DISCARD, 0, 16 * 33) == 1);
}

/* without a cache, writes work as well */
static void check_cache(struct front *f)
{
	struct vub_config c = {.offset = 32, .size = 1};

	EXPECT(front_set(f, VUB_SET_CONFIG, &c, VUB_CONFIG_HEAD + 1, -1));
	front_read_config(f);
	EXPECT(f->config.wce == 0);
	EXPECT(do_io(f, VIRTIO_BLK_T_IN, 0, 4096) == 0);
	EXPECT(do_io(f, VIRTIO_BLK_T_OUT, 0, 4096) == 0);
	c.bytes[0] = 1;
	EXPECT(front_set(f, VUB_SET_CONFIG, &c, VUB_CONFIG_HEAD + 1, -1));
	c.offset = 0;
	EXPECT(!front_set(f, VUB_SET_CONFIG, &c, VUB_CONFIG_HEAD + 1, -1));
}

/* with nothing to do, it does nothing */
static void check_rest(pid_t pid)
{
	unsigned long before = daemon_ticks(pid);

	usleep(300000);
	EXPECT(daemon_ticks(pid) - before < 10);
}

static void check_read_only(const char *path)
{
	pid_t pid = daemon_start("--socket", test_path("ro.sock"),
				 "--read-only", path, NULL);
	struct front *f = front_open(test_path("ro.sock"), NULL);

	EXPECT(f->features & VIRTIO_BLK_RO);
	EXPECT(!(f->features & VIRTIO_BLK_DISCARD));
	EXPECT(do_io(f, VIRTIO_BLK_T_IN, 0, 4096) == 0);
	EXPECT(do_io(f, VIRTIO_BLK_T_OUT, 0, 4096) == 1);
	EXPECT(do_io(f, VIRTIO_BLK_T_DISCARD, 0, 16) == 1);
	EXPECT(do_io(f, VIRTIO_BLK_T_FLUSH, 0, 0) == 0);
	check_id(f, "disk0");
	front_close(f);
	EXPECT(daemon_stop(pid) == 0);
}

/* -- rounds ------------------------------------------------------------------
 */

static void open_disk(struct disk *d, const char *path)
{
	d->path = path;
	d->model = image_read(path, &d->size);
	d->maybe_zero = calloc(1, d->size / SECTOR);
	EXPECT(d->size == SIZE);
}

static pid_t serve(struct disk *disks, const struct front_options *options)
{
	char queues[8], line[2048];
	pid_t pid;

	snprintf(queues, sizeof(queues), "%u", QUEUES);
	pid = daemon_start("--socket", test_path("a.sock"), "--control",
			   test_path("control"), "--queues", queues, "--serial",
			   "number-one", "--poll-us",
			   options->no_kick ? "200" : "0", disks[0].path, NULL);
	snprintf(line, sizeof(line),
		 "{\"command\":\"add\",\"id\":\"two\",\"image\":\"%s\","
		 "\"socket\":\"%s\",\"queues\":%u,\"poll_us\":50}",
		 disks[1].path, test_path("b.sock"), QUEUES);
	EXPECT(control_ok(test_path("control"), line));
	disks[0].front = front_open(test_path("a.sock"), options);
	disks[1].front = front_open(test_path("b.sock"), options);
	return pid;
}

static void round_of(const char *a, const char *b,
		     const struct front_options *options)
{
	struct disk disks[2] = {0};
	pid_t pid;

	open_disk(&disks[0], a);
	open_disk(&disks[1], b);
	pid = serve(disks, options);
	for (unsigned i = 0; i < 2; i++)
		check_config(&disks[i]);
	check_id(disks[0].front, "number-one");
	check_id(disks[1].front, "two");
	play(disks);
	for (unsigned i = 0; i < 2; i++)
		drain(&disks[i]);
	check_rest(pid);
	for (unsigned i = 0; i < 2; i++) {
		check_refusals(&disks[i]);
		read_all(&disks[i]);
		check_cache(disks[i].front);
		front_close(disks[i].front);
	}
	EXPECT(daemon_stop(pid) == 0);
	for (unsigned i = 0; i < 2; i++) {
		image_expect(disks[i].path, disks[i].model, SIZE);
		free(disks[i].model);
		free(disks[i].maybe_zero);
	}
}

int main(int argc, char **argv)
{
	struct front_options o = {.queues = QUEUES, .memory = 8 << 20};
	const char *vhd, *vhdx;

	test_begin(argc, argv);
	vhd = test_path("d.vhd");
	vhdx = test_path("d.vhdx");
	image_make(vhd, SIZE, false);
	image_make(vhdx, SIZE, false);
	round_of(vhd, vhdx, &o);
	o.without = VIRTIO_EVENT_IDX;
	round_of(vhd, vhdx, &o);
	vhd = test_path("child.vhd");
	vhdx = test_path("child.vhdx");
	image_make(vhd, SIZE, true);
	image_make(vhdx, SIZE, true);
	o.without = VIRTIO_INDIRECT_DESC;
	o.ring = 256;
	round_of(vhd, vhdx, &o);
	o.without = 0;
	o.no_kick = true;
	round_of(vhd, vhdx, &o);
	check_read_only(test_path("child.vhdx"));
	return test_failed;
}

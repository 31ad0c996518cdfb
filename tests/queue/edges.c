/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a queue promises apart from moving bytes: who waits, what is refused,
 * what is canceled, and that errors arrive where they belong. Both engines.
 *
 * edges DIR
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvhd.h>

#define MIB  ((uint64_t)1 << 20)
#define SIZE (32 * MIB)

static int engine;
static unsigned how; /* flags of the queue */
static const char *dir;
static int failed;

#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: engine %d: %s\n", __FILE__,    \
				__LINE__, engine, #condition);                 \
			failed = 1;                                            \
		}                                                              \
	} while (0)

static void must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "%s: %s\n", what, vhd_strerror(rc));
	exit(1);
}

/* -- a file that may be told to wait, or to fail -----------------------------
 */

struct gate {
	struct vhd_file *inner;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool closed; /* reads and writes wait */
	int error;   /* what they return */
	atomic_uint waiting;
	atomic_uint flushes;
};

static struct gate gate = {
	.mutex = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER,
};

static int pass(struct gate *g)
{
	int rc;

	pthread_mutex_lock(&g->mutex);
	g->waiting++;
	while (g->closed)
		pthread_cond_wait(&g->changed, &g->mutex);
	g->waiting--;
	rc = g->error;
	pthread_mutex_unlock(&g->mutex);
	return rc;
}

static void set_gate(bool closed, int error)
{
	pthread_mutex_lock(&gate.mutex);
	gate.closed = closed;
	gate.error = error;
	pthread_cond_broadcast(&gate.changed);
	pthread_mutex_unlock(&gate.mutex);
}

static int gate_read(void *ctx, uint64_t offset, void *buf, size_t len)
{
	struct gate *g = ctx;
	int rc = pass(g);

	return rc ? rc : vhd_file_read(g->inner, offset, buf, len);
}

static int gate_write(void *ctx, uint64_t offset, const void *buf, size_t len)
{
	struct gate *g = ctx;
	int rc = pass(g);

	return rc ? rc : vhd_file_write(g->inner, offset, buf, len);
}

static int gate_flush(void *ctx)
{
	struct gate *g = ctx;

	g->flushes++;
	return vhd_file_flush(g->inner);
}

static int gate_size(void *ctx, uint64_t *size)
{
	return vhd_file_size(((struct gate *)ctx)->inner, size);
}

static int gate_resize(void *ctx, uint64_t size)
{
	return vhd_file_resize(((struct gate *)ctx)->inner, size);
}

static void gate_close(void *ctx)
{
	vhd_file_close(((struct gate *)ctx)->inner);
}

/* no descriptor: everything goes through the threads */
static const struct vhd_file_ops gate_ops = {
	.size = sizeof(gate_ops),
	.read_at = gate_read,
	.write_at = gate_write,
	.flush = gate_flush,
	.get_size = gate_size,
	.resize = gate_resize,
	.close = gate_close,
};

/* -- disks -------------------------------------------------------------------
 */

static void make(const char *name, int type, char *path)
{
	const struct vhd_create_options o = {
		.size = sizeof(o),
		.format = VHD_FORMAT_VHDX,
		.type = type,
		.virtual_size = SIZE,
		.block_size = MIB,
	};

	snprintf(path, 4096, "%s/%s.vhdx", dir, name);
	unlink(path);
	must(vhd_create(path, &o, NULL), "create");
}

static struct vhd_disk *open_path(const char *path, uint32_t flags)
{
	const struct vhd_disk_options o = {
		.size = sizeof(o), .format = VHD_FORMAT_VHDX, .flags = flags};
	struct vhd_disk *disk;

	must(vhd_disk_open(path, &o, &disk, NULL), "open");
	return disk;
}

static struct vhd_disk *open_gate(const char *path)
{
	const struct vhd_disk_options o = {.size = sizeof(o),
					   .format = VHD_FORMAT_VHDX,
					   .flags = VHD_DISK_WRITE};
	struct vhd_file *file;
	struct vhd_disk *disk;

	set_gate(false, 0);
	must(vhd_file_open(path, VHD_FILE_WRITE, &gate.inner, NULL), "file");
	must(vhd_file_new(&gate_ops, &gate, &file), "gate");
	must(vhd_disk_open_file(file, "gate", &o, &disk, NULL), "open");
	return disk;
}

static struct vhd_queue *open_queue(struct vhd_disk *disk, unsigned depth,
				    unsigned threads)
{
	const struct vhd_queue_options o = {.size = sizeof(o),
					    .engine = engine,
					    .depth = depth,
					    .threads = threads,
					    .flags = how};
	struct vhd_queue *queue;

	must(vhd_queue_open(disk, &o, &queue, NULL), "queue");
	return queue;
}

/* the result of the only request */
static int result(struct vhd_queue *q)
{
	struct vhd_completion c = {NULL, 1};

	EXPECT(vhd_queue_in_flight(q) == 1);
	EXPECT(vhd_queue_wait(q, &c, 1, 1, 60000) == 1);
	EXPECT(vhd_queue_in_flight(q) == 0);
	return c.result;
}

/* -- tests -------------------------------------------------------------------
 */

static void test_arguments(void)
{
	struct vhd_queue_options o = {.size = sizeof(o), .engine = 7};
	static uint8_t buf[4096];
	struct vhd_queue *q;
	struct vhd_disk *disk;
	char path[4096];

	make("arguments", VHD_TYPE_DYNAMIC, path);
	disk = open_path(path, VHD_DISK_WRITE);
	EXPECT(vhd_queue_open(disk, &o, &q, NULL) == VHD_E_INVALID);
	o = (struct vhd_queue_options){.size = sizeof(o), .depth = 5000};
	EXPECT(vhd_queue_open(disk, &o, &q, NULL) == VHD_E_INVALID);
	o = (struct vhd_queue_options){.size = sizeof(o), .flags = 1u << 31};
	EXPECT(vhd_queue_open(disk, &o, &q, NULL) == VHD_E_INVALID);
	q = open_queue(disk, 0, 0);
	EXPECT(vhd_queue_engine(q) == engine);
	EXPECT((vhd_queue_fd(q) >= 0) == !how);
	must(vhd_queue_read(q, SIZE - 512, buf, 1024, NULL, 0), "read");
	EXPECT(result(q) == VHD_E_RANGE);
	must(vhd_queue_read(q, UINT64_MAX - 100, buf, 1024, NULL, 0), "read");
	EXPECT(result(q) == VHD_E_RANGE);
	must(vhd_queue_write(q, SIZE, buf, 512, NULL, 0), "write");
	EXPECT(result(q) == VHD_E_RANGE);
	must(vhd_queue_write(q, 100, buf, 512, NULL, 0), "write");
	EXPECT(result(q) == VHD_E_ALIGN);
	must(vhd_queue_zero(q, 0, SIZE + 512, NULL, 0), "zero");
	EXPECT(result(q) == VHD_E_RANGE);
	must(vhd_queue_zero(q, 0, SIZE + 512, NULL, VHD_REQUEST_NO_UNMAP),
	     "zero");
	EXPECT(result(q) == VHD_E_RANGE);
	must(vhd_queue_discard(q, 1, 512, NULL, 0), "discard");
	EXPECT(result(q) == VHD_E_ALIGN);
	must(vhd_queue_read(q, 0, buf, 0, NULL, 0), "empty");
	EXPECT(result(q) == 0);
	vhd_queue_close(q);
	vhd_disk_close(disk);
	disk = open_path(path, 0);
	q = open_queue(disk, 0, 0);
	must(vhd_queue_write(q, 0, buf, 512, NULL, 0), "write");
	EXPECT(result(q) == VHD_E_READONLY);
	must(vhd_queue_flush(q, NULL, 0), "flush");
	EXPECT(result(q) == 0);
	vhd_queue_close(q);
	vhd_disk_close(disk);
}

static void test_depth(void)
{
	struct vhd_completion done[8];
	static uint8_t buf[5][4096]; /* one for each that may be in flight */
	struct vhd_disk *disk;
	struct vhd_queue *q;
	char path[4096];

	make("depth", VHD_TYPE_DYNAMIC, path);
	disk = open_path(path, VHD_DISK_WRITE);
	q = open_queue(disk, 3, 1);
	EXPECT(vhd_queue_poll(q, done, 8) == 0);
	EXPECT(vhd_queue_wait(q, done, 1, 8, -1) == 0); /* none to wait for */
	for (int i = 0; i < 3; i++)
		must(vhd_queue_read(q, 0, buf[i], 4096, &done[i], 0), "read");
	EXPECT(vhd_queue_read(q, 0, buf[3], 4096, NULL, 0) == VHD_E_LIMIT);
	EXPECT(vhd_queue_wait(q, done, 2, 2, -1) == 2);
	EXPECT(vhd_queue_in_flight(q) == 1);
	must(vhd_queue_read(q, 0, buf[4], 4096, NULL, 0), "read");
	EXPECT(vhd_queue_wait(q, done, 8, 8, -1) == 2);
	vhd_queue_close(q);
	vhd_disk_close(disk);
}

/* a range of data and holes, in many places, into many iovecs */
static void test_scattered(void)
{
	static uint8_t want[SIZE], got[SIZE];
	struct iovec iov[64];
	struct vhd_disk *disk;
	struct vhd_queue *q;
	char path[4096];

	make("scattered", VHD_TYPE_DYNAMIC, path);
	disk = open_path(path, VHD_DISK_WRITE);
	q = open_queue(disk, 0, 0);
	for (uint64_t at = 0; at < SIZE; at += 2 * MIB) {
		memset(want + at + MIB / 2, (int)(at / MIB) + 1, MIB);
		must(vhd_queue_write(q, at + MIB / 2, want + at + MIB / 2, MIB,
				     NULL, 0),
		     "write");
		EXPECT(result(q) == 0);
	}
	for (uint64_t length = 3 * MIB; length <= SIZE; length += 29 * MIB) {
		memset(got, 0xEE, sizeof(got));
		must(vhd_queue_read(q, 0, got, length, NULL, 0), "read");
		EXPECT(result(q) == 0);
		EXPECT(!memcmp(got, want, length));
		EXPECT(length == SIZE || got[length] == 0xEE);
		memset(got, 0xEE, sizeof(got));
		for (unsigned i = 0; i < 64; i++)
			iov[i] = (struct iovec){got + length / 64 * i,
						length / 64};
		must(vhd_queue_readv(q, 0, iov, 64, NULL, 0), "readv");
		EXPECT(result(q) == 0);
		EXPECT(!memcmp(got, want, length));
	}
	must(vhd_queue_writev(q, 0, iov, 64, NULL, VHD_REQUEST_FUA), "writev");
	EXPECT(result(q) == 0);
	must(vhd_disk_read(disk, 0, got, SIZE, NULL), "read");
	EXPECT(!memcmp(got, want, SIZE));
	vhd_queue_close(q);
	vhd_disk_close(disk);
}

/* metadata that is not in memory keeps the host waiting, not the caller */
static void test_nobody_waits(void)
{
	struct vhd_completion done[8];
	static uint8_t buf[4096];
	struct vhd_disk *disk;
	struct vhd_queue *q;
	struct pollfd p = {.events = POLLIN};
	char path[4096];

	make("waits", VHD_TYPE_DYNAMIC, path);
	disk = open_gate(path);
	q = open_queue(disk, 0, 1);
	must(vhd_disk_write(disk, 0, buf, 4096, NULL), "write");
	set_gate(true, 0);
	for (int i = 0; i < 5; i++)
		must(vhd_queue_read(q, 0, buf, 4096, &buf[i], 0), "read");
	must(vhd_queue_submit(q), "submit"); /* returns */
	EXPECT(vhd_queue_poll(q, done, 8) == 0);
	EXPECT(vhd_queue_wait(q, done, 1, 8, 1) == 0);
	p.fd = vhd_queue_fd(q);
	EXPECT(vhd_queue_poll(q, done, 8) == 0);
	EXPECT(poll(&p, 1, 0) == 0);
	while (!gate.waiting)
		usleep(100);
	/* four have not begun, one has */
	vhd_queue_cancel(q);
	EXPECT(vhd_queue_wait(q, done, 4, 8, 60000) == 4);
	for (int i = 0; i < 4; i++)
		EXPECT(done[i].result == VHD_E_CANCELED);
	set_gate(false, 0);
	EXPECT(poll(&p, 1, 60000) == 1);
	EXPECT(vhd_queue_poll(q, done, 8) == 1 && !done[0].result);
	EXPECT(done[0].user_data == &buf[0]);
	EXPECT(vhd_queue_in_flight(q) == 0);
	vhd_queue_close(q);
	vhd_disk_close(disk);
}

static void test_errors_of_the_host(void)
{
	static uint8_t buf[65536];
	struct vhd_disk *disk;
	struct vhd_queue *q;
	unsigned before;
	char path[4096];

	make("errors", VHD_TYPE_DYNAMIC, path);
	disk = open_gate(path);
	q = open_queue(disk, 0, 0);
	must(vhd_queue_write(q, 0, buf, 4096, NULL, 0), "write");
	EXPECT(result(q) == 0);
	set_gate(false, VHD_E_IO);
	must(vhd_queue_read(q, 0, buf, 4096, NULL, 0), "read");
	EXPECT(result(q) == VHD_E_IO);
	set_gate(false, VHD_E_NOSPACE);
	must(vhd_queue_write(q, 4096, buf, 4096, NULL, 0), "write");
	EXPECT(result(q) == VHD_E_NOSPACE);
	set_gate(false, 0);
	before = gate.flushes;
	must(vhd_queue_write(q, 4096, buf, 4096, NULL, VHD_REQUEST_FUA), "FUA");
	EXPECT(result(q) == 0);
	EXPECT(gate.flushes > before);
	before = gate.flushes;
	must(vhd_queue_flush(q, NULL, 0), "flush");
	EXPECT(result(q) == 0);
	EXPECT(gate.flushes > before);
	vhd_queue_close(q);
	vhd_disk_close(disk);
}

/* what a write leaves to memory alone is flushed if it is to survive us */
static void test_survives(void)
{
	static uint8_t buf[4096];
	struct vhd_disk *disk;
	struct vhd_queue *q;
	char path[4096];
	unsigned before;

	make("survives", VHD_TYPE_DYNAMIC, path);
	disk = open_gate(path);
	q = open_queue(disk, 0, 0);
	EXPECT(vhd_disk_is_settled(disk));
	must(vhd_queue_write(q, 0, buf, 4096, NULL, 0), "write");
	EXPECT(result(q) == 0);
	EXPECT(!vhd_disk_is_settled(disk));
	/* the same block: its place is not in the file yet */
	must(vhd_queue_write(q, 4096, buf, 4096, NULL, VHD_REQUEST_SURVIVES),
	     "write");
	EXPECT(result(q) == 0);
	EXPECT(vhd_disk_is_settled(disk));
	before = gate.flushes;
	must(vhd_queue_write(q, 0, buf, 4096, NULL, VHD_REQUEST_SURVIVES),
	     "write");
	EXPECT(result(q) == 0);
	EXPECT(gate.flushes == before);
	must(vhd_queue_zero(q, 0, 2 * MIB, NULL, VHD_REQUEST_SURVIVES), "zero");
	EXPECT(result(q) == 0);
	EXPECT(vhd_disk_is_settled(disk));
	vhd_queue_close(q);
	vhd_disk_close(disk);
}

/* zeros need nothing from the host: the descriptor tells of them all the same
 */
static void test_descriptor_tells(void)
{
	struct vhd_completion done[8];
	static uint8_t buf[4096];
	struct vhd_disk *disk;
	struct vhd_queue *q;
	struct pollfd p = {.events = POLLIN};
	char path[4096];

	make("tells", VHD_TYPE_DYNAMIC, path);
	disk = open_path(path, 0);
	must(vhd_disk_read(disk, 0, buf, sizeof(buf), NULL), "read");
	q = open_queue(disk, 0, 0);
	p.fd = vhd_queue_fd(q);
	for (int i = 0; i < 2; i++) {
		EXPECT(vhd_queue_poll(q, done, 8) == 0);
		EXPECT(poll(&p, 1, 0) == 0);
		must(vhd_queue_read(q, 0, buf, sizeof(buf), NULL, 0), "give");
		vhd_queue_submit(q);
		EXPECT(poll(&p, 1, 60000) == 1);
		EXPECT(vhd_queue_poll(q, done, 8) == 1 && !done[0].result);
	}
	vhd_queue_close(q);
	vhd_disk_close(disk);
	unlink(path);
}

/* a file that ends early under a disk: an error, not what was in memory */
static void test_short_file(void)
{
	static uint8_t buf[65536];
	struct vhd_disk *disk;
	struct vhd_queue *q;
	char path[4096];

	make("short", VHD_TYPE_FIXED, path);
	disk = open_path(path, 0);
	q = open_queue(disk, 0, 0);
	must(vhd_queue_read(q, SIZE - 65536, buf, 65536, NULL, 0), "read");
	EXPECT(result(q) == 0);
	EXPECT(!truncate(path, 20 * (off_t)MIB));
	must(vhd_queue_read(q, SIZE - 65536, buf, 65536, NULL, 0), "read");
	EXPECT(result(q) == VHD_E_IO);
	vhd_queue_close(q);
	vhd_disk_close(disk);
}

/* what runs is waited for, what has not begun is dropped; the buffers are ours
 * again */
static void test_close(void)
{
	struct vhd_disk *disk;
	char path[4096];

	make("close", VHD_TYPE_DYNAMIC, path);
	disk = open_path(path, VHD_DISK_WRITE);
	for (int round = 0; round < 30; round++) {
		struct vhd_queue *q = open_queue(disk, 64, 2);
		uint8_t *buf = malloc(64 * 65536);

		if (!buf)
			abort();
		memset(buf, round, 64 * 65536);
		for (uint64_t i = 0; i < 64; i++)
			must(i % 3 ? vhd_queue_write(q, i * 65536,
						     buf + i * 65536, 65536,
						     NULL, 0)
				   : vhd_queue_read(q, i * 65536,
						    buf + i * 65536, 65536,
						    NULL, 0),
			     "request");
		if (round % 3)
			must(vhd_queue_submit(q), "submit");
		vhd_queue_close(q);
		memset(buf, 0xEE, 64 * 65536);
		free(buf);
	}
	must(vhd_disk_shut(disk, NULL), "shut");
	vhd_disk_close(disk);
}

static bool have_uring(void)
{
	const struct vhd_queue_options o = {.size = sizeof(o),
					    .engine = VHD_QUEUE_URING};
	struct vhd_queue *queue;
	struct vhd_disk *disk;
	char path[4096];
	int rc;

	make("probe", VHD_TYPE_DYNAMIC, path);
	disk = open_path(path, 0);
	rc = vhd_queue_open(disk, &o, &queue, NULL);
	if (!rc)
		vhd_queue_close(queue);
	vhd_disk_close(disk);
	EXPECT(!rc || rc == VHD_E_UNSUPPORTED);
	if (rc)
		printf("io_uring: skipped, not to be had here\n");
	return !rc;
}

static void test_all(int with_engine, unsigned with_flags)
{
	engine = with_engine;
	how = with_flags;
	test_arguments();
	test_depth();
	test_scattered();
	if (!how) { /* with a descriptor */
		test_nobody_waits();
		test_descriptor_tells();
	}
	test_errors_of_the_host();
	test_survives();
	test_short_file();
	test_close();
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	dir = argv[1];
	if (have_uring()) {
		test_all(VHD_QUEUE_URING, 0);
		test_all(VHD_QUEUE_URING, VHD_QUEUE_ONE_THREAD);
	}
	test_all(VHD_QUEUE_THREADS, 0);
	test_all(VHD_QUEUE_THREADS, VHD_QUEUE_ONE_THREAD);
	return failed;
}

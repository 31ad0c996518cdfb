/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several queues on one disk, each in a thread of its own. Each 4 KiB piece has
 * one owner, by turns, so that all threads meet in every block. An owner keeps
 * many requests in flight, on different pieces of its own: writes and reads in
 * iovecs of odd lengths, zeroes, discards, flushes. What a read shows must be
 * what the last write that ended left; at the end the image is shut, opened
 * again and compared.
 *
 * Beside some of them the image is maintained all the time: compacted, grown,
 * and its parents merged one by one.
 *
 * queues DIR [STEPS [live]]   live: only those that are maintained
 * queues DIR soak SECONDS     so long, with four more threads that call the
 *     disk themselves; after each round a snapshot is taken; after a pass over
 *     all images the memory in use must not grow any more
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libvhd.h>

#define PIECE   4096u
#define DEPTH   32u
#define QUEUES  4u
#define THREADS 8u /* at most */
#define IOVECS  5u
#define SIZE    ((uint64_t)24 << 20)
#define PIECES  (SIZE / PIECE)
#define SPARE   ((uint64_t)8 << 20) /* behind it, for maintenance alone */
#define PARENTS 4u                  /* of an image that is maintained */
#define TURNS   4u                  /* of maintenance, at least */
#define GROWN   (SIZE + SPARE + ((uint64_t)64 << 20)) /* it ends there */
#define DEEPEST 6u               /* layers, when snapshots are taken */
#define MEMORY  ((long)32 << 10) /* KiB more than after the first rounds */

struct image {
	const char *name;
	int format;
	int type;
	uint32_t block;
	uint32_t sector;
};

static const struct image images[] = {
	{"vhdx dynamic", VHD_FORMAT_VHDX, VHD_TYPE_DYNAMIC, 1u << 20, 512},
	{"vhdx differencing", VHD_FORMAT_VHDX, VHD_TYPE_DIFFERENCING, 1u << 20,
	 512},
	{"vhdx dynamic 4k", VHD_FORMAT_VHDX, VHD_TYPE_DYNAMIC, 1u << 20, 4096},
	{"vhdx fixed", VHD_FORMAT_VHDX, VHD_TYPE_FIXED, 1u << 20, 512},
	{"vhd dynamic", VHD_FORMAT_VHD, VHD_TYPE_DYNAMIC, 512u << 10, 512},
	{"vhd differencing", VHD_FORMAT_VHD, VHD_TYPE_DIFFERENCING, 512u << 10,
	 512},
	{"vhd fixed", VHD_FORMAT_VHD, VHD_TYPE_FIXED, 0, 512},
};

enum what { IDLE, READ, WRITE, ZERO, DISCARD };

/* One request in flight and what it is to do. */
struct slot {
	enum what what;
	uint64_t piece;
	uint32_t version;
	uint8_t buf[PIECE];
	struct iovec iov[IOVECS];
};

struct worker {
	pthread_t thread;
	unsigned index;
	uint64_t lots;
	uint32_t version;
	struct vhd_queue *queue;
	struct slot slots[DEPTH];
	unsigned flushes; /* in flight */
};

static const struct image *image;
static struct vhd_disk *disk;
static int engine;
static bool live; /* the image is maintained meanwhile */
static uint64_t steps = 4000;
static unsigned threads = QUEUES; /* those behind the queues' call the disk */
static bool soaking;
static uint32_t versions[PIECES]; /* newest of each piece; its owner's */
static atomic_uint working;       /* threads */
static atomic_uint turns;         /* of maintenance */
static atomic_int failed;

static void fail(const char *what, uint64_t n, int rc)
{
	failed = 1;
	fprintf(stderr, "%s: %s: %llu (%d)\n", image->name, what,
		(unsigned long long)n, rc);
}

static void must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "%s: %s: %s\n", image ? image->name : "", what,
		vhd_strerror(rc));
	exit(1);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t x = a * 0x9E3779B97F4A7C15u + b;

	x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
	x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
	return x ^ (x >> 31);
}

static uint64_t draw(struct worker *w, uint64_t n)
{
	return mix(w->index + 1, w->lots++) % n;
}

/* version 0 is zeros */
static void content(uint64_t piece, uint32_t version, uint8_t *out)
{
	memset(out, 0, PIECE);
	for (uint64_t i = 0; version && i < PIECE; i += 8) {
		uint64_t word = mix(piece << 32 | version, i);

		memcpy(out + i, &word, 8);
	}
}

/* -- requests ----------------------------------------------------------------
 */

static void cut_iov(struct worker *w, struct slot *s, unsigned *count)
{
	unsigned n = 1 + (unsigned)draw(w, IOVECS);
	size_t at = 0;

	for (unsigned i = 0; i < n; i++) {
		size_t rest = PIECE - at;
		size_t len = i + 1 == n ? rest : draw(w, rest + 1);

		s->iov[i] = (struct iovec){s->buf + at, len};
		at += len;
	}
	*count = n;
}

static bool is_busy(const struct worker *w, uint64_t piece)
{
	for (unsigned i = 0; i < DEPTH; i++)
		if (w->slots[i].what != IDLE && w->slots[i].piece == piece)
			return true;
	return false;
}

static uint64_t draw_piece(struct worker *w)
{
	uint64_t piece;

	do {
		/* a hot part, so that reads meet what was written */
		piece = draw(w, draw(w, 4) ? 256 : PIECES / threads) * threads +
			w->index;
	} while (is_busy(w, piece));
	return piece;
}

static int give_write(struct worker *w, struct slot *s)
{
	uint64_t at = s->piece * PIECE;
	uint32_t flags = draw(w, 50) ? 0 : VHD_REQUEST_FUA;
	unsigned count;

	s->what = WRITE;
	s->version = ++w->version;
	content(s->piece, s->version, s->buf);
	if (draw(w, 2))
		return vhd_queue_write(w->queue, at, s->buf, PIECE, s, flags);
	cut_iov(w, s, &count);
	return vhd_queue_writev(w->queue, at, s->iov, count, s, flags);
}

static int give_read(struct worker *w, struct slot *s)
{
	uint64_t at = s->piece * PIECE;
	unsigned count;

	s->what = READ;
	memset(s->buf, 0xEE, PIECE);
	if (draw(w, 2))
		return vhd_queue_read(w->queue, at, s->buf, PIECE, s, 0);
	cut_iov(w, s, &count);
	return vhd_queue_readv(w->queue, at, s->iov, count, s, 0);
}

static int give_range(struct worker *w, struct slot *s, bool discard)
{
	uint64_t at = s->piece * PIECE;
	uint32_t flags = draw(w, 2) ? 0 : VHD_REQUEST_NO_UNMAP;

	s->what = discard ? DISCARD : ZERO;
	return discard ? vhd_queue_discard(w->queue, at, PIECE, s, 0)
		       : vhd_queue_zero(w->queue, at, PIECE, s, flags);
}

static void give(struct worker *w, struct slot *s)
{
	uint64_t lot = draw(w, 100);
	int rc;

	if (lot < 2) {
		rc = vhd_queue_flush(w->queue, NULL, 0);
		w->flushes += !rc;
	} else {
		s->piece = draw_piece(w);
		rc = lot < 45   ? give_write(w, s)
		     : lot < 90 ? give_read(w, s)
				: give_range(w, s, lot < 94);
	}
	if (rc)
		fail("is not accepted", lot, rc);
}

static void check_read(const struct slot *s)
{
	uint8_t want[PIECE];

	content(s->piece, versions[s->piece], want);
	if (memcmp(s->buf, want, PIECE))
		fail("a read shows something else in piece", s->piece, 0);
}

/* zeros, or as before */
static void look_after_discard(struct worker *w, const struct slot *s)
{
	static const uint8_t zeros[PIECE];
	uint8_t buf[PIECE];

	(void)w;
	must(vhd_disk_read(disk, s->piece * PIECE, buf, PIECE, NULL), "read");
	if (!memcmp(buf, zeros, PIECE))
		versions[s->piece] = 0;
}

static void end(struct worker *w, const struct vhd_completion *c)
{
	struct slot *s = c->user_data;

	if (c->result)
		fail("fails: request", s ? s->what : 99, c->result);
	if (!s) {
		w->flushes--;
		return;
	}
	if (s->what == READ)
		check_read(s);
	else if (s->what == WRITE)
		versions[s->piece] = s->version;
	else if (s->what == ZERO)
		versions[s->piece] = 0;
	else
		look_after_discard(w, s);
	s->what = IDLE;
}

/* every thread reaps in its own way */
static unsigned reap(struct worker *w, struct vhd_completion *out, unsigned max)
{
	struct pollfd p = {.fd = -1, .events = POLLIN};
	unsigned n;

	switch (w->index % 4) {
	case 0:
		return vhd_queue_wait(w->queue, out, 1, max, -1);
	case 1: /* sleeps outside */
		p.fd = vhd_queue_fd(w->queue);
		vhd_queue_submit(w->queue);
		while (!(n = vhd_queue_poll(w->queue, out, max)))
			if (poll(&p, 1, 20000) != 1) {
				fail("nothing comes for 20 s", 0, 0);
				return 0;
			}
		return n;
	case 2: /* does not sleep */
		vhd_queue_submit(w->queue);
		while (!(n = vhd_queue_poll(w->queue, out, max)))
			sched_yield();
		return n;
	default:
		while (!(n = vhd_queue_wait(w->queue, out, 2, max, 5)))
			;
		return n;
	}
}

/* maintenance has to get on, however busy the disk is */
static bool go_on(uint64_t given)
{
	return given < steps || (live && atomic_load(&turns) < TURNS);
}

static void fill(struct worker *w, uint64_t *given)
{
	for (unsigned i = 0; i < DEPTH && go_on(*given); i++)
		if (w->slots[i].what == IDLE && w->flushes < 4 && draw(w, 3)) {
			give(w, &w->slots[i]);
			++*given;
		}
}

/* one request, at once */
static int call(struct worker *w, struct slot *s, uint64_t lot)
{
	uint64_t at = s->piece * PIECE;

	if (lot < 45) {
		s->what = WRITE;
		s->version = ++w->version;
		content(s->piece, s->version, s->buf);
		return vhd_disk_write(disk, at, s->buf, PIECE, NULL);
	}
	if (lot < 90) {
		s->what = READ;
		return vhd_disk_read(disk, at, s->buf, PIECE, NULL);
	}
	s->what = lot < 94 ? DISCARD : ZERO;
	return lot < 94 ? vhd_disk_discard(disk, at, PIECE, NULL)
			: vhd_disk_zero(disk, at, PIECE, NULL);
}

static void *run_calls(struct worker *w)
{
	struct slot *s = &w->slots[0];

	for (uint64_t given = 0; go_on(given) && !failed; given++) {
		struct vhd_completion c = {.user_data = s};
		uint64_t lot = draw(w, 100);

		if (lot < 2) {
			must(vhd_disk_flush(disk, NULL), "flush");
			continue;
		}
		s->piece = draw_piece(w);
		c.result = call(w, s, lot);
		end(w, &c);
	}
	atomic_fetch_sub(&working, 1);
	return NULL;
}

static void *run(void *ctx)
{
	struct worker *w = ctx;
	const struct vhd_queue_options o = {
		.size = sizeof(o),
		.engine = engine,
		.depth = DEPTH + 8,
		/* those that need no descriptor */
		.flags = w->index % 2 == 0 ? VHD_QUEUE_ONE_THREAD : 0,
	};
	struct vhd_completion done[DEPTH + 8];
	uint64_t given = 0;

	if (w->index >= QUEUES)
		return run_calls(w);
	must(vhd_queue_open(disk, &o, &w->queue, NULL), "queue");
	while ((go_on(given) || vhd_queue_in_flight(w->queue)) && !failed) {
		unsigned n;

		fill(w, &given);
		if (!vhd_queue_in_flight(w->queue))
			continue;
		n = reap(w, done, w->index == 3 ? 3 : DEPTH + 8);
		for (unsigned i = 0; i < n; i++)
			end(w, &done[i]);
	}
	vhd_queue_close(w->queue);
	atomic_fetch_sub(&working, 1);
	return NULL;
}

/* -- the image ---------------------------------------------------------------
 */

static const char *extension(void)
{
	return image->format == VHD_FORMAT_VHD ? "vhd" : "vhdx";
}

static void open_disk(const char *path, uint32_t flags)
{
	const struct vhd_disk_options o = {
		.size = sizeof(o), .format = image->format, .flags = flags};

	must(vhd_disk_open(path, &o, &disk, NULL), "open");
}

/* an image over the one of the name `parent`, if that is given */
static void make(const char *dir, const char *name, const char *parent,
		 char *path)
{
	const struct vhd_disk_options open = {.size = sizeof(open),
					      .format = image->format};
	bool fixed = image->type == VHD_TYPE_FIXED;
	struct vhd_create_options o = {
		.size = sizeof(o),
		.format = image->format,
		.type = parent  ? VHD_TYPE_DIFFERENCING
			: fixed ? VHD_TYPE_FIXED
				: VHD_TYPE_DYNAMIC,
		.virtual_size = SIZE + SPARE,
		.block_size = fixed ? 0 : image->block,
		.logical_sector_size = parent ? 0 : image->sector,
	};
	char base[64];

	if (parent) {
		snprintf(base, sizeof(base), "%s.%s", parent, extension());
		snprintf(path, 4096, "%s/%s", dir, base);
		must(vhd_disk_open(path, &open, &o.parent, NULL), "parent");
		o.parent_name = base;
	}
	snprintf(path, 4096, "%s/%s.%s", dir, name, extension());
	unlink(path);
	must(vhd_create(path, &o, NULL), "create");
	vhd_disk_close(o.parent);
}

/* some pieces of a parent */
static void fill_parent(const char *path, unsigned n)
{
	uint8_t buf[PIECE];

	open_disk(path, VHD_DISK_WRITE);
	for (uint64_t p = 0; p < PIECES; p++) {
		if (mix(n, p) % 5)
			continue;
		versions[p] = (n + 1) << 24;
		content(p, versions[p], buf);
		must(vhd_disk_write(disk, p * PIECE, buf, PIECE, NULL),
		     "write");
	}
	must(vhd_disk_shut(disk, NULL), "shut");
	vhd_disk_close(disk);
}

static void make_chain(const char *dir, char *path)
{
	char parent[16] = "", name[16];
	unsigned parents = image->type != VHD_TYPE_DIFFERENCING ? 0
			   : live                               ? PARENTS
								: 1;

	for (unsigned i = 0; i < parents; i++) {
		snprintf(name, sizeof(name), "parent%u", i);
		make(dir, name, i ? parent : NULL, path);
		if (live)
			fill_parent(path, i);
		memcpy(parent, name, sizeof(parent));
	}
	make(dir, "disk", parents ? parent : NULL, path);
}

/* -- maintenance -------------------------------------------------------------
 */

/* what it has done */
static struct {
	unsigned compacted;
	unsigned merged;
	uint64_t moved;
	uint64_t dropped;
} done;

static void compact(void)
{
	const struct vhd_compact_options o = {
		.size = sizeof(o),
		.flags = VHD_COMPACT_LIVE | VHD_COMPACT_ZEROES |
			 VHD_COMPACT_PARENT_EQUAL,
		.jobs = 2,
	};
	struct vhd_compact_result result;

	must(vhd_compact_disk(disk, &o, &result, NULL, NULL), "compact");
	done.compacted++;
	done.moved += result.moved_blocks;
	done.dropped += result.zero_blocks + result.parent_blocks;
}

/* some blocks of the spare part are stored, the others not: so there are gaps
 * in the file */
static void stir(uint64_t turn)
{
	uint64_t count = SPARE / image->block;
	uint8_t *buf = malloc(image->block);

	if (!buf)
		abort();
	memset(buf, (int)turn | 1, image->block);
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at = SIZE + i * image->block;

		must(mix(turn, i) & 1
			     ? vhd_disk_write(disk, at, buf, image->block, NULL)
			     : vhd_disk_zero(disk, at, image->block, NULL),
		     "stir");
	}
	free(buf);
}

/* first two that are not beneath the leaf, then always the one that is */
static void merge(void)
{
	unsigned layers = vhd_disk_layers(disk);
	bool deep = layers > PARENTS;
	const struct vhd_merge_options o = {
		.size = sizeof(o),
		.flags = VHD_MERGE_DELETE,
		.from = deep ? vhd_disk_path(disk, 2) : NULL,
		.into = deep ? vhd_disk_path(disk, 3) : NULL,
	};

	must(vhd_merge_disk(disk, &o, NULL, NULL), "merge");
	if (vhd_disk_layers(disk) != layers - 1)
		fail("layers are left", vhd_disk_layers(disk), 0);
	done.merged++;
}

/* snapshots shall be beneath each other for a while */
static bool is_time_to_merge(void)
{
	return !soaking ||
	       mix(atomic_load(&turns), vhd_disk_size(disk)) % 24 == 0;
}

static void maintain(void)
{
	memset(&done, 0, sizeof(done));
	while (atomic_load(&working) && !failed) {
		stir(atomic_load(&turns));
		compact();
		if (vhd_disk_layers(disk) > 2 && is_time_to_merge())
			merge();
		if (vhd_disk_size(disk) < GROWN)
			must(vhd_disk_resize(disk,
					     vhd_disk_size(disk) + (1 << 20),
					     NULL),
			     "grow");
		atomic_fetch_add(&turns, 1);
	}
	printf("  compacted %u times: %llu blocks moved, %llu let go; merged "
	       "%u\n",
	       done.compacted, (unsigned long long)done.moved,
	       (unsigned long long)done.dropped, done.merged);
}

static void compare_all(void)
{
	uint8_t got[PIECE], want[PIECE];

	for (uint64_t p = 0; p < PIECES; p++) {
		must(vhd_disk_read(disk, p * PIECE, got, PIECE, NULL), "read");
		content(p, versions[p], want);
		if (memcmp(got, want, PIECE)) {
			fail("piece differs at the end", p, 0);
			return;
		}
	}
}

static void note_fault(void *ctx, const struct vhd_fault *fault)
{
	(void)ctx;
	if (fault->severity >= VHD_SEVERITY_ERROR)
		fail(fault->message, 0, 0);
}

static void check(const char *path)
{
	struct vhd_file *file;

	must(vhd_file_open(path, 0, &file, NULL), "check");
	must(vhd_image_check(file, image->format, note_fault, NULL, NULL),
	     "check");
	vhd_file_close(file);
}

/* all threads, until they are done; then all that was written is there */
static void run_threads(const char *path, uint64_t lots)
{
	static struct worker workers[THREADS];

	memset(workers, 0, sizeof(workers));
	open_disk(path, VHD_DISK_WRITE);
	atomic_store(&working, threads);
	atomic_store(&turns, 0);
	for (unsigned i = 0; i < threads; i++) {
		workers[i].index = i;
		workers[i].lots = lots;
		workers[i].version = (uint32_t)lots;
		if (pthread_create(&workers[i].thread, NULL, run, &workers[i]))
			abort();
	}
	if (live)
		maintain();
	for (unsigned i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	compare_all();
	must(vhd_disk_shut(disk, NULL), "shut");
	vhd_disk_close(disk);
	open_disk(path, VHD_DISK_VERIFY);
	compare_all();
	vhd_disk_close(disk);
	check(path);
}

static void run_image(const char *dir)
{
	char path[4096];

	memset(versions, 0, sizeof(versions));
	make_chain(dir, path);
	run_threads(path, 0);
	printf("%-18s%s %s: %s\n", image->name, live ? " live" : "",
	       engine == VHD_QUEUE_URING ? "io_uring" : "threads ",
	       failed ? "BAD" : "good");
	fflush(stdout);
}

/* -- for a long time ---------------------------------------------------------
 */

/* in KiB */
static long memory(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%*s %ld", &pages) != 1)
		fail("memory is not known", 0, 0);
	if (f)
		fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static unsigned count_layers(const char *path)
{
	unsigned n;

	open_disk(path, 0);
	n = vhd_disk_layers(disk);
	vhd_disk_close(disk);
	return n;
}

/* the leaf becomes a parent */
static void take_snapshot(const char *dir, char *path, unsigned n)
{
	const struct vhd_disk_options open = {.size = sizeof(open),
					      .format = image->format};
	struct vhd_create_options o = {
		.size = sizeof(o),
		.format = image->format,
		.type = VHD_TYPE_DIFFERENCING,
		.block_size = image->block,
	};
	char base[4096];

	must(vhd_disk_open(path, &open, &o.parent, NULL), "parent");
	o.virtual_size = vhd_disk_size(o.parent);
	snprintf(base, sizeof(base), "%s", path);
	o.parent_name = strrchr(base, '/') + 1;
	snprintf(path, 4096, "%s/snapshot%u.%s", dir, n, extension());
	unlink(path);
	must(vhd_create(path, &o, NULL), "snapshot");
	vhd_disk_close(o.parent);
}

/* what is in use after the first pass is what it may be for ever */
static void watch_memory(bool first_pass)
{
	static long first;
	long now = memory();

	if (first_pass)
		first = now > first ? now : first;
	else if (now > first + MEMORY)
		fail("KiB of memory in use, and more each round", (uint64_t)now,
		     0);
}

static void soak_image(const char *dir, unsigned long *rounds, bool first_pass,
		       time_t until)
{
	char path[4096];

	live = image->type != VHD_TYPE_FIXED;
	memset(versions, 0, sizeof(versions));
	make_chain(dir, path);
	for (unsigned n = 0; n < 6 && time(NULL) < until && !failed; n++) {
		run_threads(path, ++*rounds << 20);
		watch_memory(first_pass);
		printf("round %lu: %s, %u layers, %ld KiB: %s\n", *rounds,
		       image->name, count_layers(path), memory(),
		       failed ? "BAD" : "good");
		fflush(stdout);
		if (live && count_layers(path) < DEEPEST)
			take_snapshot(dir, path, n);
	}
}

static void soak(const char *dir, long seconds)
{
	time_t until = time(NULL) + seconds;
	unsigned long rounds = 0;

	threads = THREADS;
	soaking = true;
	for (bool first_pass = true; time(NULL) < until && !failed;
	     first_pass = false)
		for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++) {
			image = &images[i];
			engine = i % 2 ? VHD_QUEUE_THREADS : VHD_QUEUE_AUTO;
			soak_image(dir, &rounds, first_pass, until);
		}
	printf("soak: %ld s, %lu rounds, failures %d\n", seconds, rounds,
	       failed ? 1 : 0);
}

/* io_uring may be forbidden here; then the threads are all there is */
static bool have_uring(const char *dir)
{
	const struct vhd_queue_options o = {.size = sizeof(o),
					    .engine = VHD_QUEUE_URING};
	struct vhd_queue *queue;
	char path[4096];
	int rc;

	image = &images[0];
	make(dir, "probe", NULL, path);
	open_disk(path, 0);
	rc = vhd_queue_open(disk, &o, &queue, NULL);
	if (!rc)
		vhd_queue_close(queue);
	vhd_disk_close(disk);
	if (rc)
		printf("io_uring: skipped, not to be had here\n");
	return !rc;
}

int main(int argc, char **argv)
{
	bool uring;

	if (argc < 2)
		return 2;
	if (argc == 4 && !strcmp(argv[2], "soak")) {
		soak(argv[1], strtol(argv[3], NULL, 10));
		return failed;
	}
	if (argc > 2)
		steps = strtoull(argv[2], NULL, 10);
	uring = have_uring(argv[1]);
	for (size_t i = 0; i < sizeof(images) / sizeof(*images); i++)
		for (int e = uring ? 1 : 2; e <= 2 && !failed; e++) {
			image = &images[i];
			engine = e;
			live = false;
			if (argc < 4)
				run_image(argv[1]);
			live = image->type != VHD_TYPE_FIXED;
			if (live)
				run_image(argv[1]);
		}
	return failed;
}

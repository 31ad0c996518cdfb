/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a raw file and an image side by side, 4 KiB at a time:
 *
 *	bench_write [-n COUNT] [-f EVERY] [-S SEED] PATTERN RAW FORMAT IMAGE
 *
 * prints "RAW IMAGE", nanoseconds a request. EVERY requests are followed by a
 * flush (0: none): fdatasync() of the raw file, vhd_disk_flush() of the image.
 * The pattern is one of
 *
 *	overwrite  at random, in files that exist and are stored completely
 *	allocate   each in a 2 MiB block of its own, scattered; new sparse files
 *	append     one after the other; new sparse files
 *
 * The sides take turns, eight times a run. Each is opened, written once and
 * flushed before: the figure is that of a session under way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libvhd.h>

#define PIECE ((uint64_t)4096)
#define BLOCK ((uint64_t)2 << 20)

/* a run is cut up, so that both sides meet the same disturbances */
#define SLICES 8u

enum pattern { OVERWRITE, ALLOCATE, APPEND };

struct workload {
	enum pattern pattern;
	unsigned count;
	unsigned every; /* 0: no flush */
	uint64_t seed;
	uint64_t disk_size;
};

enum { RAW, IMAGE, SIDES };

struct side {
	int fd;
	struct vhd_disk *disk;
	int (*write)(const struct side *side, uint64_t offset, const void *buf);
	int (*flush)(const struct side *side);
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_write: %s: %s\n", what, why);
	exit(1);
}

static int write_raw(const struct side *side, uint64_t offset, const void *buf)
{
	ssize_t n = pwrite(side->fd, buf, PIECE, (off_t)offset);

	return n == (ssize_t)PIECE ? 0 : -1;
}

static int flush_raw(const struct side *side)
{
	return fdatasync(side->fd);
}

static int write_disk(const struct side *side, uint64_t offset, const void *buf)
{
	return vhd_disk_write(side->disk, offset, buf, PIECE, NULL);
}

static int flush_disk(const struct side *side)
{
	return vhd_disk_flush(side->disk, NULL);
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* The place of request i; the first request, unmeasured, has number 0. */
static uint64_t place(const struct workload *w, unsigned i, uint64_t *random)
{
	uint64_t blocks = w->disk_size / BLOCK;

	if (w->pattern == APPEND)
		return i * PIECE;
	if (w->pattern == ALLOCATE) /* 37 and a power of two: each block once */
		return i * (uint64_t)37 % blocks * BLOCK + i % 512 * PIECE;
	return next_random(random) % (w->disk_size / PIECE) * PIECE;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What precedes the measured requests; flushes too. */
static void warm_up(const struct side *side, const struct workload *w,
		    const void *buf)
{
	uint64_t random = w->seed + 1;

	if (side->write(side, place(w, 0, &random), buf) || side->flush(side))
		die("write", errno ? strerror(errno) : "failed");
}

/* Requests after `first` up to `last`, in seconds. */
static double run(const struct side *side, const struct workload *w,
		  unsigned first, unsigned last, const void *buf)
{
	uint64_t random = w->seed * 2654435761u + first + 88172645463325252u;
	double start = seconds();
	int rc = 0;

	for (unsigned i = first + 1; i <= last && !rc; i++) {
		rc = side->write(side, place(w, i, &random), buf);
		if (w->every && i % w->every == 0)
			rc |= side->flush(side);
	}
	if (rc)
		die("write", errno ? strerror(errno) : "failed");
	return seconds() - start;
}

/* Adds up the seconds of each side, slice by slice. */
static void run_slices(const struct side sides[SIDES], const struct workload *w,
		       const void *buf, double sum[SIDES])
{
	unsigned step = w->count / SLICES + 1, first = 0, last, side;

	for (unsigned slice = 0; first < w->count; slice++, first = last) {
		last = first + step < w->count ? first + step : w->count;
		for (unsigned turn = 0; turn < SIDES; turn++) {
			side = (turn + slice + (unsigned)w->seed) % SIDES;
			sum[side] += run(&sides[side], w, first, last, buf);
		}
	}
}

static uint64_t power_of_two(uint64_t least)
{
	uint64_t size = BLOCK;

	while (size < least)
		size *= 2;
	return size;
}

/* A new disk with room for all requests. */
static uint64_t new_size(const struct workload *w)
{
	return w->pattern == ALLOCATE ? power_of_two((w->count + 1) * BLOCK)
				      : power_of_two((w->count + 1) * PIECE);
}

static void open_raw(struct side *side, const struct workload *w,
		     const char *path)
{
	int flags = O_RDWR | O_CLOEXEC;

	if (w->pattern != OVERWRITE)
		flags |= O_CREAT | O_TRUNC;
	side->fd = open(path, flags, 0666);
	if (side->fd < 0 || (w->pattern != OVERWRITE &&
			     ftruncate(side->fd, (off_t)w->disk_size)))
		die(path, strerror(errno));
}

static int format_named(const char *name)
{
	return !strcmp(name, "vhdx")  ? VHD_FORMAT_VHDX
	       : !strcmp(name, "vhd") ? VHD_FORMAT_VHD
				      : VHD_FORMAT_RAW;
}

static void open_disk(struct side *side, const struct workload *w,
		      const char *format, const char *path)
{
	struct vhd_disk_options options = {.size = sizeof(options),
					   .format = format_named(format),
					   .flags = VHD_DISK_WRITE};
	struct vhd_create_options create = {.size = sizeof(create),
					    .format = options.format,
					    .flags = VHD_CREATE_FORCE,
					    .virtual_size = w->disk_size};
	struct vhd_diag diag = {0};

	if ((w->pattern != OVERWRITE && vhd_create(path, &create, &diag)) ||
	    vhd_disk_open(path, &options, &side->disk, &diag))
		die(path, diag.text);
}

static enum pattern pattern_named(const char *name)
{
	if (!strcmp(name, "overwrite"))
		return OVERWRITE;
	if (!strcmp(name, "allocate"))
		return ALLOCATE;
	if (!strcmp(name, "append"))
		return APPEND;
	die(name, "no such pattern");
}

static void side_by_side(struct workload *w, char **paths)
{
	struct side sides[SIDES] = {{.write = write_raw, .flush = flush_raw},
				    {.write = write_disk, .flush = flush_disk}};
	double sum[SIDES] = {0, 0};
	void *buf;

	if (posix_memalign(&buf, PIECE, PIECE))
		die("memory", strerror(ENOMEM));
	memset(buf, 0x5A, PIECE);
	open_disk(&sides[IMAGE], w, paths[1], paths[2]);
	open_raw(&sides[RAW], w, paths[0]);
	w->disk_size = vhd_disk_size(sides[IMAGE].disk);
	for (unsigned side = 0; side < SIDES; side++)
		warm_up(&sides[side], w, buf);
	run_slices(sides, w, buf, sum);
	if (vhd_disk_shut(sides[IMAGE].disk, NULL))
		die(paths[2], "cannot be closed");
	vhd_disk_close(sides[IMAGE].disk);
	close(sides[RAW].fd);
	free(buf);
	printf("%.1f %.1f\n", sum[RAW] * 1e9 / w->count,
	       sum[IMAGE] * 1e9 / w->count);
}

int main(int argc, char **argv)
{
	struct workload w = {.count = 1000};
	int opt;

	while ((opt = getopt(argc, argv, "n:f:S:")) != -1) {
		if (opt == 'n')
			w.count = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'f')
			w.every = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'S')
			w.seed = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind != 4 || !w.count)
		die("usage", "[-n COUNT] [-f EVERY] [-S SEED] PATTERN RAW "
			     "FORMAT IMAGE");
	w.pattern = pattern_named(argv[optind]);
	w.disk_size = new_size(&w);
	side_by_side(&w, argv + optind + 1);
	return 0;
}

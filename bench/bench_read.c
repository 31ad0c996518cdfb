/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads a raw file and an image of the same content side by side:
 *
 *	bench_read [-n COUNT] [-s BYTES] [-r ROUNDS] [-d] random|sequential
 *		RAW FORMAT IMAGE
 *
 * prints a line a round, "RAW IMAGE SAME", in nanoseconds a request. All read
 * the same offsets of the disk, and take turns in being first. SAME is pread of
 * the image file where those bytes lie, worked out beforehand: what the image's
 * layout costs by itself.
 *
 * Cached, the image is read with vhd_disk_read(). With -d the page cache is
 * left out: the library maps, this program reads what it names through a
 * descriptor of its own opened with O_DIRECT, as a hypervisor would.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libvhd.h>

struct workload {
	unsigned count;
	size_t bytes;
	bool random;
	bool direct;
};

enum { RAW, IMAGE, SAME, SIDES };

struct side {
	int fd;
	struct vhd_disk *disk;
	uint64_t *places; /* SAME: file offset of each piece of the disk */
	int (*read)(const struct side *side, uint64_t offset, void *buf,
		    size_t len);
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_read: %s: %s\n", what, why);
	exit(1);
}

static int read_raw(const struct side *side, uint64_t offset, void *buf,
		    size_t len)
{
	ssize_t n = pread(side->fd, buf, len, (off_t)offset);

	return n == (ssize_t)len ? 0 : -1;
}

static int read_disk(const struct side *side, uint64_t offset, void *buf,
		     size_t len)
{
	return vhd_disk_read(side->disk, offset, buf, len, NULL);
}

static int read_mapped(const struct side *side, uint64_t offset, void *buf,
		       size_t len)
{
	struct vhd_extent extent;
	char *to = buf;

	while (len) {
		if (vhd_disk_extent(side->disk, offset, len, &extent, NULL))
			return -1;
		if (extent.kind != VHD_EXTENT_DATA)
			memset(to, 0, (size_t)extent.length);
		else if (read_raw(side, extent.offset, to,
				  (size_t)extent.length))
			return -1;
		to += extent.length;
		offset += extent.length;
		len -= (size_t)extent.length;
	}
	return 0;
}

static int read_same(const struct side *side, uint64_t offset, void *buf,
		     size_t len)
{
	return read_raw(side, side->places[offset / len], buf, len);
}

/* File offset of each piece of `bytes`; the disk must be stored completely. */
static uint64_t *map_all(struct vhd_disk *disk, size_t bytes)
{
	uint64_t count = vhd_disk_size(disk) / bytes;
	uint64_t *places = calloc(count, sizeof(*places));
	struct vhd_extent extent;

	for (uint64_t i = 0; places && i < count; i++) {
		if (vhd_disk_extent(disk, i * bytes, bytes, &extent, NULL) ||
		    extent.kind != VHD_EXTENT_DATA)
			die("map", "the disk has holes");
		places[i] = extent.offset;
	}
	if (!places)
		die("memory", strerror(ENOMEM));
	return places;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Nanoseconds a request. */
static double run(const struct side *side, const struct workload *w,
		  uint64_t disk_size, uint64_t seed, void *buf)
{
	uint64_t places = disk_size / w->bytes, place;
	double start = seconds();

	for (unsigned i = 0; i < w->count; i++) {
		place = w->random ? next_random(&seed) : i;
		if (side->read(side, place % places * w->bytes, buf, w->bytes))
			die("read", errno ? strerror(errno) : "failed");
	}
	return (seconds() - start) * 1e9 / w->count;
}

static int open_file(const char *path, bool direct)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | (direct ? O_DIRECT : 0));

	if (fd < 0)
		die(path, strerror(errno));
	return fd;
}

static struct vhd_disk *open_disk(const char *path, const char *format)
{
	struct vhd_disk_options options = {.size = sizeof(options)};
	struct vhd_diag diag = {0};
	struct vhd_disk *disk;

	options.format = !strcmp(format, "vhdx")  ? VHD_FORMAT_VHDX
			 : !strcmp(format, "vhd") ? VHD_FORMAT_VHD
						  : VHD_FORMAT_RAW;
	if (vhd_disk_open(path, &options, &disk, &diag))
		die(path, diag.text);
	return disk;
}

/* Fills (or, for direct I/O, empties) the page cache of both files. */
static void prepare(const struct side sides[SIDES], const struct workload *w,
		    uint64_t disk_size, void *buf)
{
	struct workload all = {.bytes = w->bytes};

	all.count = (unsigned)(disk_size / w->bytes);
	for (int i = 0; i < SIDES; i++) {
		if (!w->direct)
			run(&sides[i], &all, disk_size, 1, buf);
		else if (fdatasync(sides[i].fd) == 0)
			(void)posix_fadvise(sides[i].fd, 0, 0,
					    POSIX_FADV_DONTNEED);
	}
}

static void rounds(const struct side sides[SIDES], const struct workload *w,
		   unsigned count, void *buf)
{
	uint64_t disk_size = vhd_disk_size(sides[IMAGE].disk), seed;
	double ns[SIDES];
	unsigned side;

	prepare(sides, w, disk_size, buf);
	for (unsigned i = 0; i < count; i++) {
		seed = 88172645463325252u + i;
		for (unsigned turn = 0; turn < SIDES; turn++) {
			side = (i + turn) % SIDES;
			ns[side] = run(&sides[side], w, disk_size, seed, buf);
		}
		printf("%.1f %.1f %.1f\n", ns[RAW], ns[IMAGE], ns[SAME]);
	}
}

int main(int argc, char **argv)
{
	struct workload w = {.count = 100000, .bytes = 4096};
	struct side sides[SIDES] = {
		{.read = read_raw}, {.read = read_disk}, {.read = read_same}};
	unsigned round_count = 5;
	void *buf;
	int opt;

	while ((opt = getopt(argc, argv, "n:s:r:d")) != -1) {
		if (opt == 'n')
			w.count = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 's')
			w.bytes = strtoul(optarg, NULL, 10);
		else if (opt == 'r')
			round_count = (unsigned)strtoul(optarg, NULL, 10);
		else if (opt == 'd')
			w.direct = true;
		else
			return 2;
	}
	if (argc - optind != 4 || !w.count || !w.bytes)
		die("usage", "[-n COUNT] [-s BYTES] [-r ROUNDS] [-d] "
			     "random|sequential RAW FORMAT IMAGE");
	argv += optind;
	w.random = !strcmp(argv[0], "random");
	if (posix_memalign(&buf, 4096, w.bytes))
		die("memory", strerror(ENOMEM));
	sides[RAW].fd = open_file(argv[1], w.direct);
	sides[IMAGE].disk = open_disk(argv[3], argv[2]);
	sides[IMAGE].fd = sides[SAME].fd = open_file(argv[3], w.direct);
	sides[SAME].places = map_all(sides[IMAGE].disk, w.bytes);
	if (w.direct)
		sides[IMAGE].read = read_mapped;
	rounds(sides, &w, round_count, buf);
	vhd_disk_close(sides[IMAGE].disk);
	close(sides[IMAGE].fd);
	close(sides[RAW].fd);
	free(sides[SAME].places);
	free(buf);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Works on one file of a mounted file system and prints seconds:
 *
 *	bench_mount read FILE COUNT        1 MiB reads in a row, COUNT of them,
 *	                                   after the kernel forgot the file
 *	bench_mount random-read FILE COUNT THREADS    4 KiB each
 *	bench_mount random-write FILE COUNT THREADS   likewise
 *	bench_mount write FILE COUNT       1 MiB writes in a row, then fsync
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MIB   ((size_t)1 << 20)
#define PIECE ((size_t)4096)

struct work {
	int fd;
	uint64_t size;
	long count;
	int writing;
	_Atomic long next;
	_Atomic int failed;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *buffer(size_t size)
{
	void *p = aligned_alloc(4096, size);

	if (!p)
		exit(1);
	memset(p, 0x5A, size);
	return p;
}

/* the same places in the same order for every contestant */
static uint64_t place(const struct work *w, long i)
{
	uint64_t x = (uint64_t)i * 0x9E3779B97F4A7C15u;

	x ^= x >> 29;
	return x % (w->size / PIECE) * PIECE;
}

static void *scattered(void *ctx)
{
	struct work *w = ctx;
	char *buf = buffer(PIECE);
	long i;

	while ((i = atomic_fetch_add(&w->next, 1)) < w->count) {
		off_t at = (off_t)place(w, i);
		ssize_t n = w->writing ? pwrite(w->fd, buf, PIECE, at)
				       : pread(w->fd, buf, PIECE, at);

		if (n != (ssize_t)PIECE)
			atomic_store(&w->failed, 1);
	}
	free(buf);
	return NULL;
}

static int run_scattered(struct work *w, int threads)
{
	pthread_t all[256];
	int started = 0;

	while (started < threads && started < 256 &&
	       !pthread_create(&all[started], NULL, scattered, w))
		started++;
	while (started)
		pthread_join(all[--started], NULL);
	return atomic_load(&w->failed);
}

static int run_sequential(struct work *w)
{
	char *buf = buffer(MIB);
	int bad = 0;

	for (long i = 0; i < w->count && !bad; i++)
		bad = (w->writing ? write(w->fd, buf, MIB)
				  : read(w->fd, buf, MIB)) != (ssize_t)MIB;
	if (w->writing && fsync(w->fd))
		bad = 1;
	free(buf);
	return bad;
}

int main(int argc, char **argv)
{
	struct work w = {0};
	struct stat st;
	double start;
	int scatter, bad;

	if (argc < 4)
		return 2;
	scatter = strncmp(argv[1], "random", 6) == 0;
	w.writing = strstr(argv[1], "write") != NULL;
	w.count = atol(argv[3]);
	w.fd = open(argv[2], w.writing ? O_RDWR : O_RDONLY);
	if (w.fd < 0 || fstat(w.fd, &st)) {
		perror(argv[2]);
		return 1;
	}
	w.size = (uint64_t)st.st_size;
	posix_fadvise(w.fd, 0, 0, POSIX_FADV_DONTNEED);
	if (scatter) /* no reading ahead: a request each */
		posix_fadvise(w.fd, 0, 0, POSIX_FADV_RANDOM);
	start = seconds();
	bad = scatter ? run_scattered(&w, argc > 4 ? atoi(argv[4]) : 1)
		      : run_sequential(&w);
	printf("%.6f\n", seconds() - start);
	close(w.fd);
	return bad;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How fast memory is summed and searched, in GB/s: CRC-32C as the library
 * uses it, its portable code, and the search for zeros beside
 * memcmp(p, p + 1), which a C library makes fast.
 *
 *	bench_crc [--smoke]
 *
 * prints "NAME BYTES GB/S" a line, the median of five runs.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libvhd/core/crc32c.h"
#include "libvhd/ops/zero.h"

#define RUNS 5

/* Results go here, so that no call can be left out. */
static volatile uint32_t sink;

static void sum(const void *buf, size_t len)
{
	sink = vhd_crc32c(0, buf, len);
}

static void sum_portable(const void *buf, size_t len)
{
	sink = vhd_crc32c_portable(0, buf, len);
}

static void search(const void *buf, size_t len)
{
	sink = vhd_is_zero(buf, len);
}

static void compare(const void *buf, size_t len)
{
	const char *p = buf;

	sink = p[0] == 0 && memcmp(p, p + 1, len - 1) == 0;
}

struct measured {
	const char *name;
	void (*call)(const void *buf, size_t len);
	uint64_t bytes; /* in one run */
};

static const struct measured table[] = {
	{"crc32c", sum, 1u << 30},
	{"crc32c-portable", sum_portable, 1u << 28},
	{"zero-scan", search, 1u << 31},
	{"memcmp", compare, 1u << 31},
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* GB/s in one run */
static double once(const struct measured *m, const void *buf, size_t len,
		   bool smoke)
{
	uint64_t calls = smoke ? 1 : m->bytes / len;
	double start = seconds();

	for (uint64_t i = 0; i < calls; i++)
		m->call(buf, len);
	return (double)(calls * len) / 1e9 / (seconds() - start);
}

int main(int argc, char **argv)
{
	static const size_t sizes[] = {4096, 65536, 1048576};
	bool smoke = argc > 1 && !strcmp(argv[1], "--smoke");
	size_t rows = sizeof(table) / sizeof(table[0]);
	double rate[RUNS];
	void *buf = aligned_alloc(4096, 1048576);

	if (!buf)
		return 1;
	memset(buf, 0, 1048576);
	for (size_t s = 0; s < 3; s++)
		for (size_t m = 0; m < rows; m++) {
			for (int run = 0; run < RUNS; run++)
				rate[run] =
					once(&table[m], buf, sizes[s], smoke);
			qsort(rate, RUNS, sizeof(rate[0]), by_value);
			printf("%s %zu %.2f\n", table[m].name, sizes[s],
			       rate[RUNS / 2]);
		}
	free(buf);
	return 0;
}

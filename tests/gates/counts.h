/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counts what the statically linked library asks of the heap. The program is
 * linked with --wrap for malloc, calloc, realloc and free.
 */
#ifndef TESTS_GATES_COUNTS_H
#define TESTS_GATES_COUNTS_H

#include <stddef.h>

struct counts {
	size_t calls; /* malloc, calloc, realloc */
	size_t live;  /* bytes */
	size_t peak;  /* greatest value of live since counts_start() */
};

/* Starts at 0 calls; live and peak count from here. */
void counts_start(void);
struct counts counts_now(void);

#endif

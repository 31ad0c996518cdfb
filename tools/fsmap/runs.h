/* SPDX-License-Identifier: BSD-2-Clause */
/* A rising list of byte ranges. */
#ifndef FSMAP_RUNS_H
#define FSMAP_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run {
	uint64_t start;
	uint64_t length;
};

struct runs {
	struct run *items;
	size_t count;
	size_t room;
};

/*
 * Appends a range, or makes the last one longer if it ends where this one
 * begins. It must not begin before that. -1 without memory.
 */
int runs_add(struct runs *runs, uint64_t start, uint64_t length);

/* True if a range of the list has a byte in common with this one. */
bool runs_touch(const struct runs *runs, uint64_t start, uint64_t length);

/* Forgets all ranges. */
void runs_clear(struct runs *runs);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file whose n-th call fails. Programs that link with
 * -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup can let the n-th
 * allocation fail as well (fault_memory.c).
 */
#ifndef TESTS_SUPPORT_FAULT_H
#define TESTS_SUPPORT_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include <libvhd/file.h>

enum fault_kind {
	FAULT_READ,
	FAULT_WRITE,
	FAULT_PUNCH,
	FAULT_FLUSH,
	FAULT_RESIZE,
	FAULT_KINDS,
};

struct fault {
	enum fault_kind kind;
	uint64_t n;      /* 1 is the next call of that kind; 0: none fails */
	bool for_ever;   /* and every later one of the kind too */
	int error;       /* what it returns */
	uint64_t failed; /* calls that failed so far */
	/* called around each use of `inner`, or NULL: no allocation of the
	 * test's own fails */
	void (*pause)(bool paused);
	struct vhd_file *inner;
};

/* Owns fault->inner; `fault` must outlive it, and may be changed meanwhile. */
struct vhd_file *fault_file(struct fault *fault);

/* The n-th allocation from now fails (1 is the next), and all later ones if
 * `for_ever`; 0: none. */
void fault_memory(uint64_t n, bool for_ever);
void fault_memory_pause(bool paused);
/* Allocations that failed since. */
uint64_t fault_memory_failed(void);

#endif

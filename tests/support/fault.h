/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files whose n-th call fails. Programs that link tests/fault/memory.c and wrap
 * the functions named there can let the n-th allocation fail as well.
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
	uint64_t calls;  /* of the kind, so far */
	uint64_t failed; /* of these */
	/* called around what the test itself does, or NULL: no allocation of
	 * its own fails */
	void (*pause)(bool paused);
};

/* Owns `inner`. `fault`, which may be that of several files and may be changed
 * meanwhile, must outlive it. */
struct vhd_file *fault_file(struct fault *fault, struct vhd_file *inner);

/* The n-th allocation from now fails (1 is the next), and all later ones if
 * `for_ever`; 0: none. */
void fault_memory(uint64_t n, bool for_ever);
void fault_memory_pause(bool paused);
/* Allocations since, and those that failed. */
uint64_t fault_memory_calls(void);
uint64_t fault_memory_failed(void);

/*
 * Takes "--every N" from the front of a program's arguments: one of so many
 * calls is tried, since the sanitizers have no time for all. 1 if it is not
 * there, 0 if N makes no sense.
 */
uint64_t fault_every(int *argc, char ***argv);

#endif

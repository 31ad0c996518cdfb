/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The images that tests of the write side go through: every format and type,
 * small enough to be looked at as a whole thousands of times. Odd sizes, so
 * that the last block is cut off.
 */
#ifndef TESTS_SUPPORT_SUBJECT_H
#define TESTS_SUPPORT_SUBJECT_H

#include <libvhd.h>

#include "support/cow.h"
#include "support/oracle.h"

struct subject {
	const char *name;
	int format;
	int type;
	uint32_t block; /* 0 where there are none */
	uint32_t sector;
	uint64_t size;
};

extern const struct subject subjects[];
extern const size_t subject_count;

/* NULL if there is none. */
const struct subject *subject_find(const char *name);

/* A new image. Differencing: over the parent that subject_parent() makes. */
struct cow *subject_make(const struct subject *s);
/* The parent of a differencing image, or NULL. It holds ORACLE_PARENT, at
 * subject_parent_holds(). */
#define ORACLE_PARENT 1u
struct cow *subject_parent(const struct subject *s);
bool subject_parent_holds(const struct subject *s, uint64_t offset);

/* The new image's content: zeros, or the parent's. */
struct oracle *subject_oracle(const struct subject *s);

/* Opens a disk; owns `file` on success. `parent` may be NULL. */
int subject_open(const struct subject *s, struct vhd_file *file,
		 struct cow *parent, bool writable, struct vhd_disk **out,
		 struct vhd_diag *diag);

#endif

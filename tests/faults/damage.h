/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every fault that a check names, as an image that has it: how a good image is
 * damaged, what the checks say, and what the repairs do about it.
 */
#ifndef TESTS_FAULTS_DAMAGE_H
#define TESTS_FAULTS_DAMAGE_H

#include <libvhd.h>

#include "support/sparse.h"

/* Codes are listed once each, in the order met, with a space between. */
struct damage {
	const char *name;
	int format;
	struct sparse *(*make)(void);
	const char *first;    /* a check, "": no fault, NULL: no image */
	const char *mends;    /* --repair */
	const char *after;    /* a check then */
	const char *salvages; /* --repair=salvage instead */
	const char *at_last;  /* a check then */
	int refused;          /* by either repair */
	int lossless_refused; /* by --repair alone */
	uint64_t size;        /* that salvage is told */
	bool loose; /* what is lost need not be the same after a cut */
};

extern const struct damage damages[];
extern const size_t damage_count;

#endif

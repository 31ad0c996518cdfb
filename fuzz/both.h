/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One file through both readers, the loader's and the hosted library's. Where
 * they disagree the program ends with a message.
 */
#ifndef FUZZ_BOTH_H
#define FUZZ_BOTH_H

#include "support/sparse.h"

/* Opens with both, walks extents up to a bound, compares bytes. */
void both_compare(struct sparse *file, int format);

/* check, dump, log, parents, metadata items and usage of the same file: they
 * must only survive, and what they say must be texts. */
void both_look_inside(struct sparse *file, int format);

#endif

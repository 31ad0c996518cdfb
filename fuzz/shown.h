/* SPDX-License-Identifier: BSD-2-Clause */
/* What one image shows, held against what it showed before it was changed. */
#ifndef FUZZ_SHOWN_H
#define FUZZ_SHOWN_H

#include "support/cow.h"

/*
 * Walks the disk up to a bound. Returns NULL if the image `after` shows all
 * that `before` shows (an image that does not open shows nothing), or what is
 * wrong, and where.
 */
const char *shown_kept(struct cow *before, struct cow *after, int format,
		       uint64_t *where);

/* NULL if the image opens and no place of its disk is damaged, else why not. */
const char *shown_whole(struct cow *content, int format, uint64_t *where);

#endif

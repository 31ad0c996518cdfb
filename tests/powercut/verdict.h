/* SPDX-License-Identifier: BSD-2-Clause */
/* Is this what a power cut may leave? */
#ifndef TESTS_POWERCUT_VERDICT_H
#define TESTS_POWERCUT_VERDICT_H

#include "support/powercut.h"
#include "support/subject.h"

struct verdict {
	const struct subject *subject;
	struct cow *parent;
	const struct oracle *oracle;
	uint64_t cuts; /* judged so far, those during recovery included */
	bool failed;
	bool keeps_footer; /* what is judged must have one at its end */
	/* of the disk's size: what the cut shows, what a write after it
	 * makes of that, and scratch */
	uint8_t *shown;
	uint8_t *wanted;
	uint8_t *scratch;
};

void verdict_init(struct verdict *v, const struct subject *subject,
		  struct cow *parent, const struct oracle *oracle);
void verdict_drop(struct verdict *v);

/*
 * Judges a content: opens it, compares with the oracle and with the loader's
 * reader, checks it, opens it for writing twice, writes, shuts and opens it
 * again. `seed` decides what is written and where recovery is cut in turn.
 * False, after a message, if anything is wrong.
 */
bool verdict_judge(struct verdict *v, const struct cow *content, uint64_t seed);

/* Judges a content after a clean close: no dirt, no fault, and the whole disk
 * as expected. False after a message. */
bool verdict_clean(struct verdict *v, struct cow *content,
		   const uint8_t *expected);

/* Does a content open with a footer at its end? Always, if it is no VHD. False
 * without a message. */
bool verdict_has_footer(struct verdict *v, struct cow *content);

/*
 * Judges a content at a quiet moment with the header that counts damaged: with
 * the other one the disk opens, for writing too, and shows what the oracle
 * allows. True for what is no VHDX.
 */
bool verdict_judge_headers(struct verdict *v, const struct cow *content);

/* Reads the whole disk; false after a message. */
bool verdict_read(struct verdict *v, struct vhd_disk *disk, uint8_t *out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a disk may hold. Each 512-byte sector has one newest content and a list
 * of contents it may show after a power cut: the one that was flushed, and
 * each written since. Contents are versions; every byte of a sector depends on
 * its number and version, so that foreign data never passes.
 */
#ifndef TESTS_SUPPORT_ORACLE_H
#define TESTS_SUPPORT_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORACLE_SECTOR  512u
#define ORACLE_ZERO    0u /* the version that is all zeros */
#define ORACLE_ALLOWED 6u

struct oracle_cell {
	uint32_t newest;
	uint32_t allowed[ORACLE_ALLOWED];
	uint32_t count;
};

struct oracle {
	uint64_t size;
	uint8_t *bytes; /* the newest content */
	struct oracle_cell *cells;
	uint32_t version; /* the last that was given out */
	bool full;        /* a list is full: flush before the next change */
};

/* All zeros, all flushed. */
struct oracle *oracle_new(uint64_t size);
void oracle_free(struct oracle *o);

/* The bytes of `length` at `offset` in one version. */
void oracle_content(uint64_t offset, uint64_t length, uint32_t version,
		    uint8_t *out);

/* Before a change: from here on the version may show. */
void oracle_allow(struct oracle *o, uint64_t offset, uint64_t length,
		  uint32_t version);
/* After it: a reader must see the version. */
void oracle_set(struct oracle *o, uint64_t offset, uint64_t length,
		uint32_t version);
/* A flush returned: only what is newest may show. */
void oracle_flushed(struct oracle *o);

/*
 * Finds the first sector of `buf` that shows nothing allowed: UINT64_MAX if
 * there is none, else its offset.
 */
uint64_t oracle_check(const struct oracle *o, uint64_t offset,
		      const uint8_t *buf, uint64_t length);

/* Takes what `buf` shows, which was checked already, as newest. */
void oracle_adopt(struct oracle *o, uint64_t offset, const uint8_t *buf,
		  uint64_t length);

/* Says what a sector shows and what it might have shown. */
void oracle_explain(const struct oracle *o, uint64_t offset,
		    const uint8_t *sector);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file whose power can be cut. Writes, punches and resizes go to a journal
 * until a flush makes them durable. At any moment powercut_content() says what
 * a cut would leave: what was flushed, and of each later operation all,
 * nothing, or some of its 512-byte sectors. A resize is kept or lost alone; a
 * lost extension reads as zeros; a kept write extends a file whose resize was
 * lost. For one thread.
 */
#ifndef TESTS_SUPPORT_POWERCUT_H
#define TESTS_SUPPORT_POWERCUT_H

#include "support/cow.h"

struct powercut;

/* Which unflushed operations, or sectors of them, survive. */
enum cut_mode {
	CUT_ALL,     /* everything: a killed process, not a cut */
	CUT_NONE,    /* only what was flushed */
	CUT_SECTORS, /* each sector by lot, with a chance by lot */
	CUT_OPS,     /* each operation by lot */
	CUT_PREFIX,  /* sectors up to a point */
	CUT_SUFFIX,  /* sectors from a point on */
	CUT_ALL_BUT, /* one operation is lost */
	CUT_ONLY,    /* one operation survives */
	CUT_SMALL,   /* writes up to 8 KiB survive, longer ones do not */
	CUT_LARGE,   /* the reverse */
	CUT_MASK,    /* sector i survives if bit i of the seed is set */
	CUT_MODES,
};

struct cut {
	enum cut_mode mode;
	uint64_t seed;
};

/* Takes the content, which becomes durable. */
struct powercut *powercut_new(struct cow *content);
void powercut_free(struct powercut *p);

/* Starts over with another content, which becomes durable; the hook stays. No
 * file may be open. */
void powercut_reset(struct powercut *p, struct cow *content);

/* The file; closing it loses nothing. */
struct vhd_file *powercut_file(struct powercut *p);

/*
 * Calls `hook` before each write, punch, resize and flush: the state in which
 * a cut is worth a look. NULL for none.
 */
void powercut_hook(struct powercut *p, void (*hook)(void *ctx), void *ctx);

/*
 * The n-th call from now (1 is the next) that changes the file fails with
 * VHD_E_IO, as do all after it, reads too: the process is dead. What it was
 * to do may still be kept by a cut. 0: never.
 */
void powercut_arm(struct powercut *p, uint64_t n);

/*
 * The host is full for a while: from the `first`-th call on that writes,
 * punches or resizes (1 is the next), `count` calls fail with VHD_E_NOSPACE, a
 * write after a part of its sectors.
 */
void powercut_full(struct powercut *p, uint64_t first, uint64_t count);
/* Calls that failed so, since the beginning. */
uint64_t powercut_refused(const struct powercut *p);

/* Calls that changed or flushed the file so far, and flushes of these. */
uint64_t powercut_calls(const struct powercut *p);
uint64_t powercut_flushes(const struct powercut *p);
/* Bytes written so far. */
uint64_t powercut_bytes(const struct powercut *p);

/* Sectors (and resizes) that a cut may keep or lose each for itself. */
uint64_t powercut_open_units(const struct powercut *p);

/* A cut chosen by lot; exhaustive masks where few units are open. */
struct cut powercut_choose(const struct powercut *p, uint64_t seed);

/* The content after a cut; the caller's. */
struct cow *powercut_content(const struct powercut *p, struct cut cut);

const char *cut_mode_name(enum cut_mode mode);

/* A number that depends on both in no visible way. */
uint64_t cut_hash(uint64_t seed, uint64_t n);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that is written, and the oracle that goes along: each function does a
 * thing to both. What fails is said on stderr and kept in `failed`. On a full
 * host (powercut_full()) changes may fail with VHD_E_NOSPACE; then the oracle
 * takes what the disk shows.
 */
#ifndef TESTS_SUPPORT_PLAYER_H
#define TESTS_SUPPORT_PLAYER_H

#include "support/powercut.h"
#include "support/subject.h"

struct player {
	const struct subject *subject;
	struct powercut *power;
	struct cow *parent;
	struct oracle *oracle;
	struct vhd_disk *disk; /* NULL after a failed open */
	uint8_t *buf;          /* of the disk's size */
	uint64_t seed;
	uint64_t lots; /* drawn so far */
	uint64_t steps;
	bool failed;
};

/* A new image, opened. */
void player_init(struct player *p, const struct subject *subject,
		 uint64_t seed);
/* Closes without shutting. */
void player_drop(struct player *p);

/* A number below n, the next by the seed. */
uint64_t player_draw(struct player *p, uint64_t n);
/* Whole sectors: small ranges, aligned ones, whole blocks, over their ends. */
void player_draw_range(struct player *p, uint64_t *offset, uint64_t *length);

void player_open(struct player *p);
void player_write(struct player *p, uint64_t offset, uint64_t length);
void player_zero(struct player *p, uint64_t offset, uint64_t length);
void player_discard(struct player *p, uint64_t offset, uint64_t length);
/* One attempt; true if all is durable. Only a full host may make it fail. */
bool player_try_flush(struct player *p);
/* Until it succeeds: a full host has space again after some calls. */
void player_flush(struct player *p);
/*
 * Compacts, or if `trim` only lets go, and opens again; a range that no file
 * system uses may be given (length 0: none). A full host may end it early. If
 * the n-th call fails (0: none does), the disk is closed as a crash leaves it.
 */
void player_compact(struct player *p, bool trim, uint64_t offset,
		    uint64_t length, uint64_t n);
/* Compacts, and the disk stays open; nothing of what is written is lost. */
void player_compact_live(struct player *p);
/* Everything reads as what was last written. */
void player_compare(struct player *p);
/* A clean close, again and again while the host is full, and open again. */
void player_shut(struct player *p);
/* The process dies and the host lives on: nothing becomes durable by that. */
void player_kill(struct player *p);
/* A cut, and life goes on from what it left. */
void player_crash(struct player *p, struct cut cut);

void player_fail(struct player *p, const char *what, int rc);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host is full: one scenario for every image of subject.c, again and again,
 * with the n-th call that may need space failing, alone or with some of those
 * behind it, for every n until none fails any more. Each step is tried until
 * the host has space again. Meanwhile the disk is read, what is mapped is
 * written, parts are discarded, and power cuts are judged; in the end
 * everything that was written is there, the image is clean, and no error is
 * left behind.
 *
 * full [NAME]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "powercut/verdict.h"
#include "support/fault.h"
#include "support/player.h"

static uint64_t every; /* fault_every() */

struct test {
	struct player p;
	struct verdict verdict;
	bool retrying; /* a flush that failed */
};

static uint64_t unit_of(const struct subject *s)
{
	return s->block ? s->block : 65536;
}

static void judge(struct test *t)
{
	static const enum cut_mode modes[] = {CUT_ALL, CUT_NONE, CUT_SECTORS};

	for (size_t i = 0; i < 3 && !t->p.failed; i++) {
		struct cut cut = {modes[i], player_draw(&t->p, UINT64_MAX)};
		struct cow *content = powercut_content(t->p.power, cut);

		if (!verdict_judge(&t->verdict, content, cut.seed))
			player_fail(&t->p, "a cut while the host is full", 0);
		cow_free(content);
	}
}

/* now and then, after the first call that failed; closely where a flush goes on
 * from what another left */
static void moment(void *ctx)
{
	struct test *t = ctx;

	if (powercut_refused(t->p.power) &&
	    player_draw(&t->p, t->retrying ? 2 : 32) == 0)
		judge(t);
}

/* -- steps, each until the host has space for it -----------------------------
 */

static bool again(struct test *t, uint64_t before)
{
	if (t->p.oracle->full) { /* enough versions: space is made */
		powercut_full(t->p.power, 0, 0);
		player_flush(&t->p);
	}
	return !t->p.failed && powercut_refused(t->p.power) > before;
}

static void write_block(struct test *t, uint64_t block, uint64_t length)
{
	uint64_t size = t->p.subject->size, before;
	uint64_t offset = block * unit_of(t->p.subject) % size;

	length = vhd_min(length, size - offset);
	do {
		before = powercut_refused(t->p.power);
		player_write(&t->p, offset, length);
	} while (again(t, before));
}

static void zero_block(struct test *t, uint64_t block, bool discard)
{
	uint64_t unit = unit_of(t->p.subject), before;
	uint64_t length = vhd_min(unit, t->p.subject->size - block * unit);

	do {
		before = powercut_refused(t->p.power);
		if (discard)
			player_discard(&t->p, block * unit, length);
		else
			player_zero(&t->p, block * unit, length);
	} while (again(t, before));
}

/* an image that could not flush is as usable as before */
static void use(struct test *t)
{
	uint64_t sector = t->p.subject->sector;

	player_compare(&t->p);
	if (!t->p.failed && !t->p.oracle->full) {
		player_write(&t->p, sector, sector);
		player_discard(&t->p, 2 * sector, sector);
		player_compare(&t->p);
	}
}

static void flush(struct test *t)
{
	while (!t->p.failed && !player_try_flush(&t->p)) {
		if (!t->p.failed)
			use(t);
		t->retrying = true;
	}
	if (t->retrying)
		judge(t);
	t->retrying = false;
}

static void scenario(struct test *t)
{
	uint64_t small = t->p.subject->sector * 3;

	write_block(t, 0, small);
	write_block(t, 1, 65536);
	flush(t);
	write_block(t, 0, 4 * small);
	zero_block(t, 1, false);
	flush(t);
	zero_block(t, 0, true);
	write_block(t, 1, small);
	flush(t);
	write_block(t, 2, small);
	write_block(t, 3, unit_of(t->p.subject));
	flush(t);
	player_shut(&t->p);
	if (!t->p.failed) /* the first call of a session may fail as well */
		write_block(t, 0, small);
	if (!t->p.failed)
		flush(t);
	if (!t->p.failed)
		player_kill(&t->p);
	if (!t->p.failed)
		zero_block(t, 2, false);
	player_shut(&t->p);
	if (!t->p.failed) /* and one that is given up */
		player_write(&t->p, 0, small);
}

/* -- runs --------------------------------------------------------------------
 */

/* shut with space enough: nothing is left to be mended */
static void finish(struct test *t)
{
	struct cow *content;

	powercut_hook(t->p.power, NULL, NULL);
	powercut_full(t->p.power, 0, 0);
	player_shut(&t->p);
	if (t->p.failed)
		return;
	player_compare(&t->p);
	content = powercut_content(t->p.power, (struct cut){CUT_NONE, 0});
	if (!verdict_clean(&t->verdict, content, t->p.oracle->bytes))
		player_fail(&t->p, "the image is not clean", 0);
	cow_free(content);
}

static bool attempt(const struct subject *s, uint64_t n, uint64_t count,
		    bool *more)
{
	struct test t = {0};
	bool good;

	player_init(&t.p, s, n * 16 + count);
	verdict_init(&t.verdict, s, t.p.parent, t.p.oracle);
	powercut_hook(t.p.power, moment, &t);
	powercut_full(t.p.power, n, count);
	scenario(&t);
	*more = powercut_refused(t.p.power) > 0;
	if (!t.p.failed)
		finish(&t);
	good = !t.p.failed && !t.verdict.failed;
	if (!good)
		fprintf(stderr, "%s: %" PRIu64 " calls from %" PRIu64 " on\n",
			s->name, count, n);
	verdict_drop(&t.verdict);
	player_drop(&t.p);
	return good;
}

static bool run_subject(const struct subject *s)
{
	static const uint64_t counts[] = {1, 2, 7};
	uint64_t tried = 0;
	bool good = true;

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		bool more = true;

		for (uint64_t n = 1; more && good; n += every) {
			good = attempt(s, n, counts[i], &more);
			tried += more;
		}
	}
	printf("%-22s %6" PRIu64 " times full: %s\n", s->name, tried,
	       good ? "good" : "BAD");
	fflush(stdout);
	return good;
}

int main(int argc, char **argv)
{
	int bad = 0;

	every = fault_every(&argc, &argv);
	if (!every)
		return 2;
	for (size_t i = 0; i < subject_count; i++)
		if ((argc < 2 && subjects[i].size <= (16u << 20)) ||
		    (argc > 1 && !strcmp(argv[1], subjects[i].name)))
			bad |= !run_subject(&subjects[i]);
	return bad;
}

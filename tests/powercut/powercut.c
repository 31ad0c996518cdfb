/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts the power while a disk is written, and judges what is left (verdict.h).
 *
 * powercut [--cuts N] [--seed S] [--scenarios N] [--format NAME]... [--keep F]
 *
 * For each image of subject.c: a few fixed scenarios, then random ones until N
 * cuts were judged. A scenario follows from its seed alone; a failure says how
 * to repeat it. --scenarios N runs N random scenarios from --seed on and no
 * fixed ones. --keep F saves the content that was judged bad.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "support/player.h"
#include "verdict.h"

struct run {
	struct player p;
	struct verdict verdict;
	uint64_t chance; /* of a cut at one moment, in 1/1000 */
	unsigned each;   /* cuts at such a moment */
	const char *keep;
};

/* says of a cut whether what it left is good */
static void note(struct run *r, struct cut cut, const struct cow *content,
		 bool good)
{
	if (good)
		return;
	r->p.failed = true;
	fprintf(stderr,
		"%s: step %" PRIu64 ", call %" PRIu64 ", cut '%s' of "
		"%" PRIu64 " open sectors\n",
		r->p.subject->name, r->p.steps, powercut_calls(r->p.power),
		cut_mode_name(cut.mode), powercut_open_units(r->p.power));
	if (r->keep)
		cow_save(content, r->keep);
}

static void judge(struct run *r, struct cut cut)
{
	struct cow *content = powercut_content(r->p.power, cut);

	note(r, cut, content,
	     verdict_judge(&r->verdict, content, player_draw(&r->p, 1u << 30)));
	cow_free(content);
}

static void moment(void *ctx)
{
	struct run *r = ctx;

	if (player_draw(&r->p, 1000) >= r->chance)
		return;
	for (unsigned i = 0; i < r->each && !r->p.failed; i++)
		judge(r, powercut_choose(r->p.power,
					 player_draw(&r->p, UINT64_MAX)));
}

/* a cut, and life goes on from what it left */
static void crash(struct run *r)
{
	struct cut cut =
		powercut_choose(r->p.power, player_draw(&r->p, UINT64_MAX));

	judge(r, cut);
	if (!r->p.failed)
		player_crash(&r->p, cut);
}

/* nothing is under way and all is durable: now a header may go bad */
static void judge_quiet(struct run *r)
{
	struct cut cut = {CUT_NONE, 0};
	struct cow *content;

	if (r->p.failed || player_draw(&r->p, 1000) >= r->chance)
		return;
	content = powercut_content(r->p.power, cut);
	note(r, cut, content, verdict_judge_headers(&r->verdict, content));
	cow_free(content);
}

static void flush(struct run *r)
{
	player_flush(&r->p);
	judge_quiet(r);
}

static bool has_footer(struct run *r)
{
	struct cow *content;
	bool has;

	if (powercut_open_units(r->p.power))
		return false;
	content = powercut_content(r->p.power, (struct cut){CUT_ALL, 0});
	has = verdict_has_footer(&r->verdict, content);
	cow_free(content);
	return has;
}

/* with nothing to be flushed, no cut may take the footer away */
static void shut(struct run *r)
{
	r->verdict.keeps_footer = has_footer(r);
	player_shut(&r->p);
	r->verdict.keeps_footer = false;
	judge_quiet(r);
}

/* -- random scenarios --------------------------------------------------------
 */

/* compacting ends anywhere; what is left compacts to the same content */
static void interrupt_compact(struct run *r)
{
	uint64_t offset = 0, length = 0;

	if (r->p.subject->type == VHD_TYPE_FIXED)
		return;
	player_flush(&r->p);
	if (player_draw(&r->p, 3) == 0)
		player_draw_range(&r->p, &offset, &length);
	player_compact(&r->p, player_draw(&r->p, 4) == 0, offset, length,
		       1 + player_draw(&r->p, 40));
	if (!r->p.failed)
		crash(r);
	if (!r->p.failed)
		player_compact(&r->p, false, 0, 0, 0);
}

static void compact(struct run *r)
{
	uint64_t offset = 0, length = 0;

	if (player_draw(&r->p, 2)) {
		player_compact_live(&r->p);
		return;
	}
	if (player_draw(&r->p, 3) == 0) {
		player_flush(&r->p);
		player_draw_range(&r->p, &offset, &length);
	}
	player_compact(&r->p, player_draw(&r->p, 4) == 0, offset, length, 0);
}

static void step(struct run *r)
{
	uint64_t offset, length, what = player_draw(&r->p, 100);

	r->p.steps++;
	if (r->p.oracle->full)
		player_flush(&r->p);
	player_draw_range(&r->p, &offset, &length);
	if (what < 50)
		player_write(&r->p, offset, length);
	else if (what < 57)
		player_zero(&r->p, offset, length);
	else if (what < 67)
		player_discard(&r->p, offset, length);
	else if (what < 88 && what % 2)
		flush(r);
	else if (what < 88)
		player_try_flush(&r->p);
	else if (what < 91)
		shut(r);
	else if (what < 94)
		player_kill(&r->p);
	else if (what < 96)
		crash(r);
	else if (what < 97)
		compact(r);
	else if (what < 98)
		interrupt_compact(r);
	else if (what < 99)
		player_compare(&r->p);
	else
		powercut_full(r->p.power, 1 + player_draw(&r->p, 12),
			      1 + player_draw(&r->p, 6));
}

/* -- fixed scenarios ---------------------------------------------------------
 */

/*
 * A letter and, for some, a block: w small write at its start, e at its end,
 * W all of it, z zero, d discard, p discard of a part; f flush, s shut and
 * open, k kill and open; c compact, l compact and stay open, u compact without
 * the block, t trim without it; a write a piece of each of the first 33 blocks,
 * b of those behind, with a flush behind each; F the host is full for two
 * calls, the number says how soon.
 */
static const char *const scripts[] = {
	"a f b s", /* first: all that large disks have time for */
	"W0 W1 W2 W3 f d0 d1 f c w1 f c",
	"W0 w1 w2 W3 f z0 c e1 f u2 W2 f s c",
	"W0 W1 W2 W3 f d0 d1 l w1 e3 f d2 l w0 l f W2 k w1 d3 l f s l w2 f",
	"w0 F2 f F4 e0 w1 f F1 s z0 F1 w2 f F0 k w0 f",
	"w0 f",
	"w0 w1 f w0 e1 f",
	"W0 f z0 f w1 f w0 f",
	"w0 f d0 w1 f e0 w2 f",
	"W0 W1 f d0 d1 f W1 f W0 f s w2 f",
	"w0 f s e0 f s w1 k w0 f d0 f k w0 f",
	"w0 f d0 w0 f d0 f e0 f",
	"w0 w1 w2 f d1 f w3 f k w1 f s",
	"W0 f p0 e0 f w0 d0 e0 f s",
	"w0 s w1 s z0 s w2 w3 s",
	"W0 f w0 k s e0 k s w1 f",
	"w0 f d1 f w0 f d2 f w1 f d3 f e0 f d0 f",
	"w3 w2 w1 w0 f d2 f s d3 c w2 f k c",
	"W0 W1 f t0 W2 f u1 w0 f c",
	"z0 w1 f d1 w2 f c W0 f z0 w3 f c w1 f",
};

/* a piece of each block from `first` on */
static void write_blocks(struct run *r, uint64_t first, uint64_t count,
			 bool flushed)
{
	uint64_t block = r->p.subject->block ? r->p.subject->block : 65536;

	for (uint64_t b = first; b < first + count && !r->p.failed; b++) {
		uint64_t start = b * block, size = r->p.subject->size;

		if (start >= size)
			break;
		player_write(&r->p, start, vhd_min(16384, size - start));
		if (flushed)
			player_flush(&r->p);
	}
}

static void script_step(struct run *r, char what, uint64_t index)
{
	uint64_t block = r->p.subject->block ? r->p.subject->block : 65536;
	uint64_t count = (r->p.subject->size + block - 1) / block;
	uint64_t start = index % count * block, unit = r->p.subject->sector;
	uint64_t length = vhd_min(block, r->p.subject->size - start);

	r->p.steps++;
	if (r->p.oracle->full)
		player_flush(&r->p);
	switch (what) {
	case 'w':
		player_write(&r->p, start, 4 * unit);
		break;
	case 'e':
		player_write(&r->p, start + length - 3 * unit, 3 * unit);
		break;
	case 'W':
		player_write(&r->p, start, length);
		break;
	case 'z':
		player_zero(&r->p, start, length);
		break;
	case 'd':
		player_discard(&r->p, start, length);
		break;
	case 'p':
		player_discard(&r->p, start + unit, 2 * unit);
		break;
	case 'a':
		write_blocks(r, 0, 33, false);
		break;
	case 'b': /* the file grows once more: look closely */
		r->chance = 1000;
		r->each = 10;
		write_blocks(r, 33, UINT32_MAX, true);
		break;
	case 'c':
		player_compact(&r->p, false, 0, 0, 0);
		break;
	case 'l':
		player_compact_live(&r->p);
		break;
	case 'u':
	case 't':
		player_flush(&r->p);
		player_compact(&r->p, what == 't', start, length, 0);
		break;
	case 'f':
		flush(r);
		break;
	case 'F':
		powercut_full(r->p.power, 1 + index, 2);
		break;
	case 's':
		shut(r);
		break;
	case 'k':
		player_kill(&r->p);
		break;
	}
}

/* -- runs --------------------------------------------------------------------
 */

static void begin(struct run *r, const struct subject *s, uint64_t seed)
{
	player_init(&r->p, s, seed);
	verdict_init(&r->verdict, s, r->p.parent, r->p.oracle);
	powercut_hook(r->p.power, moment, r);
}

static uint64_t end(struct run *r)
{
	if (!r->p.failed)
		player_compare(&r->p);
	if (!r->p.failed)
		player_shut(&r->p);
	if (!r->p.failed)
		player_compare(&r->p);
	r->p.failed |= r->verdict.failed;
	player_drop(&r->p);
	verdict_drop(&r->verdict);
	return r->verdict.cuts;
}

static bool run_script(const struct subject *s, const char *script,
		       uint64_t *cuts)
{
	struct run r = {.chance = 1000, .each = 3};

	if (*script == 'a')
		r.chance = s->size > (16u << 20) ? 30 : 300;
	begin(&r, s, 1);
	for (const char *p = script; *p && !r.p.failed; p++)
		if (*p != ' ' && (*p < '0' || *p > '9'))
			script_step(&r, *p, p[1] ? (uint64_t)(p[1] - '0') : 0);
	*cuts += end(&r);
	if (r.p.failed)
		fprintf(stderr, "%s: fixed scenario '%s' fails\n", s->name,
			script);
	return !r.p.failed;
}

static bool run_random(const struct subject *s, uint64_t seed, const char *keep,
		       uint64_t *cuts)
{
	struct run r = {.each = 1, .keep = keep};
	uint64_t steps;

	begin(&r, s, seed);
	steps = 10 + player_draw(&r.p, player_draw(&r.p, 4) ? 60 : 400);
	r.chance = steps > 70 ? 40 : 250;
	while (r.p.steps < steps && !r.p.failed)
		step(&r);
	*cuts += end(&r);
	if (r.p.failed)
		fprintf(stderr,
			"again: powercut --format %s --seed %" PRIu64
			" --scenarios 1\n",
			s->name, seed);
	return !r.p.failed;
}

struct options {
	uint64_t cuts;
	uint64_t seed;
	uint64_t scenarios;
	const char *keep;
	const struct subject *only[32];
	size_t count;
};

/* the first ones are never left out: writing, compacting twice */
static bool is_short(const struct subject *s, size_t script)
{
	return script < 4 && s->size <= (16u << 20);
}

static bool run_subject(const struct subject *s, const struct options *o)
{
	uint64_t cuts = 0, seed = o->seed;
	bool ok = true;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts) && ok; i++)
		if (!o->scenarios && (cuts < o->cuts || is_short(s, i)))
			ok = run_script(s, scripts[i], &cuts);
	for (; ok &&
	       (o->scenarios ? seed < o->seed + o->scenarios : cuts < o->cuts);
	     seed++)
		ok = run_random(s, seed, o->keep, &cuts);
	printf("%-22s %8" PRIu64 " cuts, %6" PRIu64 " random scenarios: %s\n",
	       s->name, cuts, seed - o->seed, ok ? "good" : "BAD");
	fflush(stdout);
	return ok;
}

static int usage(void)
{
	fprintf(stderr, "usage: powercut [--cuts N] [--seed S] "
			"[--scenarios N] [--format NAME]... [--keep FILE]\n");
	for (size_t i = 0; i < subject_count; i++)
		fprintf(stderr, "  %s\n", subjects[i].name);
	return 2;
}

static bool parse(int argc, char **argv, struct options *o)
{
	for (int i = 1; i + 1 < argc; i += 2) {
		const char *value = argv[i + 1];

		if (!strcmp(argv[i], "--cuts"))
			o->cuts = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i], "--seed"))
			o->seed = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i], "--scenarios"))
			o->scenarios = strtoull(value, NULL, 0);
		else if (!strcmp(argv[i], "--keep"))
			o->keep = value;
		else if (!strcmp(argv[i], "--format") && subject_find(value) &&
			 o->count < 32)
			o->only[o->count++] = subject_find(value);
		else
			return false;
	}
	return argc % 2;
}

/* `cuts` is for all images together */
int main(int argc, char **argv)
{
	struct options o = {.cuts = 11000, .seed = 1};
	int bad = 0;

	if (!parse(argc, argv, &o))
		return usage();
	for (size_t i = 0; !o.count && i < subject_count; i++)
		o.only[i] = &subjects[i];
	o.count = o.count ? o.count : subject_count;
	o.cuts = (o.cuts + o.count - 1) / o.count;
	for (size_t i = 0; i < o.count; i++)
		bad |= !run_subject(o.only[i], &o);
	return bad;
}

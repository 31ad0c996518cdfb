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
#include "verdict.h"

struct run {
	const struct subject *subject;
	struct powercut *power;
	struct cow *parent;
	struct vhd_disk *disk;
	struct oracle *oracle;
	struct verdict verdict;
	uint64_t seed;
	uint64_t lots;	 /* drawn so far */
	uint64_t chance; /* of a cut at one moment, in 1/1000 */
	unsigned each;	 /* cuts at such a moment */
	uint64_t steps;
	const char *keep;
	uint8_t *buf;
	bool failed;
};

static uint64_t draw(struct run *r, uint64_t n)
{
	return cut_hash(r->seed, r->lots++) % n;
}

static void fail(struct run *r, const char *what, int rc)
{
	r->failed = true;
	fprintf(stderr, "%s: step %" PRIu64 ": %s: %s\n", r->subject->name,
		r->steps, what, vhd_strerror(rc));
}

static void judge(struct run *r, struct cut cut)
{
	struct cow *content = powercut_content(r->power, cut);

	if (!verdict_judge(&r->verdict, content, draw(r, 1u << 30))) {
		r->failed = true;
		fprintf(stderr,
			"%s: step %" PRIu64 ", call %" PRIu64 ", cut '%s' of "
			"%" PRIu64 " open sectors\n",
			r->subject->name, r->steps, powercut_calls(r->power),
			cut_mode_name(cut.mode), powercut_open_units(r->power));
		if (r->keep)
			cow_save(content, r->keep);
	}
	cow_free(content);
}

static void moment(void *ctx)
{
	struct run *r = ctx;

	if (draw(r, 1000) >= r->chance)
		return;
	for (unsigned i = 0; i < r->each && !r->failed; i++)
		judge(r, powercut_choose(r->power, draw(r, UINT64_MAX)));
}

/* -- steps ------------------------------------------------------------------- */

static void open_disk(struct run *r)
{
	struct vhd_diag diag = {0};
	struct vhd_file *file = powercut_file(r->power);
	int rc = subject_open(r->subject, file, r->parent, true, &r->disk,
			      &diag);

	if (!rc)
		return;
	vhd_file_close(file);
	r->disk = NULL;
	fail(r, diag.text, rc);
}

static void flush(struct run *r)
{
	int rc = vhd_disk_flush(r->disk, NULL);

	if (rc)
		fail(r, "flush", rc);
	else
		oracle_flushed(r->oracle);
}

static void write_range(struct run *r, uint64_t offset, uint64_t length)
{
	uint32_t version = ++r->oracle->version;
	int rc;

	oracle_content(offset, length, version, r->buf);
	oracle_allow(r->oracle, offset, length, version);
	rc = vhd_disk_write(r->disk, offset, r->buf, (size_t)length, NULL);
	if (rc)
		fail(r, "write", rc);
	oracle_set(r->oracle, offset, length, version);
}

static void zero_range(struct run *r, uint64_t offset, uint64_t length)
{
	int rc;

	oracle_allow(r->oracle, offset, length, ORACLE_ZERO);
	rc = vhd_disk_zero(r->disk, offset, length, NULL);
	if (rc)
		fail(r, "zero", rc);
	oracle_set(r->oracle, offset, length, ORACLE_ZERO);
}

/* zeros or as before: what it is is found by looking */
static void discard_range(struct run *r, uint64_t offset, uint64_t length)
{
	static const uint8_t zeros[512];
	int rc;

	oracle_allow(r->oracle, offset, length, ORACLE_ZERO);
	rc = vhd_disk_discard(r->disk, offset, length, NULL);
	if (!rc)
		rc = vhd_disk_read(r->disk, offset, r->buf, (size_t)length,
				   NULL);
	if (rc)
		fail(r, "discard", rc);
	for (uint64_t at = 0; at < length; at += 512)
		if (memcmp(r->buf + at, zeros, 512) == 0)
			oracle_set(r->oracle, offset + at, 512, ORACLE_ZERO);
}

/* what the disk shows must be what was last written */
static void compare(struct run *r)
{
	uint64_t size = r->subject->size;

	if (r->failed || !verdict_read(&r->verdict, r->disk, r->buf))
		return;
	for (uint64_t at = 0; at < size; at += 512)
		if (memcmp(r->buf + at, r->oracle->bytes + at, 512)) {
			oracle_explain(r->oracle, at, r->buf + at);
			fail(r, "the disk shows something else", 0);
			return;
		}
}

static void shut(struct run *r)
{
	int rc = vhd_disk_shut(r->disk, NULL);

	if (rc)
		fail(r, "shut", rc);
	else
		oracle_flushed(r->oracle);
	vhd_disk_close(r->disk);
	r->disk = NULL;
	if (!r->failed)
		open_disk(r);
}

/* the process dies; the host lives on, and nothing becomes durable by that */
static void kill_process(struct run *r)
{
	uint64_t bad;

	vhd_disk_close(r->disk);
	r->disk = NULL;
	open_disk(r);
	if (r->failed || !verdict_read(&r->verdict, r->disk, r->buf))
		return;
	bad = oracle_check(r->oracle, 0, r->buf, r->subject->size);
	if (bad == UINT64_MAX) {
		oracle_adopt(r->oracle, r->buf, false);
		return;
	}
	oracle_explain(r->oracle, bad, r->buf + bad);
	fail(r, "a killed process leaves a third thing", 0);
}

/* a cut, and life goes on from what it left */
static void crash(struct run *r)
{
	struct cow *content = powercut_content(
		r->power, powercut_choose(r->power, draw(r, UINT64_MAX)));

	vhd_disk_close(r->disk);
	r->disk = NULL;
	powercut_free(r->power);
	r->power = powercut_new(content);
	powercut_hook(r->power, moment, r);
	if (!verdict_judge(&r->verdict, content, draw(r, 1u << 30))) {
		r->failed = true;
		return;
	}
	oracle_adopt(r->oracle, r->verdict.shown, true);
	open_disk(r);
}

/* -- random scenarios -------------------------------------------------------- */

/* a range of whole sectors: small ones, aligned ones, whole blocks */
static void draw_range(struct run *r, uint64_t *offset, uint64_t *length)
{
	uint64_t size = r->subject->size, unit = r->subject->sector;
	uint64_t block = r->subject->block ? r->subject->block : 65536;
	uint64_t hot = draw(r, 3) ? vhd_min(size, 2 * block) : size;

	*offset = draw(r, hot / unit) * unit;
	switch (draw(r, 8)) {
	case 0:
	case 1:
		*length = unit;
		break;
	case 2:
	case 3:
		*length = (1 + draw(r, 8192 / unit)) * unit;
		break;
	case 4:
		*offset = vhd_round_down(*offset, 4096);
		*length = (1 + draw(r, 16)) * 4096;
		break;
	case 5: /* over the end of a block */
		*offset = vhd_round_down(*offset, block) + block - 2 * unit;
		*length = (1 + draw(r, 8)) * unit;
		break;
	case 6:
		*offset = vhd_round_down(*offset, block);
		*length = block;
		break;
	default:
		*length = (1 + draw(r, block / unit)) * unit;
	}
	*offset = vhd_min(*offset, size - unit);
	*length = vhd_min(*length, size - *offset);
}

static void step(struct run *r)
{
	uint64_t offset, length, what = draw(r, 100);

	r->steps++;
	if (r->oracle->full)
		flush(r);
	draw_range(r, &offset, &length);
	if (what < 50)
		write_range(r, offset, length);
	else if (what < 57)
		zero_range(r, offset, length);
	else if (what < 67)
		discard_range(r, offset, length);
	else if (what < 88)
		flush(r);
	else if (what < 91)
		shut(r);
	else if (what < 94)
		kill_process(r);
	else if (what < 97)
		crash(r);
	else
		compare(r);
}

/* -- fixed scenarios --------------------------------------------------------- */

/*
 * A letter and, for some, a block: w small write at its start, e at its end,
 * W all of it, z zero, d discard, p discard of a part; f flush, s shut and
 * open, k kill and open.
 */
static const char *const scripts[] = {
	"w0 f",
	"w0 w1 f w0 e1 f",
	"W0 f z0 f w1 f w0 f",
	"w0 f d0 w1 f e0 w2 f",
	"W0 W1 f d0 d1 f W1 f W0 f s w2 f",
	"w0 f s e0 f s w1 k w0 f d0 f k w0 f",
	"w0 f d0 w0 f d0 f e0 f",
	"w0 w1 w2 f d1 f w3 f k w1 f s",
	"W0 f p0 e0 f w0 d0 e0 f s",
};

static void script_step(struct run *r, char what, uint64_t index)
{
	uint64_t block = r->subject->block ? r->subject->block : 65536;
	uint64_t count = (r->subject->size + block - 1) / block;
	uint64_t start = index % count * block, unit = r->subject->sector;
	uint64_t length = vhd_min(block, r->subject->size - start);

	r->steps++;
	if (r->oracle->full)
		flush(r);
	switch (what) {
	case 'w':
		write_range(r, start, 4 * unit);
		break;
	case 'e':
		write_range(r, start + length - 3 * unit, 3 * unit);
		break;
	case 'W':
		write_range(r, start, length);
		break;
	case 'z':
		zero_range(r, start, length);
		break;
	case 'd':
		discard_range(r, start, length);
		break;
	case 'p':
		discard_range(r, start + unit, 2 * unit);
		break;
	case 'f':
		flush(r);
		break;
	case 's':
		shut(r);
		break;
	case 'k':
		kill_process(r);
		break;
	}
}

/* -- runs -------------------------------------------------------------------- */

static void begin(struct run *r)
{
	r->parent = subject_parent(r->subject);
	r->power = powercut_new(subject_make(r->subject));
	r->oracle = subject_oracle(r->subject);
	r->buf = malloc((size_t)r->subject->size);
	if (!r->buf)
		abort();
	verdict_init(&r->verdict, r->subject, r->parent, r->oracle);
	powercut_hook(r->power, moment, r);
	open_disk(r);
}

static uint64_t end(struct run *r)
{
	if (!r->failed)
		compare(r);
	if (!r->failed)
		shut(r);
	if (!r->failed)
		compare(r);
	r->failed |= r->verdict.failed;
	vhd_disk_close(r->disk);
	powercut_free(r->power);
	oracle_free(r->oracle);
	cow_free(r->parent);
	free(r->buf);
	verdict_drop(&r->verdict);
	return r->verdict.cuts;
}

static bool run_script(const struct subject *s, const char *script,
		       uint64_t *cuts)
{
	struct run r = {.subject = s, .chance = 1000, .each = 3, .seed = 1};

	begin(&r);
	for (const char *p = script; *p && !r.failed; p++)
		if (*p != ' ' && (*p < '0' || *p > '9'))
			script_step(&r, *p, p[1] ? (uint64_t)(p[1] - '0') : 0);
	*cuts += end(&r);
	if (r.failed)
		fprintf(stderr, "%s: fixed scenario '%s' fails\n", s->name,
			script);
	return !r.failed;
}

static bool run_random(const struct subject *s, uint64_t seed,
		       const char *keep, uint64_t *cuts)
{
	struct run r = {.subject = s, .seed = seed, .each = 1, .keep = keep};
	uint64_t steps = 10 + draw(&r, draw(&r, 4) ? 60 : 400);

	r.chance = steps > 70 ? 40 : 250;
	begin(&r);
	while (r.steps < steps && !r.failed)
		step(&r);
	*cuts += end(&r);
	if (r.failed)
		fprintf(stderr,
			"again: powercut --format %s --seed %" PRIu64
			" --scenarios 1\n",
			s->name, seed);
	return !r.failed;
}

struct options {
	uint64_t cuts;
	uint64_t seed;
	uint64_t scenarios;
	const char *keep;
	const struct subject *only[16];
	size_t count;
};

static bool run_subject(const struct subject *s, const struct options *o)
{
	uint64_t cuts = 0, seed = o->seed;
	bool ok = true;

	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts) && ok; i++)
		if (!o->scenarios && cuts < o->cuts)
			ok = run_script(s, scripts[i], &cuts);
	for (; ok && (o->scenarios ? seed < o->seed + o->scenarios
				   : cuts < o->cuts);
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
			 o->count < 16)
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

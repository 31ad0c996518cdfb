/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each image of damage.c is checked, repaired and checked again, with and
 * without salvage; what the reports say is in the table there. Beyond that:
 *
 *   what could be read before reads the same afterwards;
 *   after salvage all of it can be read;
 *   a second repair does nothing, and so does a refused one;
 *   a dry run says the same, and leaves the same to be found;
 *   the undo file gives back every byte;
 *   a repair that is cut short at any of its calls, by a kill or a power cut,
 *   is completed by the next one, and undone by its undo file.
 *
 *	faults [--codes | [--every N] NAME...]
 *
 * --every N: cut at one of N calls; the sanitizers have no time for all.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "damage.h"
#include "file/scratch.h"
#include "file/undo.h"
#include "image/repair.h"
#include "support/fault.h"
#include "support/powercut.h"

#define UNIT 512u /* what can be read is looked at in these */
#define CUTS 5    /* of one call */

static const struct damage *now; /* for messages */
static bool salvaging;
static bool failed;
static uint64_t every; /* fault_every() */

static void complain(const char *what, const char *have, const char *want)
{
	failed = true;
	fprintf(stderr, "%s%s: %s: '%s', wanted '%s'\n", now->name,
		salvaging ? " (salvage)" : "", what, have, want);
}

static void expect(bool ok, const char *what)
{
	if (!ok)
		complain(what, "no", "yes");
}

/* -- codes -------------------------------------------------------------------
 */

struct codes {
	char text[512];
	uint64_t lost; /* bytes of the disk */
	size_t count;
};

static bool has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *p = text; (p = strstr(p, word)); p += n)
		if ((p == text || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return true;
	return false;
}

static void note(void *ctx, const struct vhd_fault *fault)
{
	struct codes *c = ctx;

	c->count++;
	c->lost += fault->length;
	if (has_word(c->text, fault->code))
		return;
	if (c->text[0])
		strcat(c->text, " ");
	strcat(c->text, fault->code);
}

static void expect_codes(const char *what, const char *have, const char *want)
{
	if (strcmp(have, want ? want : "") != 0)
		complain(what, have, want ? want : "");
}

static int check_file(struct vhd_file *file, struct codes *out)
{
	*out = (struct codes){0};
	return vhd_image_check(file, now->format, note, out, NULL);
}

static int check_content(struct cow *content, struct codes *out)
{
	struct vhd_file *file = cow_file(content, false);
	int rc = check_file(file, out);

	vhd_file_close(file);
	return rc;
}

static int repair_file(struct vhd_file *file, bool dry_run, struct codes *out)
{
	const struct vhd_image_repair options = {
		.format = now->format,
		.salvage = salvaging,
		.dry_run = dry_run,
		.virtual_size = now->size,
	};

	*out = (struct codes){0};
	return vhd_image_repair(file, &options, note, out, NULL);
}

static int repair_content(struct cow *content, struct codes *out)
{
	struct vhd_file *file = cow_file(content, true);
	int rc = repair_file(file, false, out);

	vhd_file_close(file);
	return rc;
}

/* -- content -----------------------------------------------------------------
 */

/* what a disk shows: kind of each unit, and its bytes if it is data */
struct shown {
	uint64_t units;
	uint8_t *kinds; /* 0: cannot be read */
	uint8_t *bytes;
};

static void show_unit(struct vhd_image *image, uint64_t unit, struct shown *s)
{
	uint8_t *bytes = s->bytes + unit * UNIT;
	struct vhd_extent x;

	memset(bytes, 0, UNIT);
	if (vhd_image_extent(image, unit * UNIT, UNIT, &x, NULL))
		return;
	s->kinds[unit] = (uint8_t)x.kind;
	if (x.kind == VHD_EXTENT_DATA &&
	    vhd_file_read(vhd_image_file(image), x.offset, bytes, UNIT))
		s->kinds[unit] = 0;
	/* zeros are zeros, stored or not */
	if (x.kind == VHD_EXTENT_ZERO)
		s->kinds[unit] = VHD_EXTENT_DATA;
}

static struct shown show(struct cow *content)
{
	const struct vhd_image_options options = {
		.size = sizeof(options),
		.format = now->format,
	};
	struct vhd_file *file = cow_file(content, false);
	struct vhd_image *image;
	struct shown s = {0};

	if (vhd_image_open(file, &options, &image, NULL)) {
		vhd_file_close(file);
		return s;
	}
	s.units = vhd_image_size(image) / UNIT;
	s.kinds = calloc(1, s.units + 1);
	s.bytes = malloc(s.units * UNIT + 1);
	if (!s.kinds || !s.bytes)
		abort();
	for (uint64_t i = 0; i < s.units; i++)
		show_unit(image, i, &s);
	vhd_image_close(image);
	return s;
}

static void drop(struct shown *s)
{
	free(s->kinds);
	free(s->bytes);
}

/* all that `a` shows, `b` shows too */
static bool keeps(const struct shown *a, const struct shown *b)
{
	if (a->units && a->units != b->units)
		return false;
	for (uint64_t i = 0; i < a->units; i++)
		if (a->kinds[i] &&
		    (a->kinds[i] != b->kinds[i] ||
		     memcmp(a->bytes + i * UNIT, b->bytes + i * UNIT, UNIT)))
			return false;
	return true;
}

static uint64_t unreadable(const struct shown *s)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < s->units; i++)
		n += !s->kinds[i];
	return n;
}

/* -- an undo file in memory --------------------------------------------------
 */

struct undo {
	uint8_t *bytes;
	size_t len;
	size_t durable;
};

static int undo_append(void *ctx, const void *buf, size_t len)
{
	struct undo *u = ctx;

	u->bytes = realloc(u->bytes, u->len + len);
	if (!u->bytes)
		abort();
	memcpy(u->bytes + u->len, buf, len);
	u->len += len;
	return 0;
}

static int undo_sync(void *ctx)
{
	struct undo *u = ctx;

	u->durable = u->len;
	return 0;
}

/* `content` becomes what it was, from the first `len` bytes */
static void expect_restored(const struct undo *u, size_t len,
			    struct cow *content, struct cow *original)
{
	struct vhd_file *file = cow_file(content, true), *undo;
	int rc = 0;

	if (vhd_file_open_memory(u->bytes, len, 0, &undo))
		abort();
	if (len)
		rc = vhd_undo_restore(undo, file, NULL);
	vhd_file_close(undo);
	vhd_file_close(file);
	expect(!rc, "the undo file can be used");
	expect(cow_same(content, original), "the undo file gives all back");
}

/* -- one repair --------------------------------------------------------------
 */

static void expect_dry_run(struct cow *original, const struct codes *mended,
			   const struct codes *left)
{
	struct cow *copy = cow_copy(original);
	struct vhd_file *scratch;
	struct codes codes;
	int rc;

	if (vhd_file_open_scratch(cow_file(copy, false), &scratch))
		abort();
	rc = repair_file(scratch, true, &codes);
	expect(!rc, "a dry run works");
	expect_codes("a dry run mends", codes.text, mended->text);
	check_file(scratch, &codes);
	expect_codes("a dry run leaves", codes.text, left->text);
	vhd_file_close(scratch);
	expect(cow_same(copy, original), "a dry run changes nothing");
	cow_free(copy);
}

static void expect_undo(struct cow *original, const struct codes *mended)
{
	struct cow *copy = cow_copy(original);
	struct undo undo = {0};
	const struct vhd_undo_sink sink = {undo_append, undo_sync, &undo};
	struct vhd_file *inner = cow_file(copy, true), *file;
	struct codes codes;

	if (vhd_file_open_undo(inner, &sink, &file))
		abort();
	expect(!repair_file(file, false, &codes), "works with an undo file");
	expect_codes("with an undo file it mends", codes.text, mended->text);
	vhd_file_close(file);
	vhd_file_close(inner);
	expect(!undo.len == !codes.count, "an undo file if there is a change");
	expect_restored(&undo, undo.durable, copy, original);
	free(undo.bytes);
	cow_free(copy);
}

static void expect_refused(struct cow *original, int error)
{
	struct cow *copy = cow_copy(original);
	struct codes codes;

	expect(repair_content(copy, &codes) == error, "is refused as said");
	expect(cow_same(copy, original), "a refusal changes nothing");
	cow_free(copy);
}

/* -- cuts --------------------------------------------------------------------
 */

struct cutting {
	struct cow *original;
	struct shown last; /* what the disk shows after a whole repair */
	const char *left;
};

/* what is there after the cut is repaired as if there had been none */
static void expect_completed(struct cutting *c, struct cow *content)
{
	struct codes codes;
	struct shown s;

	expect(!repair_content(content, &codes), "a second run works");
	check_content(content, &codes);
	expect_codes("a second run leaves", codes.text, c->left);
	s = show(content);
	expect(now->loose || (keeps(&c->last, &s) && keeps(&s, &c->last)),
	       "a second run shows the same");
	drop(&s);
}

static void try_cut(struct cutting *c, const struct powercut *p, struct cut cut,
		    const struct undo *undo)
{
	struct cow *content = powercut_content(p, cut);
	struct cow *copy = cow_copy(content);
	size_t torn = undo->len - undo->durable;

	expect_completed(c, content);
	cow_free(content);
	expect_restored(undo,
			undo->durable + cut_hash(cut.seed, 9) % (torn + 1),
			copy, c->original);
	cow_free(copy);
}

/* cut at the n-th call; false if there are not so many */
static bool cut_at(struct cutting *c, uint64_t n)
{
	static const enum cut_mode modes[CUTS] = {
		CUT_ALL, CUT_NONE, CUT_SECTORS, CUT_SECTORS, CUT_OPS,
	};
	struct powercut *p = powercut_new(cow_copy(c->original));
	struct undo undo = {0};
	const struct vhd_undo_sink sink = {undo_append, undo_sync, &undo};
	struct vhd_file *inner = powercut_file(p), *file;
	struct codes codes;
	bool cut;

	if (vhd_file_open_undo(inner, &sink, &file))
		abort();
	powercut_arm(p, n);
	repair_file(file, false, &codes);
	vhd_file_close(file);
	vhd_file_close(inner);
	cut = powercut_calls(p) >= n;
	for (unsigned i = 0; i < CUTS && cut && !failed; i++)
		try_cut(c, p, (struct cut){modes[i], 100 * n + i}, &undo);
	if (failed)
		fprintf(stderr, "cut at call %" PRIu64 "\n", n);
	free(undo.bytes);
	powercut_free(p);
	return cut;
}

static uint64_t expect_any_cut(struct cow *original, struct cow *repaired,
			       const char *left)
{
	struct cutting c = {original, show(repaired), left};
	uint64_t n = 1, tried = 0;

	for (; !failed && cut_at(&c, n); n += every)
		tried++;
	drop(&c.last);
	return tried;
}

/* -- one image ---------------------------------------------------------------
 */

static void expect_content(struct cow *before, struct cow *after,
			   const struct codes *mended, bool clean)
{
	struct shown a = show(before), b = show(after);

	expect(keeps(&a, &b), "what could be read reads the same");
	expect(!clean || !unreadable(&b), "all can be read");
	expect(!unreadable(&a) == !unreadable(&b) || mended->count,
	       "nothing comes back by itself");
	expect(!clean || !a.units || mended->lost <= a.units * UNIT,
	       "no more is lost than there is");
	drop(&a);
	drop(&b);
}

static void run_repair(struct cow *original, const char *mends,
		       const char *left)
{
	struct cow *content = cow_copy(original);
	struct codes mended, codes;
	uint64_t calls;

	expect(!repair_content(content, &mended), "can be repaired");
	expect_codes("mends", mended.text, mends);
	check_content(content, &codes);
	expect_codes("leaves", codes.text, left);
	expect_content(original, content, &mended, !strstr(codes.text, "bat-"));
	expect_dry_run(original, &mended, &codes);
	expect_undo(original, &mended);
	calls = expect_any_cut(original, content, codes.text);
	printf("%-22s %-8s %3" PRIu64 " calls cut\n", now->name,
	       salvaging ? "salvage" : "", calls);
	expect(!repair_content(content, &codes), "can be repaired again");
	expect_codes("a second repair mends", codes.text, "");
	cow_free(content);
}

static void run_level(struct cow *original)
{
	int refused = now->refused;

	if (!salvaging && now->lossless_refused)
		refused = now->lossless_refused;
	if (refused)
		expect_refused(original, refused);
	else if (salvaging && now->at_last)
		run_repair(original, now->salvages, now->at_last);
	else
		run_repair(original, now->mends, now->after);
}

static bool run_damage(const struct damage *d)
{
	struct sparse *file = d->make();
	struct cow *original = cow_of_sparse(file);
	struct codes codes;
	int rc;

	now = d;
	failed = false;
	salvaging = false;
	rc = check_content(original, &codes);
	expect(!rc == !!d->first, "is an image");
	expect_codes("the first check finds", codes.text, d->first);
	run_level(original);
	salvaging = true;
	run_level(original);
	fflush(stdout);
	cow_free(original);
	sparse_free(file);
	return !failed;
}

static void print_codes(void)
{
	for (size_t i = 0; i < damage_count; i++)
		if (damages[i].first && damages[i].first[0])
			puts(damages[i].first);
}

static bool is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	int bad = 0;

	if (argc == 2 && strcmp(argv[1], "--codes") == 0) {
		print_codes();
		return 0;
	}
	every = fault_every(&argc, &argv);
	if (!every)
		return 2;
	for (size_t i = 0; i < damage_count; i++)
		if (is_wanted(damages[i].name, argc, argv))
			bad |= !run_damage(&damages[i]);
	return bad;
}

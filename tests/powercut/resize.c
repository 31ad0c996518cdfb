/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives disks other sizes, writes before and after, and cuts the power at each
 * call that a resize makes.
 *
 * What a cut leaves must open with the old or the new size and with all the
 * content of that size, zeros in what is new; the loader's reader must agree;
 * and resizing again must complete it. Recovery is cut in turn.
 *
 * resize [--cuts N] [--seed S] [--scenarios N] [--format NAME]... [--keep F]
 *
 * As powercut: fixed scenarios, then random ones until N cuts were judged.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "support/oracle.h"
#include "support/powercut.h"
#include "support/subject.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)
/* content below is compared byte by byte; nothing is written behind it */
#define CLOSE (14 * MIB)

struct world {
	const struct subject *subject;
	struct cow *parent;
	struct powercut *power;
	struct vhd_disk *disk;
	uint8_t *bytes; /* the disk's first CLOSE bytes; zeros behind its end */
	uint8_t *scratch; /* the same room */
	uint64_t size;
	uint64_t target; /* of the resize under way */
	uint32_t version;
	uint64_t seed;
	uint64_t lots;
	uint64_t cuts;
	uint64_t chance; /* of a cut at one moment, in 1/1000 */
	unsigned each;
	const char *keep;
	bool failed;
};

static bool complain(struct world *w, const char *what, int rc)
{
	w->failed = true;
	fprintf(stderr, "%s, %" PRIu64 " to %" PRIu64 " bytes: %s%s%s\n",
		w->subject->name, w->size, w->target, what, rc ? ": " : "",
		rc ? vhd_strerror(rc) : "");
	return false;
}

static uint64_t draw(struct world *w, uint64_t n)
{
	return cut_hash(w->seed, w->lots++) % n;
}

static bool open_disk(struct world *w, struct vhd_file *file, bool writable,
		      struct vhd_disk **out)
{
	struct vhd_diag diag = {0};
	int rc =
		subject_open(w->subject, file, w->parent, writable, out, &diag);

	if (!rc)
		return true;
	vhd_file_close(file);
	fprintf(stderr, "%s: ", diag.text);
	return complain(
		w, writable ? "does not open for writing" : "does not open",
		rc);
}

/* -- content -----------------------------------------------------------------
 */

static bool is_zero(const uint8_t *bytes, uint64_t length)
{
	return !length ||
	       (!bytes[0] && !memcmp(bytes, bytes + 1, (size_t)length - 1));
}

/* the disk of `size` bytes that the model holds, cut or grown */
static bool same(struct world *w, const uint8_t *shown, uint64_t size)
{
	uint64_t known = vhd_min(vhd_min(size, w->size), CLOSE);
	uint64_t all = vhd_min(size, CLOSE);

	for (uint64_t at = 0; at < known; at += 512)
		if (memcmp(shown + at, w->bytes + at, 512)) {
			fprintf(stderr, "sector %" PRIu64 ": ", at / 512);
			return complain(w, "content was lost", 0);
		}
	if (!is_zero(shown + known, all - known))
		return complain(w, "the new part is not zeros", 0);
	return true;
}

/* what is too far away to be read byte by byte shows nothing but zeros */
static bool rest_is_zero(struct world *w, struct vhd_disk *disk)
{
	uint64_t size = vhd_disk_size(disk);

	for (uint64_t at = CLOSE; at < size;) {
		struct vhd_extent e;
		uint64_t length = vhd_min(size - at, 64 * GIB);
		int rc = vhd_disk_extent(disk, at, length, &e, NULL);

		if (!rc && e.kind == VHD_EXTENT_DATA) {
			e.length = vhd_min(e.length, CLOSE);
			rc = vhd_disk_read(disk, at, w->scratch,
					   (size_t)e.length, NULL);
			if (!rc && !is_zero(w->scratch, e.length))
				return complain(w, "data far behind", 0);
		}
		if (rc)
			return complain(w, "cannot be read far behind", rc);
		at += e.length;
	}
	return true;
}

static bool shows(struct world *w, struct vhd_disk *disk)
{
	uint64_t size = vhd_disk_size(disk);
	int rc = vhd_disk_read(disk, 0, w->scratch,
			       (size_t)vhd_min(size, CLOSE), NULL);

	if (rc)
		return complain(w, "cannot be read", rc);
	return same(w, w->scratch, size) && rest_is_zero(w, disk);
}

static bool loader_shows(struct world *w, struct cow *content, uint64_t size)
{
	struct cow *files[] = {content, w->parent};
	struct vhd_boot *boot[2] = {NULL, NULL};
	struct vhd_source sources[2];
	void *memory[4] = {NULL};
	int rc = 0;

	for (int i = 0; i < 2 && files[i] && !rc; i++) {
		memory[i] =
			aligned_alloc(16, (vhd_boot_size() + 15) & ~(size_t)15);
		memory[2 + i] = aligned_alloc(16, VHD_BOOT_WINDOW);
		sources[i] = cow_source(files[i]);
		rc = vhd_boot_open(memory[i], &sources[i], w->subject->format,
				   memory[2 + i], VHD_BOOT_WINDOW, &boot[i],
				   NULL);
	}
	if (!rc && boot[1])
		rc = vhd_boot_set_parent(boot[0], boot[1], NULL);
	if (!rc && vhd_boot_disk_size(boot[0]) != size)
		rc = VHD_E_RANGE;
	if (!rc)
		rc = vhd_boot_read(boot[0], 0, w->scratch,
				   (size_t)vhd_min(size, CLOSE));
	for (int i = 0; i < 4; i++)
		free(memory[i]);
	return rc ? complain(w, "the loader cannot read it", rc)
		  : same(w, w->scratch, size);
}

/* -- structures --------------------------------------------------------------
 */

struct checking {
	struct world *w;
	bool complete; /* no trace of a cut may be left */
};

/* gaps between blocks may be; compact moves blocks, resize does not */
static void note_fault(void *ctx, const struct vhd_fault *fault)
{
	struct checking *c = ctx;

	if (fault->severity < VHD_SEVERITY_ERROR ||
	    (!c->complete && (!strcmp(fault->code, "footer-lost") ||
			      !strcmp(fault->code, "footers-differ"))))
		return;
	complain(c->w, fault->message, 0);
}

/* nothing but the footer behind the last object, which may be a whole block of
 * which the disk shows a part */
static bool ends_in_time(struct world *w, struct cow *content,
			 struct vhd_disk *disk)
{
	struct vhd_image_usage usage = {0};
	uint64_t end = w->target;

	if (w->subject->block) {
		if (vhd_image_usage(vhd_disk_image(disk, 0), 0, &usage, NULL))
			return complain(w, "cannot be counted", 0);
		end = usage.end + w->subject->block;
	}
	return cow_size(content) <= end + 512 ||
	       complain(w, "the file is longer than it must be", 0);
}

static bool check(struct world *w, struct cow *content, bool complete)
{
	struct checking c = {w, complete};
	struct vhd_file *file = cow_file(content, false);
	int rc =
		vhd_image_check(file, w->subject->format, note_fault, &c, NULL);

	vhd_file_close(file);
	return rc ? complain(w, "cannot be checked", rc) : !w->failed;
}

/* a child still knows where its parent is */
static bool names_parent(struct world *w, struct vhd_disk *disk)
{
	struct vhd_parent_hint hint;

	for (unsigned i = 0; w->parent && i < 8; i++)
		if (!vhd_image_parent_hint(vhd_disk_image(disk, 0), i, &hint) &&
		    strstr(hint.path, "parent.vhd"))
			return true;
	return w->parent ? complain(w, "the parent's name is lost", 0) : true;
}

/* -- cuts --------------------------------------------------------------------
 */

/* what a cut left: old or new, and whole */
static bool is_whole(struct world *w, struct cow *content)
{
	struct vhd_disk *disk;
	uint64_t size;
	bool good;

	if (!open_disk(w, cow_file(content, false), false, &disk))
		return false;
	size = vhd_disk_size(disk);
	good = size == w->size || size == w->target ||
	       complain(w, "has a third size", 0);
	good = good && shows(w, disk) && names_parent(w, disk);
	vhd_disk_close(disk);
	return good && check(w, content, false) &&
	       loader_shows(w, content, size);
}

struct recovery {
	struct world *w;
	struct powercut *power;
	uint64_t seed;
	uint64_t moment;
};

static void cut_again(void *ctx)
{
	struct recovery *r = ctx;
	uint64_t lot = cut_hash(r->seed, r->moment++);
	struct cow *content;

	if (r->w->failed || lot % 8)
		return;
	r->w->cuts++;
	content =
		powercut_content(r->power, powercut_choose(r->power, lot >> 8));
	is_whole(r->w, content);
	cow_free(content);
}

/* the same command again, and a write into what is new */
static bool complete(struct world *w, struct powercut *power)
{
	uint8_t sector[4096], shown[4096];
	uint64_t at;
	struct vhd_disk *disk;
	struct vhd_diag diag = {0};
	bool good;
	int rc;

	if (!open_disk(w, powercut_file(power), true, &disk))
		return false;
	rc = vhd_disk_resize(disk, w->target, &diag);
	powercut_hook(power, NULL, NULL);
	good = rc ? complain(w, diag.text, rc) : shows(w, disk);
	at = vhd_round_down(w->target - 1, w->subject->sector);
	memset(sector, 0x5A, sizeof(sector));
	if (good)
		rc = vhd_disk_write(disk, at, sector, w->subject->sector, NULL);
	if (good && !rc)
		rc = vhd_disk_read(disk, at, shown, w->subject->sector, NULL);
	if (good && !rc && memcmp(sector, shown, w->subject->sector))
		good = complain(w, "a write after recovery does not show", 0);
	/* back to what the model says */
	if (good && !rc && at < CLOSE && at < w->size)
		memcpy(sector, w->bytes + at, w->subject->sector);
	else
		memset(sector, 0, sizeof(sector));
	if (good && !rc)
		rc = vhd_disk_write(disk, at, sector, w->subject->sector, NULL);
	if (good && !rc)
		rc = vhd_disk_shut(disk, NULL);
	vhd_disk_close(disk);
	return rc ? complain(w, "cannot be completed", rc) : good;
}

static bool recovers(struct world *w, const struct cow *content, uint64_t seed)
{
	struct powercut *power = powercut_new(cow_copy(content));
	struct recovery r = {w, power, seed, 0};
	struct vhd_disk *disk;
	struct cow *after;
	bool good;

	if (seed % 8 == 0)
		powercut_hook(power, cut_again, &r);
	good = complete(w, power) && !w->failed;
	powercut_hook(power, NULL, NULL);
	after = powercut_content(power, (struct cut){CUT_ALL, 0});
	good = good && check(w, after, true) &&
	       open_disk(w, cow_file(after, false), false, &disk);
	if (good) {
		good = vhd_disk_size(disk) == w->target ||
		       complain(w, "has the wrong size when complete", 0);
		good = good && shows(w, disk) && ends_in_time(w, after, disk);
		vhd_disk_close(disk);
	}
	cow_free(after);
	powercut_free(power);
	return good;
}

static void judge(struct world *w, struct cut cut)
{
	struct cow *content = powercut_content(w->power, cut);

	w->cuts++;
	if (!is_whole(w, content) || !recovers(w, content, draw(w, 1u << 30))) {
		w->failed = true;
		fprintf(stderr,
			"%s: call %" PRIu64 ", cut '%s' of %" PRIu64
			" open sectors\n",
			w->subject->name, powercut_calls(w->power),
			cut_mode_name(cut.mode), powercut_open_units(w->power));
		if (w->keep)
			cow_save(content, w->keep);
	}
	cow_free(content);
}

static void moment(void *ctx)
{
	struct world *w = ctx;

	if (w->failed || draw(w, 1000) >= w->chance)
		return;
	for (unsigned i = 0; i < w->each && !w->failed; i++)
		judge(w, powercut_choose(w->power, draw(w, UINT64_MAX)));
}

/* -- what is done to the disk ------------------------------------------------
 */

static void write_at(struct world *w, uint64_t at, uint64_t length)
{
	uint64_t end = vhd_min(w->size, CLOSE);
	int rc;

	if (at >= end)
		return;
	length = vhd_min(length, end - at);
	oracle_content(at, length, ++w->version, w->bytes + at);
	rc = vhd_disk_write(w->disk, at, w->bytes + at, (size_t)length, NULL);
	if (rc)
		complain(w, "cannot be written", rc);
}

/* a few pieces here and there, one at the end */
static void scribble(struct world *w)
{
	uint64_t unit = w->subject->sector, end = vhd_min(w->size, CLOSE);
	int rc;

	for (unsigned i = 0; i < 4 && !w->failed; i++)
		write_at(w, draw(w, end / unit) * unit,
			 (1 + draw(w, i == 2 ? MIB / unit : 16)) * unit);
	if (!w->failed)
		write_at(w, end - unit, unit);
	rc = w->failed ? 0 : vhd_disk_flush(w->disk, NULL);
	if (rc)
		complain(w, "flush", rc);
}

static void resize(struct world *w, uint64_t size, bool cuts)
{
	struct vhd_diag diag = {0};
	int rc;

	w->target = size;
	powercut_hook(w->power, cuts ? moment : NULL, w);
	rc = vhd_disk_resize(w->disk, size, &diag);
	powercut_hook(w->power, NULL, NULL);
	if (rc)
		complain(w, diag.text, rc);
	if (size < CLOSE)
		memset(w->bytes + size, 0, (size_t)(CLOSE - size));
	w->size = size;
	if (!w->failed)
		shows(w, w->disk);
}

static void reopen(struct world *w, bool cuts)
{
	int rc;

	w->target = w->size;
	powercut_hook(w->power, cuts ? moment : NULL, w);
	rc = vhd_disk_shut(w->disk, NULL);
	powercut_hook(w->power, NULL, NULL);
	if (rc)
		complain(w, "shut", rc);
	vhd_disk_close(w->disk);
	w->disk = NULL;
	if (w->failed || !open_disk(w, powercut_file(w->power), true, &w->disk))
		return;
	shows(w, w->disk);
}

/* -- scenarios ---------------------------------------------------------------
 */

static void begin(struct world *w, const struct subject *s, uint64_t seed)
{
	struct oracle *o = subject_oracle(s);

	w->subject = s;
	w->seed = seed;
	w->parent = subject_parent(s);
	w->power = powercut_new(subject_make(s));
	w->bytes = calloc(1, CLOSE);
	w->scratch = calloc(1, CLOSE);
	if (!w->bytes || !w->scratch)
		abort();
	memcpy(w->bytes, o->bytes, (size_t)vhd_min(s->size, CLOSE));
	oracle_free(o);
	w->version = ORACLE_PARENT;
	w->size = s->size;
	w->target = s->size;
	open_disk(w, powercut_file(w->power), true, &w->disk);
}

static void end(struct world *w)
{
	if (!w->failed)
		reopen(w, true);
	vhd_disk_close(w->disk);
	powercut_free(w->power);
	cow_free(w->parent);
	free(w->bytes);
	free(w->scratch);
}

/* the largest that is worth the time, and longer than the first table */
static uint64_t far_away(const struct subject *s)
{
	if (s->format == VHD_FORMAT_VHDX && s->type == VHD_TYPE_FIXED)
		return 40 * MIB;
	if (s->format == VHD_FORMAT_VHDX)
		return s->block * (uint64_t)140000 + s->sector;
	if (s->type == VHD_TYPE_FIXED)
		return 30 * MIB;
	return s->block * (uint64_t)1300 + 512;
}

/* a step of a fixed scenario: one of these, or a size to be given */
#define END    0u
#define WRITE  1u
#define REOPEN 2u
#define FAR    3u

static const uint64_t steps[][12] = {
	/* a little, in the last block and out of it, and back */
	{WRITE, 5 * MIB + 512 * 24, WRITE, 5 * MIB + 512 * 32, REOPEN, WRITE,
	 9 * MIB, WRITE, 3 * MIB, WRITE, END},
	/* below what a parent holds, and over it again */
	{WRITE, MIB + 65536, 12 * MIB, WRITE, REOPEN, 700 * 4096, REOPEN,
	 2 * MIB, WRITE, END},
	/* a longer table, and a short one again */
	{WRITE, FAR, WRITE, REOPEN, WRITE, 6 * MIB, WRITE, FAR, WRITE, END},
	{FAR, WRITE, 4096, WRITE, 13 * MIB, WRITE, END},
};

static bool run_fixed(const struct subject *s, size_t n, uint64_t *cuts)
{
	struct world w = {.chance = 1000, .each = 3};

	begin(&w, s, 1);
	for (const uint64_t *t = steps[n]; *t != END && !w.failed; t++) {
		if (*t == WRITE)
			scribble(&w);
		else if (*t == REOPEN)
			reopen(&w, true);
		else
			resize(&w, *t == FAR ? far_away(s) : *t, true);
	}
	end(&w);
	*cuts += w.cuts;
	if (w.failed)
		fprintf(stderr, "%s: fixed scenario %zu fails\n", s->name, n);
	return !w.failed;
}

static uint64_t draw_size(struct world *w)
{
	uint64_t unit = w->subject->sector;
	uint64_t block = w->subject->block ? w->subject->block : 65536;

	switch (draw(w, 12)) {
	case 0:
		return far_away(w->subject) - draw(w, 100) * unit;
	case 1:
		return unit * (1 + draw(w, 3));
	case 2:
	case 3: /* whole blocks */
		return vhd_max(block, draw(w, CLOSE / block) * block);
	case 4:
	case 5: /* near where it is */
		return w->size + (1 + draw(w, 64)) * unit;
	case 6:
		return vhd_max(unit,
			       w->size - vhd_min(w->size, draw(w, 64) * unit));
	default:
		return (1 + draw(w, CLOSE / unit)) * unit;
	}
}

static bool run_random(const struct subject *s, uint64_t seed, const char *keep,
		       uint64_t *cuts)
{
	struct world w = {.chance = 150, .each = 1, .keep = keep};
	uint64_t count;

	begin(&w, s, seed);
	count = 4 + draw(&w, 12);
	for (uint64_t i = 0; i < count && !w.failed; i++) {
		if (draw(&w, 3))
			scribble(&w);
		if (!w.failed)
			resize(&w, draw_size(&w), true);
		if (!w.failed && !draw(&w, 4))
			reopen(&w, true);
	}
	end(&w);
	*cuts += w.cuts;
	if (w.failed)
		fprintf(stderr,
			"again: resize --format %s --seed %" PRIu64
			" --scenarios 1\n",
			s->name, seed);
	return !w.failed;
}

/* -- runs --------------------------------------------------------------------
 */

struct options {
	uint64_t cuts;
	uint64_t seed;
	uint64_t scenarios;
	const char *keep;
	const struct subject *only[32];
	size_t count;
};

static bool run_subject(const struct subject *s, const struct options *o)
{
	uint64_t cuts = 0, seed = o->seed;
	bool good = true;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && good; i++)
		if (!o->scenarios)
			good = run_fixed(s, i, &cuts);
	for (; good &&
	       (o->scenarios ? seed < o->seed + o->scenarios : cuts < o->cuts);
	     seed++)
		good = run_random(s, seed, o->keep, &cuts);
	printf("%-22s %8" PRIu64 " cuts, %6" PRIu64 " random scenarios: %s\n",
	       s->name, cuts, seed - o->seed, good ? "good" : "BAD");
	fflush(stdout);
	return good;
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

/* `cuts` is for each image */
int main(int argc, char **argv)
{
	struct options o = {.cuts = 500, .seed = 1};
	int bad = 0;

	if (!parse(argc, argv, &o)) {
		fprintf(stderr, "usage: resize [--cuts N] [--seed S] "
				"[--scenarios N] [--format NAME]... "
				"[--keep FILE]\n");
		return 2;
	}
	for (size_t i = 0; !o.count && i < subject_count; i++)
		if (subjects[i].size < CLOSE)
			o.only[i] = &subjects[i];
	o.count = o.count ? o.count : subject_count;
	for (size_t i = 0; i < o.count; i++)
		if (o.only[i])
			bad |= !run_subject(o.only[i], &o);
	return bad;
}

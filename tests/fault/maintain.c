/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Merge, rebase, re-link, compact and resize, each again and again on fresh
 * copies of the same files, with the n-th read, write, punch, flush, resize or
 * allocation of the whole action failing, alone or with all later ones. Then:
 *
 *   no crash, and nothing is leaked (for a build with sanitizers)
 *   a write, flush or resize that failed was reported; not so a read for which
 *   a second copy may serve, an allocation that can be done without, a punch,
 *   which only gives back space
 *   what is said to be done is done, to the last byte
 *   else the child shows what it showed, in the files as they are and in what a
 *   power cut leaves of them at that moment; every file passes the check; and
 *   with a host that is well the same action ends as it should
 *
 * Most reads and allocations, and writes of the larger scenes, are much alike.
 * So of each kind only about `most` are tried, spread evenly; where all later
 * ones fail too, others than where one fails alone.
 *
 * maintain [--all | --most N] [--seed S] [--scene NAME]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/family.h"
#include "support/fault.h"

#define MEMORY FAULT_KINDS /* one more kind */
#define KINDS  (FAULT_KINDS + 1)

static const char *const kind_names[KINDS] = {"read",  "write",  "punch",
					      "flush", "resize", "allocation"};

static const struct way {
	int kind;
	int error;
} ways[] = {
	{FAULT_READ, VHD_E_IO},       {FAULT_WRITE, VHD_E_IO},
	{FAULT_WRITE, VHD_E_NOSPACE}, {FAULT_PUNCH, VHD_E_IO},
	{FAULT_PUNCH, VHD_E_NOSPACE}, {FAULT_PUNCH, VHD_E_UNSUPPORTED},
	{FAULT_FLUSH, VHD_E_IO},      {FAULT_FLUSH, VHD_E_NOSPACE},
	{FAULT_RESIZE, VHD_E_IO},     {FAULT_RESIZE, VHD_E_NOSPACE},
	{MEMORY, VHD_E_NOMEM},
};

struct test {
	struct family family;
	struct cow *files[FAMILY_FILES]; /* before the action */
	struct fault fault;
	const struct way *way;
	uint64_t n;
	bool armed;
	uint8_t before[4096]; /* a sector that was written after a failure */
	uint64_t written;     /* bytes of it; 0: none */
	uint64_t tried;
	uint64_t most;
};

static void where(void *ctx)
{
	const struct test *t = ctx;

	fprintf(stderr, "%s: ", t->family.scene->name);
	if (t->n)
		fprintf(stderr, "%s %" PRIu64 "%s fails (%s): ",
			kind_names[t->way->kind], t->n,
			t->fault.for_ever ? " and all later ones" : "",
			vhd_strerror(t->way->error));
}

static struct vhd_file *wrap(void *ctx, struct vhd_file *file)
{
	struct test *t = ctx;

	return fault_file(&t->fault, file);
}

/* -- one run -----------------------------------------------------------------
 */

/* the host is well again */
static void heal(struct test *t)
{
	if (t->way->kind == MEMORY && t->armed) {
		t->fault.calls = fault_memory_calls();
		t->fault.failed = fault_memory_failed();
	}
	t->armed = false;
	t->fault.n = 0;
	fault_memory(0, false);
}

/* wherever a resize stopped: what can be written and flushed is there to stay,
 * at the end of the disk if that can be looked at */
static void write_on(struct test *t, struct vhd_disk *disk)
{
	struct family *f = &t->family;
	uint64_t unit = vhd_disk_sector_size(disk), size = vhd_disk_size(disk);
	uint64_t at = (size > FAMILY_SEEN ? f->size : size) - unit;
	uint8_t bytes[sizeof(t->before)];

	memset(bytes, FAMILY_MARK, sizeof(bytes));
	f->unsure = at;
	if (vhd_disk_write(disk, at, bytes, (size_t)unit, NULL) ||
	    vhd_disk_flush(disk, NULL))
		return;
	memcpy(t->before, f->want + at, (size_t)unit);
	memcpy(f->want + at, bytes, (size_t)unit);
	t->written = unit;
	f->held = at + unit;
}

/* the guest has not noticed */
static void read_on(struct test *t, struct vhd_disk *disk)
{
	struct family *f = &t->family;
	struct vhd_diag diag = {0};
	int rc = vhd_disk_read(disk, 0, f->shown, (size_t)f->size, &diag);

	if (rc)
		family_complain(f, "cannot be read any more", rc, &diag);
	else if (memcmp(f->shown, f->want, (size_t)f->size))
		family_complain(f, "shows something else", 0, NULL);
}

/* after a failure a program gives up, closes in order, or goes on */
static void salvage(void *ctx, struct vhd_disk *disk)
{
	struct test *t = ctx;

	heal(t);
	if (t->family.scene->action == FAMILY_MIDDLE)
		read_on(t, disk);
	if (t->tried % 3 == 0)
		return;
	if (t->tried % 3 == 1 && t->family.scene->action == FAMILY_RESIZE)
		write_on(t, disk);
	vhd_disk_shut(disk, NULL);
}

static void start_over(struct test *t)
{
	struct family *f = &t->family;

	if (t->written)
		memcpy(f->want + f->unsure, t->before, (size_t)t->written);
	t->written = 0;
	f->unsure = UINT64_MAX;
	f->held = 0;
	for (unsigned i = 0; i < f->scene->count; i++)
		powercut_reset(f->files.power[i], cow_copy(t->files[i]));
}

/* the action, with call n failing; 0: none does, but they are counted */
static int run(struct test *t, bool for_ever, struct vhd_diag *diag)
{
	bool memory = t->way->kind == MEMORY;
	int rc;

	t->fault = (struct fault){
		.kind = (enum fault_kind)t->way->kind,
		.n = memory ? 0 : t->n,
		.for_ever = for_ever,
		.error = t->way->error,
		.pause = fault_memory_pause,
	};
	start_over(t);
	t->armed = true;
	fault_memory(memory ? t->n : 0, for_ever);
	rc = family_run(&t->family.files, diag);
	heal(t);
	return rc;
}

static bool must_be_told(const struct test *t)
{
	return t->way->kind == FAULT_WRITE || t->way->kind == FAULT_FLUSH ||
	       t->way->kind == FAULT_RESIZE;
}

/*
 * Where there was no space to grow ahead there may be enough to grow; and
 * compacting makes space by a flush when the host is full, and tries again.
 */
static bool may_recover(const struct test *t, bool for_ever)
{
	return t->way->error == VHD_E_NOSPACE &&
	       (!for_ever || t->family.scene->action == FAMILY_COMPACT);
}

/* space of which nobody could take note is given up, until the next time */
static bool is_done(struct test *t)
{
	struct family *f = &t->family;
	uint64_t packed = f->packed;
	bool good;

	if (t->way->kind == MEMORY)
		f->packed = 0;
	good = family_is_complete(f, &f->files);
	f->packed = packed;
	return good;
}

/* false when n is behind the last call */
static bool attempt(struct test *t, bool for_ever)
{
	struct family *f = &t->family;
	struct vhd_diag diag = {0};
	int rc = run(t, for_ever, &diag);

	if (!t->fault.failed && rc)
		family_complain(f, "nothing failed, but", rc, &diag);
	if (!t->fault.failed)
		return false;
	t->tried++;
	if (!rc && must_be_told(t) && !may_recover(t, for_ever))
		return family_complain(f, "nobody says so", 0, NULL);
	if (!rc && !is_done(t))
		return false;
	if (!family_cut(f, true))
		return false;
	return t->n % 2 || family_cut(f, false);
}

/* -- all of them -------------------------------------------------------------
 */

static uint64_t count_calls(struct test *t)
{
	struct vhd_diag diag = {0};
	int rc;

	t->n = 0;
	rc = run(t, false, &diag);
	if (rc)
		family_complain(&t->family, "nothing failed, but", rc, &diag);
	return t->fault.calls;
}

static void try_way(struct test *t, bool for_ever)
{
	uint64_t step = 1 + count_calls(t) / t->most;

	t->n = for_ever ? 1 + step / 2 : 1;
	while (!t->family.failed && attempt(t, for_ever))
		t->n += step;
}

/* what a compacted file measures is known from one that nothing disturbed */
static void begin(struct test *t)
{
	struct family *f = &t->family;
	struct cut whole = {CUT_ALL, 0};
	struct cow *after;

	family_make(f);
	for (unsigned i = 0; i < f->scene->count; i++)
		t->files[i] = powercut_content(f->files.power[i], whole);
	f->files.wrap = wrap;
	f->files.salvage = salvage;
	f->files.ctx = t;
	f->files.pause = fault_memory_pause;
	t->way = &ways[0];
	count_calls(t);
	family_is_complete(f, &f->files);
	if (f->scene->action != FAMILY_COMPACT)
		return;
	after = powercut_content(f->files.power[f->scene->count - 1], whole);
	f->packed = cow_size(after);
	if (f->packed >= cow_size(t->files[f->scene->count - 1]))
		family_complain(f, "there is nothing to compact", 0, NULL);
	cow_free(after);
}

static bool run_scene(const struct family_scene *s, uint64_t seed,
		      uint64_t most)
{
	struct test t = {
		.family = {.scene = s, .seed = seed, .where = where, .ctx = &t},
		.most = most,
	};

	begin(&t);
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		for (int for_ever = 0; for_ever < 2; for_ever++) {
			t.way = &ways[i];
			if (!t.family.failed)
				try_way(&t, for_ever);
		}
	printf("%-20s %6" PRIu64 " failures: %s\n", s->name, t.tried,
	       t.family.failed ? "BAD" : "good");
	fflush(stdout);
	for (unsigned i = 0; i < s->count; i++)
		cow_free(t.files[i]);
	family_drop(&t.family);
	return !t.family.failed;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, most = 32;
	const char *only = NULL;
	bool good = true;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--all"))
			most = UINT64_MAX;
		else if (!strcmp(argv[i], "--most") && i + 1 < argc)
			most = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--seed") && i + 1 < argc)
			seed = strtoull(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--scene") && i + 1 < argc)
			only = argv[++i];
	}
	for (size_t i = 0; i < family_scene_count; i++)
		if (!only || !strcmp(only, family_scenes[i].name))
			good = run_scene(&family_scenes[i], seed, most) && good;
	return !good;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts the power while chains are merged and children get other parents. All
 * files of a chain are cut at the same moment, each by its own lot: before
 * every write, punch, resize and flush of any of them. What is left must open
 * and show what the child showed, pass the check, and end as it should when
 * the operation runs again.
 *
 * lineage [--seed S] [--rounds N] [--scene NAME]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/family.h"

struct test {
	struct family family;
	uint64_t moments;
	uint64_t cuts;
};

static void where(void *ctx)
{
	const struct test *t = ctx;

	fprintf(stderr, "%s: seed %" PRIu64 ", moment %" PRIu64 ": ",
		t->family.scene->name, t->family.seed, t->moments);
}

static void cut_once(struct test *t, bool killed)
{
	if (t->family.failed)
		return;
	t->cuts++;
	family_cut(&t->family, killed);
}

static void moment(void *ctx)
{
	struct test *t = ctx;

	t->moments++;
	cut_once(t, t->moments % 4 == 0);
	cut_once(t, false);
}

static bool run_scene(const struct family_scene *s, uint64_t seed)
{
	struct test t = {
		.family = {.scene = s, .seed = seed, .where = where, .ctx = &t},
	};
	struct family *f = &t.family;
	struct vhd_diag diag = {0};
	int rc;

	family_make(f);
	for (unsigned i = 0; i < s->count; i++)
		powercut_hook(f->files.power[i], moment, &t);
	rc = family_run(&f->files, &diag);
	for (unsigned i = 0; i < s->count; i++)
		powercut_hook(f->files.power[i], NULL, NULL);
	if (rc)
		family_complain(f, "failed without a cut", rc, &diag);
	if (!f->failed)
		family_is_complete(f, &f->files);
	printf("%-14s seed %" PRIu64 ": %4" PRIu64 " moments, %5" PRIu64
	       " cuts: %s\n",
	       s->name, seed, t.moments, t.cuts, f->failed ? "BAD" : "good");
	fflush(stdout);
	family_drop(f);
	return !f->failed;
}

/* compacting and resizing have programs of their own, with more cuts */
static bool is_ours(const struct family_scene *s, const char *only)
{
	if (only)
		return !strcmp(only, s->name);
	return s->action != FAMILY_COMPACT && s->action != FAMILY_RESIZE;
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, rounds = 2;
	const char *only = NULL;
	bool good = true;

	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seed"))
			seed = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--rounds"))
			rounds = strtoull(argv[i + 1], NULL, 0);
		else if (!strcmp(argv[i], "--scene"))
			only = argv[i + 1];
	}
	for (uint64_t r = 0; r < rounds; r++)
		for (size_t i = 0; i < family_scene_count; i++)
			if (is_ours(&family_scenes[i], only))
				good = run_scene(&family_scenes[i], seed + r) &&
				       good;
	return !good;
}

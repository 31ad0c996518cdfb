/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cuts the power while chains are merged and children get other parents. All
 * files of a chain are cut at the same moment, each by its own lot: before
 * every write, punch, resize and flush of any of them. What is left must open
 * and show what the child showed, pass the check, and end as it should when
 * the operation runs again.
 *
 * lineage [--seed S] [--rounds N]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "image/lineage.h"
#include "ops/create.h"
#include "ops/merge.h"
#include "ops/rebase.h"
#include "support/powercut.h"

#define MIB   ((uint64_t)1 << 20)
#define FILES 4

enum action { MERGE, REBASE, RELINK };

/* file 0 is the base; each other one was made as a child of an earlier one */
struct scene {
	const char *name;
	enum action action;
	int format;
	int base_type;
	unsigned count;
	unsigned into; /* merge: the layer */
	uint64_t base_size;
	uint64_t leaf_size;
	uint32_t block[FILES];
	uint32_t sector;
};

#define VHD  VHD_FORMAT_VHD
#define VHDX VHD_FORMAT_VHDX
#define DYN  VHD_TYPE_DYNAMIC
#define FIX  VHD_TYPE_FIXED

static const struct scene scenes[] = {
	{"vhdx-one", MERGE, VHDX, DYN, 2, 1, 4 * MIB, 4 * MIB, {MIB, MIB}, 512},
	{"vhdx-chain",
	 MERGE,
	 VHDX,
	 DYN,
	 4,
	 3,
	 5 * MIB,
	 5 * MIB,
	 {2 * MIB, MIB, MIB, 4 * MIB},
	 512},
	{"vhdx-middle",
	 MERGE,
	 VHDX,
	 DYN,
	 4,
	 2,
	 4 * MIB,
	 4 * MIB,
	 {MIB, MIB, MIB, MIB},
	 4096},
	{"vhdx-fixed",
	 MERGE,
	 VHDX,
	 FIX,
	 3,
	 2,
	 3 * MIB,
	 3 * MIB,
	 {MIB, MIB, MIB},
	 512},
	{"vhdx-larger",
	 MERGE,
	 VHDX,
	 DYN,
	 3,
	 2,
	 2 * MIB,
	 5 * MIB - 4096,
	 {MIB, MIB, MIB},
	 512},
	{"vhdx-smaller",
	 MERGE,
	 VHDX,
	 DYN,
	 3,
	 2,
	 5 * MIB,
	 3 * MIB,
	 {MIB, MIB, MIB},
	 512},
	{"vhd-one",
	 MERGE,
	 VHD,
	 DYN,
	 2,
	 1,
	 4 * MIB,
	 4 * MIB,
	 {MIB / 2, MIB / 2},
	 512},
	{"vhd-chain",
	 MERGE,
	 VHD,
	 DYN,
	 4,
	 3,
	 5 * MIB,
	 5 * MIB,
	 {2 * MIB, MIB / 2, MIB / 2, 2 * MIB},
	 512},
	{"vhd-fixed",
	 MERGE,
	 VHD,
	 FIX,
	 3,
	 2,
	 3 * MIB,
	 3 * MIB,
	 {0, MIB / 2, MIB / 2},
	 512},
	{"vhd-larger",
	 MERGE,
	 VHD,
	 DYN,
	 3,
	 2,
	 2 * MIB,
	 5 * MIB,
	 {MIB / 2, MIB / 2, MIB / 2},
	 512},
	{"vhdx-rebase",
	 REBASE,
	 VHDX,
	 DYN,
	 3,
	 0,
	 4 * MIB,
	 4 * MIB,
	 {MIB, MIB, MIB},
	 512},
	{"vhd-rebase",
	 REBASE,
	 VHD,
	 DYN,
	 3,
	 0,
	 4 * MIB,
	 4 * MIB,
	 {MIB / 2, MIB / 2, MIB / 2},
	 512},
	{"vhdx-relink",
	 RELINK,
	 VHDX,
	 DYN,
	 2,
	 0,
	 2 * MIB,
	 2 * MIB,
	 {MIB, MIB},
	 512},
	{"vhd-relink",
	 RELINK,
	 VHD,
	 DYN,
	 2,
	 0,
	 2 * MIB,
	 2 * MIB,
	 {MIB / 2, MIB / 2},
	 512},
};

/* The files, as they are written or as a cut left them. */
struct world {
	const struct scene *scene;
	struct powercut *power[FILES]; /* or NULL: */
	struct cow *cut[FILES];
	bool writable;
};

struct test {
	const struct scene *scene;
	struct world w;
	uint8_t *want;
	uint64_t size; /* of the leaf */
	uint8_t *shown;
	uint64_t seed;
	uint64_t lots;
	uint64_t moments;
	uint64_t cuts;
	bool complete; /* what is checked now is left by no cut */
	bool failed;
};

static uint64_t draw(struct test *t, uint64_t n)
{
	return cut_hash(t->seed, t->lots++) % n;
}

static bool complain(struct test *t, const char *what, int rc,
		     const struct vhd_diag *diag)
{
	t->failed = true;
	fprintf(stderr, "%s: seed %" PRIu64 ", moment %" PRIu64 ": %s",
		t->scene->name, t->seed, t->moments, what);
	if (rc)
		fprintf(stderr, ": %s", vhd_strerror(rc));
	if (diag && diag->text[0])
		fprintf(stderr, ": %s: %s (offset %" PRId64 ")", diag->path,
			diag->text, (int64_t)diag->offset);
	fputc('\n', stderr);
	return false;
}

/* -- opening -----------------------------------------------------------------
 */

static struct vhd_file *file_of(const struct world *w, unsigned i)
{
	return w->power[i] ? powercut_file(w->power[i])
			   : cow_file(w->cut[i], w->writable);
}

/* file i has the identity that the child expects */
static bool is_parent(const struct world *w, struct vhd_image *child,
		      unsigned i)
{
	const struct vhd_image_options o = {.size = sizeof(o),
					    .format = w->scene->format};
	struct vhd_file *file = file_of(w, i);
	struct vhd_image *image;
	bool ok;

	if (vhd_image_open(file, &o, &image, NULL)) {
		vhd_file_close(file);
		return false;
	}
	ok = !vhd_image_check_parent(child, image, NULL);
	vhd_image_close(image);
	return ok;
}

/* which file was opened as a leaf tells how deep the others are */
struct finding {
	const struct world *w;
	unsigned leaf;
};

static int find_parent(void *ctx, struct vhd_image *child, unsigned depth,
		       struct vhd_file **file, char *name, size_t size)
{
	const struct finding *f = ctx;
	unsigned parent = f->leaf - depth - 1;

	if (f->w->scene->action == REBASE) /* 0 is the old one, 1 the new */
		parent = is_parent(f->w, child, 0) ? 0 : 1;
	snprintf(name, size, "file %u", parent);
	*file = file_of(f->w, parent);
	return 0;
}

static int open_file(const struct world *w, unsigned i, uint32_t flags,
		     struct vhd_disk **out, struct vhd_diag *diag)
{
	struct finding f = {w, i};
	const struct vhd_disk_options o = {
		.size = sizeof(o),
		.format = w->scene->format,
		.flags = flags,
		.find_parent = find_parent,
		.find_parent_ctx = &f,
	};
	struct vhd_file *file = file_of(w, i);
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "file %u", i);
	rc = vhd_disk_open_file(file, name, &o, out, diag);
	if (rc)
		vhd_file_close(file);
	return rc;
}

/* -- making the chain --------------------------------------------------------
 */

static void must(int rc, const char *what)
{
	if (!rc)
		return;
	fprintf(stderr, "lineage: %s: %s\n", what, vhd_strerror(rc));
	exit(1);
}

static uint64_t size_of(const struct scene *s, unsigned i)
{
	return i + 1 == s->count ? vhd_max(s->leaf_size, s->base_size)
				 : s->base_size;
}

static void make_file(struct test *t, unsigned i)
{
	const struct scene *s = t->scene;
	bool alone = i == 0 || (s->action == REBASE && i == 1);
	struct vhd_create_options o = {
		.size = sizeof(o),
		.format = s->format,
		.type = alone ? s->base_type : VHD_TYPE_DIFFERENCING,
		.virtual_size = size_of(s, i),
		.block_size = s->block[i],
		.logical_sector_size = alone ? s->sector : 0,
		.parent_name = "parent",
	};
	unsigned parent = s->action == REBASE ? 0 : i - 1;
	struct vhd_file *file;
	struct vhd_make make;

	t->w.power[i] = powercut_new(cow_new());
	if (!alone)
		must(open_file(&t->w, parent, 0, &o.parent, NULL), "parent");
	must(vhd_create_decide(&o, &make, NULL), "decide");
	file = powercut_file(t->w.power[i]);
	must(vhd_create_in(file, &make, NULL), "create");
	must(vhd_file_flush(file), "flush");
	vhd_file_close(file);
	vhd_disk_close(o.parent);
}

static void fill_random(struct test *t, uint8_t *buf, size_t len)
{
	uint64_t seed = draw(t, UINT64_MAX);

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = cut_hash(seed, i);

		memcpy(buf + i, &word, 8);
	}
}

static void change(struct test *t, struct vhd_disk *disk)
{
	uint64_t unit = vhd_disk_sector_size(disk), size = vhd_disk_size(disk);
	uint64_t length = (1 + draw(t, draw(t, 3) ? 40 : 1500)) * unit, offset;

	length = vhd_min(length, size);
	offset = draw(t, (size - length) / unit + 1) * unit;
	switch (draw(t, 5)) {
	case 0:
		must(vhd_disk_zero(disk, offset, length, NULL), "zero");
		break;
	case 1:
		must(vhd_disk_discard(disk, offset, length, NULL), "discard");
		break;
	default:
		fill_random(t, t->shown, (size_t)length);
		must(vhd_disk_write(disk, offset, t->shown, (size_t)length,
				    NULL),
		     "write");
	}
}

static void write_file(struct test *t, unsigned i)
{
	const struct scene *s = t->scene;
	struct vhd_disk *disk;

	must(open_file(&t->w, i, VHD_DISK_WRITE, &disk, NULL), "open");
	for (unsigned n = 0; n < 5; n++)
		change(t, disk);
	if (i + 1 == s->count && s->leaf_size < s->base_size)
		must(vhd_disk_resize(disk, s->leaf_size, NULL), "resize");
	must(vhd_disk_shut(disk, NULL), "shut");
	vhd_disk_close(disk);
}

static void make_world(struct test *t)
{
	struct vhd_disk *disk;

	t->w.scene = t->scene;
	for (unsigned i = 0; i < t->scene->count; i++) {
		make_file(t, i);
		write_file(t, i);
	}
	must(open_file(&t->w, t->scene->count - 1, 0, &disk, NULL), "leaf");
	t->size = vhd_disk_size(disk);
	must(vhd_disk_read(disk, 0, t->want, (size_t)t->size, NULL), "read");
	vhd_disk_close(disk);
}

/* -- the operations ----------------------------------------------------------
 */

static int run_merge(const struct test *t, const struct world *w,
		     struct vhd_diag *diag)
{
	const struct vhd_merge_options o = {.size = sizeof(o), .jobs = 1};
	struct vhd_disk *disk;
	int rc = open_file(w, t->scene->count - 1, 0, &disk, diag);

	if (rc)
		return rc;
	rc = vhd_merge_layers(disk, t->scene->into, &o, NULL, diag);
	vhd_disk_close(disk);
	return rc;
}

static int link_to(struct vhd_disk *child, struct vhd_disk *parent,
		   const char *name, struct vhd_diag *diag)
{
	struct vhd_image_info info;
	struct vhd_link link;

	vhd_image_get_link(vhd_disk_image(child, 0), &link);
	if (parent) {
		vhd_image_get_info(vhd_disk_image(parent, 0), &info);
		link.id = info.link_id;
	}
	link.name = name;
	return vhd_image_relink(vhd_disk_image(child, 0), &link, diag);
}

static int run_rebase(const struct test *t, const struct world *w,
		      struct vhd_diag *diag)
{
	const struct vhd_rebase_options o = {.size = sizeof(o), .jobs = 1};
	struct vhd_disk *parent, *child;
	int rc = open_file(w, 1, 0, &parent, diag);

	if (rc)
		return rc;
	rc = open_file(w, t->scene->count - 1,
		       VHD_DISK_WRITE | VHD_DISK_SAME_CONTENT, &child, diag);
	if (!rc) {
		rc = vhd_rebase_copy(child, parent, &o, NULL, diag);
		if (!rc)
			rc = link_to(child, parent, "other", diag);
		if (!rc)
			rc = vhd_disk_shut(child, diag);
		vhd_disk_close(child);
	}
	vhd_disk_close(parent);
	return rc;
}

/* a name that grows and shrinks: it changes its place several times */
static int run_relink(const struct test *t, const struct world *w,
		      struct vhd_diag *diag)
{
	char name[1800];
	struct vhd_disk *child;
	int rc =
		open_file(w, t->scene->count - 1,
			  VHD_DISK_WRITE | VHD_DISK_SAME_CONTENT, &child, diag);

	if (rc)
		return rc;
	for (unsigned i = 0; i < 4 && !rc; i++) {
		size_t n = (size_t[]){10, 1701, 301, 5}[i];

		for (size_t c = 0; c < n; c++)
			name[c] = c % 50 == 49 ? '/' : 'n';
		name[n] = '\0';
		rc = link_to(child, NULL, name, diag);
	}
	if (!rc)
		rc = vhd_disk_shut(child, diag);
	vhd_disk_close(child);
	return rc;
}

static int run_action(const struct test *t, const struct world *w,
		      struct vhd_diag *diag)
{
	switch (t->scene->action) {
	case MERGE:
		return run_merge(t, w, diag);
	case REBASE:
		return run_rebase(t, w, diag);
	default:
		return run_relink(t, w, diag);
	}
}

/* -- the verdict -------------------------------------------------------------
 */

static bool shows(struct test *t, const struct world *w, unsigned i,
		  const char *what)
{
	struct vhd_diag diag = {0};
	struct vhd_disk *disk;
	int rc = open_file(w, i, VHD_DISK_VERIFY, &disk, &diag);
	bool same;

	if (rc)
		return complain(t, what, rc, &diag);
	same = vhd_disk_size(disk) == t->size;
	if (same)
		rc = vhd_disk_read(disk, 0, t->shown, (size_t)t->size, &diag);
	vhd_disk_close(disk);
	if (rc || !same)
		return complain(t, what, rc, &diag);
	for (uint64_t at = 0; at < t->size; at += 512)
		if (memcmp(t->shown + at, t->want + at, 512)) {
			fprintf(stderr,
				"sector %" PRIu64 " differs: ", at / 512);
			return complain(t, what, 0, NULL);
		}
	return true;
}

/* a VHD may have lost its end footer while it grew, or have a footer whose copy
 * is not up to date yet; opening for writing puts both right */
static void note_fault(void *ctx, const struct vhd_fault *fault)
{
	struct test *t = ctx;

	if (fault->severity >= VHD_SEVERITY_ERROR &&
	    (t->complete || (strcmp(fault->code, "footer-lost") &&
			     strcmp(fault->code, "footers-differ"))))
		complain(t, fault->message, 0, NULL);
}

static bool check_all(struct test *t, const struct world *w)
{
	for (unsigned i = 0; i < t->scene->count; i++) {
		struct vhd_file *file = file_of(w, i);

		if (vhd_image_check(file, t->scene->format, note_fault, t,
				    NULL))
			complain(t, "cannot be checked", 0, NULL);
		vhd_file_close(file);
	}
	return !t->failed;
}

/* the operation ran to its end */
static bool is_complete(struct test *t, const struct world *w)
{
	unsigned leaf = t->scene->count - 1;

	t->complete = true;
	if (t->scene->action == MERGE &&
	    !shows(t, w, leaf - t->scene->into, "the merged ancestor"))
		return false;
	return shows(t, w, leaf, "the child, when all is done") &&
	       check_all(t, w);
}

static bool judge(struct test *t, struct world *w)
{
	struct vhd_diag diag = {0};
	unsigned leaf = t->scene->count - 1;
	int rc;

	t->complete = false;
	if (!shows(t, w, leaf, "the child after a cut") || !check_all(t, w))
		return false;
	w->writable = true;
	rc = run_action(t, w, &diag);
	if (rc)
		return complain(t, "cannot go on after a cut", rc, &diag);
	return is_complete(t, w);
}

/* all files are cut now */
static void cut_once(struct test *t, bool killed)
{
	struct world w = {.scene = t->scene};

	t->cuts++;
	for (unsigned i = 0; i < t->scene->count; i++) {
		struct powercut *p = t->w.power[i];
		struct cut cut = {CUT_ALL, 0};

		if (!killed)
			cut = powercut_choose(p, draw(t, UINT64_MAX));
		w.cut[i] = powercut_content(p, cut);
	}
	judge(t, &w);
	for (unsigned i = 0; i < t->scene->count; i++)
		cow_free(w.cut[i]);
}

static void moment(void *ctx)
{
	struct test *t = ctx;

	t->moments++;
	if (!t->failed)
		cut_once(t, t->moments % 4 == 0);
	if (!t->failed)
		cut_once(t, false);
}

static bool run_scene(const struct scene *s, uint64_t seed)
{
	uint64_t most = vhd_max(s->base_size, s->leaf_size);
	struct test t = {
		.scene = s,
		.want = malloc((size_t)most),
		.shown = malloc((size_t)most),
		.seed = seed,
	};
	struct vhd_diag diag = {0};
	int rc;

	if (!t.want || !t.shown)
		abort();
	make_world(&t);
	for (unsigned i = 0; i < s->count; i++)
		powercut_hook(t.w.power[i], moment, &t);
	rc = run_action(&t, &t.w, &diag);
	for (unsigned i = 0; i < s->count; i++)
		powercut_hook(t.w.power[i], NULL, NULL);
	if (rc)
		complain(&t, "failed without a cut", rc, &diag);
	if (!t.failed)
		is_complete(&t, &t.w);
	printf("%-14s seed %" PRIu64 ": %4" PRIu64 " moments, %5" PRIu64
	       " cuts: %s\n",
	       s->name, seed, t.moments, t.cuts, t.failed ? "BAD" : "good");
	fflush(stdout);
	for (unsigned i = 0; i < s->count; i++)
		powercut_free(t.w.power[i]);
	free(t.want);
	free(t.shown);
	return !t.failed;
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
		for (size_t i = 0; i < sizeof(scenes) / sizeof(*scenes); i++)
			if (!only || !strcmp(only, scenes[i].name))
				good = run_scene(&scenes[i], seed + r) && good;
	return !good;
}

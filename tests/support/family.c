/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/family.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "image/lineage.h"
#include "ops/create.h"
#include "ops/merge.h"
#include "ops/rebase.h"

uint64_t family_draw(struct family *f, uint64_t n)
{
	return cut_hash(f->seed, f->lots++) % n;
}

/* -- opening -----------------------------------------------------------------
 */

static void set_pause(const struct family_files *w, bool paused)
{
	if (w->pause)
		w->pause(paused);
}

struct vhd_file *family_file(const struct family_files *w, unsigned i)
{
	return w->power[i] ? powercut_file(w->power[i])
			   : cow_file(w->cut[i], w->writable);
}

static struct vhd_file *wrapped_file(const struct family_files *w, unsigned i)
{
	struct vhd_file *file;

	set_pause(w, true);
	file = family_file(w, i);
	if (w->wrap)
		file = w->wrap(w->ctx, file);
	set_pause(w, false);
	return file;
}

/* file i has the identity that the child expects */
static bool is_parent(const struct family_files *w, struct vhd_image *child,
		      unsigned i)
{
	const struct vhd_image_options o = {.size = sizeof(o),
					    .format = w->scene->format};
	struct vhd_file *file = family_file(w, i);
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
	const struct family_files *w;
	unsigned leaf;
};

static int find_parent(void *ctx, struct vhd_image *child, unsigned depth,
		       struct vhd_file **file, char *name, size_t size)
{
	const struct finding *f = ctx;
	unsigned parent = f->leaf - depth - 1;

	set_pause(f->w, true);
	if (f->w->scene->action == FAMILY_REBASE) /* 0 is the old one, 1 the new
						   */
		parent = is_parent(f->w, child, 0) ? 0 : 1;
	/* one between may have been left out */
	if (f->w->scene->action == FAMILY_MIDDLE)
		while (parent && !is_parent(f->w, child, parent))
			parent--;
	set_pause(f->w, false);
	snprintf(name, size, "file %u", parent);
	*file = wrapped_file(f->w, parent);
	return 0;
}

int family_open(const struct family_files *w, unsigned i, uint32_t flags,
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
	struct vhd_file *file = wrapped_file(w, i);
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
	fprintf(stderr, "making a chain: %s: %s\n", what, vhd_strerror(rc));
	exit(1);
}

static uint64_t size_of(const struct family_scene *s, unsigned i)
{
	return i + 1 == s->count ? vhd_max(s->leaf_size, s->base_size)
				 : s->base_size;
}

static void make_file(struct family *f, unsigned i)
{
	const struct family_scene *s = f->scene;
	bool alone = i == 0 || (s->action == FAMILY_REBASE && i == 1);
	struct vhd_create_options o = {
		.size = sizeof(o),
		.format = s->format,
		.type = alone ? s->base_type : VHD_TYPE_DIFFERENCING,
		.virtual_size = size_of(s, i),
		.block_size = s->block[i],
		.logical_sector_size = alone ? s->sector : 0,
		.parent_name = "parent",
	};
	unsigned parent = s->action == FAMILY_REBASE ? 0 : i - 1;
	struct vhd_file *file;
	struct vhd_make make;

	f->files.power[i] = powercut_new(cow_new());
	if (!alone)
		must(family_open(&f->files, parent, 0, &o.parent, NULL),
		     "parent");
	must(vhd_create_decide(&o, &make, NULL), "decide");
	file = powercut_file(f->files.power[i]);
	must(vhd_create_in(file, &make, NULL), "create");
	must(vhd_file_flush(file), "flush");
	vhd_file_close(file);
	vhd_disk_close(o.parent);
}

static void fill_random(struct family *f, uint8_t *buf, size_t len)
{
	uint64_t seed = family_draw(f, UINT64_MAX);

	for (size_t i = 0; i < len; i += 8) {
		uint64_t word = cut_hash(seed, i);

		memcpy(buf + i, &word, 8);
	}
}

static void write_random(struct family *f, struct vhd_disk *disk,
			 uint64_t offset, uint64_t length)
{
	fill_random(f, f->shown, (size_t)length);
	must(vhd_disk_write(disk, offset, f->shown, (size_t)length, NULL),
	     "write");
}

static void change(struct family *f, struct vhd_disk *disk)
{
	uint64_t unit = vhd_disk_sector_size(disk), size = vhd_disk_size(disk);
	uint64_t length = (1 + family_draw(f, family_draw(f, 3) ? 40 : 1500)) *
			  unit,
		 offset;

	length = vhd_min(length, size);
	offset = family_draw(f, (size - length) / unit + 1) * unit;
	switch (family_draw(f, 5)) {
	case 0:
		must(vhd_disk_zero(disk, offset, length, NULL), "zero");
		break;
	case 1:
		must(vhd_disk_discard(disk, offset, length, NULL), "discard");
		break;
	default:
		write_random(f, disk, offset, length);
	}
}

/* a block of each kind that compacting tells apart */
static void write_block(struct family *f, struct vhd_disk *disk, uint64_t block,
			uint64_t n)
{
	uint64_t at = block * n;

	n = vhd_min(n, vhd_disk_size(disk) - at);
	switch (block % 6) {
	case 1: /* stored zeros */
		memset(f->shown, 0, (size_t)n);
		must(vhd_disk_write(disk, at, f->shown, (size_t)n, NULL), "");
		break;
	case 2: /* what the parent shows */
		must(vhd_disk_read(disk, at, f->shown, (size_t)n, NULL), "");
		must(vhd_disk_write(disk, at, f->shown, (size_t)n, NULL), "");
		break;
	case 3: /* zeros inside */
		write_random(f, disk, at, n / 4);
		write_random(f, disk, at + 3 * n / 4, n / 4);
		break;
	case 4: /* in a child's bitmap bit by bit */
		write_random(f, disk, at, n / 2);
		write_random(f, disk, at + n / 2, n / 2);
		break;
	default:
		write_random(f, disk, at, n);
	}
}

/* the last block lies behind space that others gave up */
static void write_blocks(struct family *f, struct vhd_disk *disk, unsigned i)
{
	uint64_t n = f->scene->block[i], last = (vhd_disk_size(disk) - 1) / n;

	for (uint64_t b = 0; b <= last; b++)
		if (i + 1 == f->scene->count)
			write_block(f, disk, b, n);
		else if (b % 2 == 0)
			write_random(f, disk, b * n, n / 2);
	if (i + 1 == f->scene->count)
		must(vhd_disk_discard(disk, 0, n, NULL), "discard");
}

static void write_file(struct family *f, unsigned i)
{
	const struct family_scene *s = f->scene;
	struct vhd_disk *disk;

	must(family_open(&f->files, i, VHD_DISK_WRITE, &disk, NULL), "open");
	if (s->action == FAMILY_COMPACT)
		write_blocks(f, disk, i);
	else
		for (unsigned n = 0; n < 5; n++)
			change(f, disk);
	if (i + 1 == s->count && s->leaf_size < s->base_size)
		must(vhd_disk_resize(disk, s->leaf_size, NULL), "resize");
	must(vhd_disk_shut(disk, NULL), "shut");
	vhd_disk_close(disk);
}

void family_make(struct family *f)
{
	struct vhd_disk *disk;

	f->want = calloc(1, (size_t)FAMILY_SEEN);
	f->shown = malloc((size_t)FAMILY_SEEN);
	if (!f->want || !f->shown)
		abort();
	f->unsure = UINT64_MAX;
	f->files.scene = f->scene;
	for (unsigned i = 0; i < f->scene->count; i++) {
		make_file(f, i);
		write_file(f, i);
	}
	must(family_open(&f->files, f->scene->count - 1, 0, &disk, NULL),
	     "leaf");
	f->size = vhd_disk_size(disk);
	must(vhd_disk_read(disk, 0, f->want, (size_t)f->size, NULL), "read");
	vhd_disk_close(disk);
}

void family_drop(struct family *f)
{
	for (unsigned i = 0; i < f->scene->count; i++)
		powercut_free(f->files.power[i]);
	free(f->want);
	free(f->shown);
}

/* -- the actions -------------------------------------------------------------
 */

static unsigned leaf_of(const struct family_files *w)
{
	return w->scene->count - 1;
}

static int run_merge(const struct family_files *w, struct vhd_diag *diag)
{
	const struct vhd_merge_options o = {.size = sizeof(o), .jobs = 1};
	struct vhd_disk *disk;
	int rc = family_open(w, leaf_of(w), 0, &disk, diag);

	if (rc)
		return rc;
	rc = vhd_merge_layers(disk, (unsigned)w->scene->arg, &o, NULL, diag);
	vhd_disk_close(disk);
	return rc;
}

/* closes in order, unless the action failed and nobody cares */
static int end(const struct family_files *w, struct vhd_disk *disk, int rc,
	       struct vhd_diag *diag)
{
	if (!rc)
		rc = vhd_disk_shut(disk, diag);
	if (rc && w->salvage)
		w->salvage(w->ctx, disk);
	vhd_disk_close(disk);
	return rc;
}

/* the guest has just written what was there */
static int write_same(struct vhd_disk *disk, struct vhd_diag *diag)
{
	uint8_t bytes[16384];
	int rc = vhd_disk_read(disk, 0, bytes, sizeof(bytes), diag);

	return rc ? rc : vhd_disk_write(disk, 0, bytes, sizeof(bytes), diag);
}

static int run_middle(const struct family_files *w, struct vhd_diag *diag)
{
	const struct vhd_merge_options o = {.size = sizeof(o), .jobs = 1};
	unsigned top = (unsigned)w->scene->arg;
	struct vhd_disk *disk;
	int rc = family_open(w, leaf_of(w), VHD_DISK_WRITE, &disk, diag);

	if (rc)
		return rc;
	rc = write_same(disk, diag);
	/* fewer layers: it was done already */
	if (!rc && vhd_disk_layers(disk) == w->scene->count)
		rc = vhd_merge_between(disk, top, top + 1, &o, NULL, diag);
	if (!rc)
		rc = write_same(disk, diag);
	return end(w, disk, rc, diag);
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

static int run_rebase(const struct family_files *w, struct vhd_diag *diag)
{
	const struct vhd_rebase_options o = {.size = sizeof(o), .jobs = 1};
	struct vhd_disk *parent, *child;
	int rc = family_open(w, 1, 0, &parent, diag);

	if (rc)
		return rc;
	rc = family_open(w, leaf_of(w), VHD_DISK_WRITE | VHD_DISK_SAME_CONTENT,
			 &child, diag);
	if (!rc) {
		rc = vhd_rebase_copy(child, parent, &o, NULL, diag);
		if (!rc)
			rc = link_to(child, parent, "other", diag);
		rc = end(w, child, rc, diag);
	}
	vhd_disk_close(parent);
	return rc;
}

/* a name that grows and shrinks: it changes its place several times */
static int run_relink(const struct family_files *w, struct vhd_diag *diag)
{
	char name[1800];
	struct vhd_disk *child;
	int rc = family_open(w, leaf_of(w),
			     VHD_DISK_WRITE | VHD_DISK_SAME_CONTENT, &child,
			     diag);

	if (rc)
		return rc;
	for (unsigned i = 0; i < 4 && !rc; i++) {
		size_t n = (size_t[]){10, 1701, 301, 5}[i];

		for (size_t c = 0; c < n; c++)
			name[c] = c % 50 == 49 ? '/' : 'n';
		name[n] = '\0';
		rc = link_to(child, NULL, name, diag);
	}
	return end(w, child, rc, diag);
}

static int run_compact(const struct family_files *w, struct vhd_diag *diag)
{
	const struct vhd_compact_options o = {
		.size = sizeof(o),
		.flags = (uint32_t)w->scene->arg,
		.jobs = 1,
	};
	struct vhd_compact_result result;
	struct vhd_disk *disk;
	int rc = family_open(w, leaf_of(w),
			     VHD_DISK_WRITE | VHD_DISK_SAME_CONTENT, &disk,
			     diag);

	if (rc)
		return rc;
	rc = vhd_compact_disk(disk, &o, &result, NULL, diag);
	vhd_disk_close(disk);
	return rc;
}

static int run_resize(const struct family_files *w, struct vhd_diag *diag)
{
	const struct vhd_resize_options o = {
		.size = sizeof(o),
		.flags = VHD_RESIZE_FORCE,
	};
	struct vhd_disk *disk;
	int rc = family_open(w, leaf_of(w), VHD_DISK_WRITE, &disk, diag);

	if (rc)
		return rc;
	rc = vhd_resize(disk, w->scene->arg, &o, NULL, diag);
	return end(w, disk, rc, diag);
}

int family_run(const struct family_files *w, struct vhd_diag *diag)
{
	static int (*const run[])(const struct family_files *w,
				  struct vhd_diag *diag) = {
		[FAMILY_MERGE] = run_merge,   [FAMILY_REBASE] = run_rebase,
		[FAMILY_RELINK] = run_relink, [FAMILY_COMPACT] = run_compact,
		[FAMILY_RESIZE] = run_resize, [FAMILY_MIDDLE] = run_middle,
	};

	return run[w->scene->action](w, diag);
}

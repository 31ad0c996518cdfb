/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compacting: first the image lets go of what it need not store (sift.c), which
 * a flush makes durable; then blocks move to the front (image/pack.c), and a
 * clean close cuts the file. Each step leaves an image that is whole, so the
 * work may end anywhere, and running it again goes on from there.
 *
 * Nothing is written if there is nothing to gain.
 *
 * All of it works on a disk in use (VHD_COMPACT_LIVE). What reads or changes
 * tables as a whole is done while writes are held off; the rest takes care of
 * itself (sift.c, pack.c). The file is cut without being closed.
 */
#include <string.h>

#include <libvhd/ops.h>

#include "core/checked.h"
#include "core/diag.h"
#include "image/hold.h"
#include "image/pack.h"
#include "image/shed.h"
#include "job.h"
#include "sift.h"

struct compacting {
	struct vhd_disk *disk;
	struct vhd_image *leaf;
	struct vhd_compact_options o;
	struct vhd_compact_result result;
	struct vhd_job *job;
	struct vhd_diag *diag;
	bool live;       /* others use the disk meanwhile */
	uint64_t sifted; /* bytes of progress behind us */
};

static int fail(struct vhd_diag *diag, int rc, const char *text)
{
	return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET, text);
}

/* -- what is refused ---------------------------------------------------------
 */

static int refuse(void *ctx, const char *path)
{
	struct vhd_diag *diag = ctx;

	(void)path; /* the caller may list them */
	fail(diag, VHD_E_CHILDREN,
	     "other images have it as parent, and may show what its file "
	     "systems do not use");
	return vhd_hint(diag, VHD_E_CHILDREN,
			"compact it without free space; zero blocks and "
			"moving never harm a child");
}

/* a child may have let go of a block because it equals what lies here unused */
static int check_children(const struct compacting *c)
{
	const char *path = vhd_disk_path(c->disk, 0);
	int rc;

	if (!c->o.unused_count || !path[0] ||
	    (c->o.flags & VHD_COMPACT_IGNORE_CHILDREN))
		return 0;
	rc = vhd_find_children(path, vhd_image_format(c->leaf), refuse, c->diag,
			       c->diag);
	/* a name that is no path, or no path any more, is beside nothing */
	return rc == VHD_E_CHILDREN || rc == VHD_E_NOMEM || rc == VHD_E_IO ? rc
									   : 0;
}

static int check_unused(const struct compacting *c)
{
	uint64_t sector = vhd_disk_sector_size(c->disk), end = 0;

	for (size_t i = 0; i < c->o.unused_count; i++) {
		const struct vhd_disk_range *r = &c->o.unused[i];

		if (r->start < end || !r->length ||
		    !vhd_inside(r->start, r->length, vhd_disk_size(c->disk)) ||
		    !vhd_is_aligned(r->start | r->length, sector))
			return fail(c->diag, VHD_E_INVALID,
				    "unused ranges must be whole sectors of "
				    "the disk, in rising order");
		end = r->start + r->length;
	}
	return 0;
}

static int check_image(struct compacting *c)
{
	struct vhd_image_info info;

	vhd_image_get_info(c->leaf, &info);
	c->result.file_before = info.file_size;
	c->result.host_before = info.allocated_size;
	c->result.file_after = info.file_size;
	c->result.host_after = info.allocated_size;
	if (info.type == VHD_TYPE_FIXED) {
		fail(c->diag, VHD_E_UNSUPPORTED,
		     "has a fixed size: each of its blocks has its place in "
		     "the file");
		return vhd_hint(c->diag, VHD_E_UNSUPPORTED,
				"'vhdtool convert --type dynamic' makes an "
				"image that can be compacted");
	}
	if (!(c->o.flags & VHD_COMPACT_DRY_RUN) &&
	    !vhd_disk_is_writable(c->disk))
		return fail(c->diag, VHD_E_READONLY,
			    vhd_strerror(VHD_E_READONLY));
	return 0;
}

/* what a file system does not use now, it may use in a moment */
static int check_live(const struct compacting *c)
{
	if (!c->live)
		return 0;
	if (c->o.unused_count || (c->o.flags & VHD_COMPACT_DRY_RUN))
		return fail(c->diag, VHD_E_INVALID,
			    "while the disk is in use, only blocks of zeros "
			    "and those of the parent can be let go");
	if (!vhd_disk_is_active(c->disk))
		return fail(c->diag, VHD_E_BUSY, "the disk was handed over");
	return 0;
}

static int check(struct compacting *c)
{
	int rc = check_image(c);

	if (!rc)
		rc = check_live(c);
	if (!rc)
		rc = check_unused(c);
	return rc ? rc : check_children(c);
}

/* -- doing it ----------------------------------------------------------------
 */

/* between these two the tables in the file are all there is */
static int settle(struct compacting *c)
{
	if (!c->live)
		return 0;
	vhd_image_hold_writes(c->leaf);
	return vhd_disk_flush(c->disk, NULL);
}

static void go_on(struct compacting *c)
{
	if (c->live)
		vhd_image_let_write(c->leaf);
}

static int find_stored(struct compacting *c, struct vhd_blockset *out)
{
	int rc = settle(c);

	if (!rc)
		rc = vhd_image_stored_blocks(c->leaf, out, c->diag);
	go_on(c);
	return rc;
}

static int shed_bitmaps(struct compacting *c)
{
	int rc = settle(c);

	if (!rc)
		rc = vhd_image_shed_bitmaps(c->leaf);
	go_on(c);
	return rc;
}

static int plan(struct compacting *c, struct vhd_packing *out)
{
	bool move = !(c->o.flags & VHD_COMPACT_NO_MOVE);
	int rc = settle(c);

	if (!rc)
		rc = vhd_image_plan(c->leaf, NULL, NULL, move, out);
	go_on(c);
	return rc;
}

static int try_cut(struct compacting *c)
{
	int rc = settle(c);

	if (!rc)
		rc = vhd_image_cut_tail(c->leaf);
	go_on(c);
	return rc;
}

/* whoever has cancelled does not want to wait for others either */
static int cut_live(struct compacting *c)
{
	struct vhd_patience p = {0};
	int rc;

	while ((rc = try_cut(c)) == VHD_E_BUSY && !vhd_job_canceled(c->job))
		vhd_have_patience(&p);
	return rc == VHD_E_BUSY ? VHD_E_CANCELED : rc;
}

static uint64_t count_bytes(const struct compacting *c,
			    const struct vhd_blockset *stored)
{
	struct vhd_image_info info;
	uint64_t sum = 0, i;

	vhd_image_get_info(c->leaf, &info);
	for (i = vhd_blockset_next(stored, 0); i < stored->room;
	     i = vhd_blockset_next(stored, i + 1))
		sum += vhd_min(info.block_size,
			       info.virtual_size - i * info.block_size);
	return sum;
}

static int sift(struct compacting *c, struct vhd_sifting *s)
{
	struct vhd_blockset stored;
	int rc;

	if (!(c->o.flags & (VHD_COMPACT_ZEROES | VHD_COMPACT_PARENT_EQUAL)) &&
	    !c->o.unused_count)
		return 0;
	rc = find_stored(c, &stored);
	if (rc)
		return rc;
	c->sifted = count_bytes(c, &stored);
	/* a guess until it is known how much there is to move */
	vhd_job_start(c->job, c->o.flags & VHD_COMPACT_NO_MOVE ? c->sifted
							       : 2 * c->sifted);
	s->disk = c->disk;
	s->options = &c->o;
	s->stored = &stored;
	s->job = c->job;
	s->result = &c->result;
	rc = vhd_sift(s, c->diag);
	s->stored = NULL;
	vhd_blockset_free(&stored);
	return rc;
}

static int count_move(void *ctx, uint64_t bytes)
{
	struct compacting *c = ctx;

	vhd_job_add(c->job, bytes);
	if (vhd_job_canceled(c->job))
		return fail(c->diag, VHD_E_CANCELED, "canceled");
	return 0;
}

static int pack(struct compacting *c)
{
	bool move = !(c->o.flags & VHD_COMPACT_NO_MOVE);
	struct vhd_packing todo, done = {0};
	int rc = plan(c, &todo);

	if (rc)
		return fail(c->diag, rc, vhd_strerror(rc));
	vhd_job_expect(c->job, c->sifted + todo.bytes);
	if (todo.file_size >= c->result.file_before && !todo.blocks)
		return 0; /* the file stays as it is */
	rc = move ? vhd_image_pack(c->leaf, c->live, count_move, c, &done)
		  : vhd_image_cut(c->leaf);
	c->result.moved_blocks = done.blocks;
	c->result.moved_bytes = done.bytes;
	if (rc && rc != VHD_E_CANCELED)
		fail(c->diag, rc, vhd_strerror(rc));
	return rc;
}

static int run(struct compacting *c)
{
	struct vhd_sifting s = {0};
	int rc = sift(c, &s);

	if (!rc)
		rc = shed_bitmaps(c);
	if (!rc)
		rc = vhd_disk_flush(c->disk, c->diag);
	return rc ? rc : pack(c);
}

/* closes in order whatever happened, so that what was done counts */
static int finish(struct compacting *c, int rc)
{
	struct vhd_file *file = vhd_image_file(c->leaf);
	int shut = c->live ? cut_live(c)
			   : vhd_disk_shut(c->disk, rc ? NULL : c->diag);

	vhd_file_size(file, &c->result.file_after);
	vhd_file_allocated(file, &c->result.host_after);
	return rc ? rc : shut;
}

/* -- foreseeing it -----------------------------------------------------------
 */

static int foresee(struct compacting *c, struct vhd_sifting *s)
{
	bool move = !(c->o.flags & VHD_COMPACT_NO_MOVE);
	struct vhd_packing plan;
	int rc = sift(c, s);

	if (!rc)
		rc = vhd_image_plan(c->leaf, s->gone, s->whole, move, &plan);
	if (rc)
		return rc;
	c->result.moved_blocks = plan.blocks;
	c->result.moved_bytes = plan.bytes;
	c->result.file_after = vhd_min(plan.file_size, c->result.file_before);
	c->result.host_after = c->result.host_before -
			       vhd_min(c->result.host_before, s->freed);
	vhd_job_expect(c->job, c->sifted);
	return 0;
}

static int dry_run(struct compacting *c)
{
	struct vhd_blockset gone = {0}, whole = {0};
	struct vhd_sifting s = {.gone = &gone, .whole = &whole};
	struct vhd_image_info info;
	int rc;

	vhd_image_get_info(c->leaf, &info);
	rc = vhd_disk_flush(c->disk,
			    c->diag); /* tables are read from the file */
	if (!rc)
		rc = vhd_blockset_new(info.total_blocks, &gone);
	if (!rc)
		rc = vhd_blockset_new(info.total_blocks, &whole);
	if (!rc)
		rc = foresee(c, &s);
	vhd_blockset_free(&whole);
	vhd_blockset_free(&gone);
	return rc;
}

/* -- entries -----------------------------------------------------------------
 */

int vhd_compact_disk(struct vhd_disk *disk,
		     const struct vhd_compact_options *options,
		     struct vhd_compact_result *out, struct vhd_job *job,
		     struct vhd_diag *diag)
{
	struct compacting c = {
		.disk = disk,
		.leaf = vhd_disk_image(disk, 0),
		.job = job,
		.diag = diag,
	};
	int rc;

	memcpy(&c.o, options, vhd_min(options->size, sizeof(c.o)));
	c.live = c.o.flags & VHD_COMPACT_LIVE;
	rc = check(&c);
	if (rc)
		return rc;
	if (c.o.flags & VHD_COMPACT_DRY_RUN)
		rc = dry_run(&c);
	else
		rc = finish(&c, run(&c));
	if (rc && diag && diag->error != rc)
		fail(diag, rc, vhd_strerror(rc));
	*out = c.result;
	return rc;
}

int vhd_compact(const char *path, const struct vhd_compact_options *options,
		struct vhd_compact_result *out, struct vhd_job *job,
		struct vhd_diag *diag)
{
	struct vhd_compact_options o = {0};
	struct vhd_disk_options open = {.size = sizeof(open)};
	struct vhd_disk *disk;
	int rc;

	memcpy(&o, options, vhd_min(options->size, sizeof(o)));
	o.flags &= ~VHD_COMPACT_LIVE; /* nobody else has this disk */
	open.format = o.format;
	open.flags = o.flags & VHD_COMPACT_DRY_RUN
			     ? VHD_DISK_VERIFY
			     : VHD_DISK_WRITE | VHD_DISK_SAME_CONTENT;
	rc = vhd_disk_open(path, &open, &disk, diag);
	if (rc)
		return rc;
	rc = vhd_compact_disk(disk, &o, out, job, diag);
	vhd_disk_close(disk);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers take one stored block after the other, read what the file systems use
 * of it, and decide:
 *
 *   it reads as zeros where it is used    it becomes a block of zeros (not in
 *                                         a differencing VHD, which has none)
 *   nothing of it is used                 likewise; a differencing VHD shows
 *                                         the parent again: nobody looks there
 *   all it stores equals the parent       the parent shows again. Compared as
 *                                         a whole, unused parts too: never is
 *                                         anything the parent holds uncovered
 *   else                                  it stays; longer runs of zeros and
 *                                         of unused bytes become holes of the
 *                                         host file
 *
 * Holes of the host file are not read.
 *
 * While others write the disk, a block that seems to have something to give is
 * looked at once more with their writes held off, and what is decided then is
 * done at once.
 */
#include "sift.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "core/checked.h"
#include "core/diag.h"
#include "file/file.h"
#include "image/hold.h"
#include "image/shed.h"
#include "job.h"
#include "unused.h"
#include "workers.h"
#include "zero.h"

/* bytes read at once: they stay in the processor's cache */
#define STEP ((size_t)256 << 10)
/* what is looked at as one, and what holes begin and end on */
#define GRAIN 4096u
/* shorter holes would cost more in fragments than they save */
#define HOLE_MIN ((uint64_t)64 << 10)

/* of the leaf's file */
struct run {
	uint64_t offset;
	uint64_t length;
};

enum verdict {
	KEEP,
	DROP_ZERO,
	DROP_UNUSED,
	REVERT_EQUAL,
	REVERT_UNUSED,
};

/* one block */
struct look {
	uint64_t start; /* of the disk */
	uint64_t end;
	bool used;        /* something of it is used */
	bool trimmed;     /* something is not */
	bool zero;        /* what is used reads as zeros */
	bool here;        /* every sector is stored in this image */
	bool cached;      /* the host has had in memory what was looked at */
	struct run *runs; /* stored zeros and unused bytes */
	size_t count;
	size_t room;
};

struct sift {
	struct vhd_sifting *in;
	struct vhd_disk *disk;
	struct vhd_image *leaf;
	struct vhd_file *file;
	uint64_t block_size;
	uint32_t flags;
	bool has_parent;
	bool can_shed;
	bool can_zero;
	bool live;             /* others write meanwhile */
	_Atomic bool no_holes; /* the host has none */
	pthread_mutex_t mutex;
	uint64_t next; /* block */
	int error;     /* the first one; its diag is in *diag */
	struct vhd_diag *diag;
};

struct worker {
	struct sift *s;
	uint8_t *buf;
	uint8_t *other; /* the parent's */
	struct look look;
	struct run data; /* stored bytes around the last place looked at */
	struct vhd_diag diag;
	/* what it achieved */
	struct vhd_compact_result sum;
	uint64_t freed;
};

/* -- looking at a block ------------------------------------------------------
 */

static int note_run(struct look *l, uint64_t offset, uint64_t length)
{
	struct run *last = l->count ? &l->runs[l->count - 1] : NULL;

	if (last && last->offset + last->length == offset) {
		last->length += length;
		return 0;
	}
	if (last && last->length < HOLE_MIN) /* nobody needs it any more */
		l->count--;
	if (!l->runs || l->count == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		struct run *runs = realloc(l->runs, room * sizeof(*runs));

		if (!runs)
			return VHD_E_NOMEM;
		l->runs = runs;
		l->room = room;
	}
	l->runs[l->count++] = (struct run){offset, length};
	return 0;
}

static int read_leaf(struct worker *w, uint64_t offset, size_t len)
{
	int rc = vhd_file_read(w->s->file, offset, w->buf, len);

	return rc ? vhd_fail(&w->diag, rc, "data", offset, "cannot be read")
		  : 0;
}

/* bytes that were read: which grains are zeros */
static int note_zeros(struct worker *w, uint64_t offset, size_t len)
{
	int rc = 0;

	for (size_t at = 0; at < len && !rc;) {
		uint64_t place = offset + at;
		size_t n = (size_t)vhd_min(
			vhd_round_down(place, GRAIN) + GRAIN - place, len - at);

		if (vhd_is_zero(w->buf + at, n))
			rc = note_run(&w->look, place, n);
		else
			w->look.zero = false;
		at += n;
	}
	return rc;
}

/* the rest of a block that stays is of no interest if no hole can be made */
static bool seen_enough(const struct worker *w)
{
	return !w->look.zero && atomic_load(&w->s->no_holes);
}

/* moves the window of stored bytes to the next at or behind `offset` */
static int find_data(struct worker *w, uint64_t offset)
{
	uint64_t start, end;
	int rc;

	if (offset >= w->data.offset &&
	    offset < w->data.offset + w->data.length)
		return 0;
	rc = vhd_file_next_data(w->s->file, offset, &start, &end);
	if (rc)
		return vhd_fail(&w->diag, rc, "data", offset,
				"cannot be located");
	w->data = (struct run){start, end - start};
	return 0;
}

/* where the first 64 KiB of whole grains end */
static uint64_t stretch_end(uint64_t offset)
{
	return vhd_round_up(offset, GRAIN) + HOLE_MIN;
}

/*
 * Zeros that are worth a hole and begin in the next 64 KiB reach their last
 * grain. If that is not zeros, and no run goes on here, the others need not be
 * read. Only where the host has the block in memory: its disk reads all of it
 * in the time of so many small pieces.
 */
static bool may_skip(struct worker *w, uint64_t offset, uint64_t length)
{
	struct look *l = &w->look;
	const struct run *last = l->count ? &l->runs[l->count - 1] : NULL;
	uint64_t end = stretch_end(offset);

	if (!l->cached || end > offset + length ||
	    (last && last->offset + last->length == offset))
		return false;
	l->cached =
		vhd_file_read_cached(w->s->file, end - GRAIN, w->buf, GRAIN);
	return l->cached && !vhd_is_zero(w->buf, GRAIN);
}

/* stored bytes: *length becomes that of the first ones, which are done */
static int look_at_piece(struct worker *w, uint64_t offset, uint64_t *length)
{
	int rc;

	if (may_skip(w, offset, *length)) {
		w->look.zero = false;
		*length = stretch_end(offset) - offset;
		return 0;
	}
	*length = vhd_min(*length, STEP - (offset & (STEP - 1)));
	rc = read_leaf(w, offset, (size_t)*length);
	return rc ? rc : note_zeros(w, offset, (size_t)*length);
}

/* stored bytes that are used; offset and length are the leaf file's */
static int look_at_data(struct worker *w, uint64_t offset, uint64_t length)
{
	int rc = 0;

	while (length && !rc && !seen_enough(w)) {
		uint64_t n = length;

		rc = find_data(w, offset);
		if (rc)
			break;
		if (w->data.offset > offset || !w->data.length) {
			if (w->data.length)
				n = vhd_min(n, w->data.offset - offset);
		} else {
			n = vhd_min(n,
				    w->data.offset + w->data.length - offset);
			rc = look_at_piece(w, offset, &n);
		}
		offset += n;
		length -= n;
	}
	return rc;
}

/* stored in the leaf, in one piece */
static int look_at_stored(struct worker *w, struct vhd_extent e)
{
	struct look *l = &w->look;
	int rc = 0;

	while (e.length && !rc) {
		bool used;
		uint64_t n = vhd_next_use(w->s->in->options, e.start,
					  e.start + e.length, &used) -
			     e.start;

		if (!used)
			rc = note_run(l, e.offset, n);
		else if (w->s->flags & VHD_COMPACT_ZEROES)
			rc = look_at_data(w, e.offset, n);
		else
			l->zero = false;
		l->used |= used;
		l->trimmed |= !used;
		e.start += n;
		e.offset += n;
		e.length -= n;
	}
	return rc;
}

/* calls `part` for each extent of the block that is of a kind */
static int by_extent(struct worker *w, int kind,
		     int (*part)(struct worker *w, struct vhd_extent e))
{
	uint64_t at = w->look.start, end = w->look.end;
	struct vhd_extent e;
	int rc = 0;

	for (; at < end && !rc; at += e.length) {
		rc = vhd_image_extent(w->s->leaf, at, end - at, &e, &w->diag);
		if (rc)
			break;
		if (e.kind != VHD_EXTENT_DATA)
			w->look.here = false;
		if ((int)e.kind == kind)
			rc = part(w, e);
	}
	return rc;
}

/* does the parent show zeros where the leaf has nothing and something is used?
 */
static int look_at_parent(struct worker *w, struct vhd_extent e)
{
	struct look *l = &w->look;
	uint64_t at = e.start, end = e.start + e.length;
	int rc = 0;

	while (at < end && l->zero && !rc) {
		bool used;
		uint64_t stop = vhd_next_use(w->s->in->options, at, end, &used);
		struct vhd_extent p;

		rc = vhd_disk_layer_extent(w->s->disk, 1, at, stop - at, &p,
					   &w->diag);
		if (rc)
			break;
		p.length = vhd_min(p.length, STEP);
		if (used && p.kind != VHD_EXTENT_ZERO) {
			rc = vhd_disk_layer_read(w->s->disk, 1, at, w->buf,
						 (size_t)p.length, &w->diag);
			l->zero = !rc && vhd_is_zero(w->buf, (size_t)p.length);
		}
		l->used |= used;
		l->trimmed |= !used;
		at += p.length;
	}
	return rc;
}

static int look_at_block(struct worker *w, uint64_t block)
{
	struct look *l = &w->look;
	uint64_t start = block * w->s->block_size;
	int rc;

	l->start = start;
	l->end = vhd_min(start + w->s->block_size, vhd_image_size(w->s->leaf));
	l->used = false;
	l->trimmed = false;
	l->zero = true;
	l->here = true;
	l->cached = true;
	l->count = 0;
	rc = by_extent(w, VHD_EXTENT_DATA, look_at_stored);
	if (!rc && l->zero && w->s->has_parent)
		rc = by_extent(w, VHD_EXTENT_PARENT, look_at_parent);
	return rc;
}

/* -- comparing with the parent -----------------------------------------------
 */

/* look.zero serves as "equal so far" */
static int compare_stored(struct worker *w, struct vhd_extent e)
{
	int rc = 0;

	while (e.length && !rc && w->look.zero) {
		size_t n = (size_t)vhd_min(e.length, STEP);

		rc = read_leaf(w, e.offset, n);
		if (!rc)
			rc = vhd_disk_layer_read(w->s->disk, 1, e.start,
						 w->other, n, &w->diag);
		if (!rc)
			w->look.zero = memcmp(w->buf, w->other, n) == 0;
		e.start += n;
		e.offset += n;
		e.length -= n;
	}
	return rc;
}

static int equals_parent(struct worker *w, bool *equal)
{
	bool zero = w->look.zero;
	int rc;

	w->look.zero = true;
	rc = by_extent(w, VHD_EXTENT_DATA, compare_stored);
	*equal = w->look.zero;
	w->look.zero = zero;
	return rc;
}

/* -- deciding ----------------------------------------------------------------
 */

static int decide(struct worker *w, enum verdict *out)
{
	const struct sift *s = w->s;
	const struct look *l = &w->look;
	bool equal = false;
	int rc = 0;

	*out = KEEP;
	if (l->zero && (s->can_zero || !s->can_shed)) {
		*out = l->trimmed ? DROP_UNUSED : DROP_ZERO;
		return 0;
	}
	if (!s->has_parent)
		return 0;
	if (!l->used && l->trimmed) {
		*out = REVERT_UNUSED;
		return 0;
	}
	if ((s->flags & VHD_COMPACT_PARENT_EQUAL) || l->zero)
		rc = equals_parent(w, &equal);
	if (equal)
		*out = REVERT_EQUAL;
	return rc;
}

static void count(struct worker *w, enum verdict verdict)
{
	struct vhd_compact_result *sum = &w->sum;

	sum->zero_blocks += verdict == DROP_ZERO;
	sum->unused_blocks +=
		verdict == DROP_UNUSED || verdict == REVERT_UNUSED;
	sum->parent_blocks += verdict == REVERT_EQUAL;
}

/* bytes of the host's in a range of the leaf's file */
static uint64_t host_bytes(struct worker *w, uint64_t offset, uint64_t length)
{
	uint64_t at = offset, end = offset + length, sum = 0, start, stop;

	while (at < end) {
		if (vhd_file_next_data(w->s->file, at, &start, &stop) ||
		    start >= end || start == stop)
			break;
		stop = vhd_min(stop, end);
		sum += stop - start;
		at = stop;
	}
	return sum;
}

/* a hole is worth making if it is long and not one already */
static int make_hole(struct worker *w, const struct run *run)
{
	uint64_t from = vhd_round_up(run->offset, GRAIN);
	uint64_t to = vhd_round_down(run->offset + run->length, GRAIN);
	uint64_t bytes;
	int rc = 0;

	if (to < from + HOLE_MIN)
		return 0;
	bytes = host_bytes(w, from, to - from);
	if (!bytes)
		return 0;
	if (!(w->s->flags & VHD_COMPACT_DRY_RUN))
		rc = vhd_image_punch(w->s->leaf, from, to - from);
	if (rc == VHD_E_UNSUPPORTED) {
		atomic_store(&w->s->no_holes, true);
		return 0;
	}
	w->data = (struct run){0, 0}; /* what was known of holes is old */
	w->freed += bytes;
	w->sum.punched_bytes += bytes;
	return rc;
}

/* a block that stays */
static int thin(struct worker *w, uint64_t block)
{
	const struct look *l = &w->look;
	int rc = 0;

	if (l->here && (w->s->flags & VHD_COMPACT_DRY_RUN)) {
		pthread_mutex_lock(&w->s->mutex);
		vhd_blockset_add(w->s->in->whole, block);
		pthread_mutex_unlock(&w->s->mutex);
	} else if (l->here) {
		rc = vhd_image_complete_block(w->s->leaf, block);
	}
	for (size_t i = 0; i < l->count && !rc && !atomic_load(&w->s->no_holes);
	     i++)
		rc = make_hole(w, &l->runs[i]);
	return rc;
}

static int foresee(struct worker *w, uint64_t block)
{
	uint64_t offset, length;
	int rc = vhd_image_block_place(w->s->leaf, block, &offset, &length);

	if (rc)
		return rc;
	w->freed += host_bytes(w, offset, length);
	pthread_mutex_lock(&w->s->mutex);
	vhd_blockset_add(w->s->in->gone, block);
	pthread_mutex_unlock(&w->s->mutex);
	return 0;
}

static int let_go(struct worker *w, uint64_t block, enum verdict verdict)
{
	if (w->s->flags & VHD_COMPACT_DRY_RUN)
		return foresee(w, block);
	if (verdict == REVERT_EQUAL || verdict == REVERT_UNUSED)
		return vhd_image_revert_block(w->s->leaf, block);
	return vhd_image_drop_block(w->s->leaf, block);
}

static int judge(struct worker *w, uint64_t block, enum verdict *verdict)
{
	int rc = look_at_block(w, block);

	return rc ? rc : decide(w, verdict);
}

static int carry_out(struct worker *w, uint64_t block, enum verdict verdict)
{
	int rc;

	if (verdict != KEEP && !w->s->can_shed) {
		w->sum.held_blocks++;
		verdict = KEEP;
	}
	rc = verdict == KEEP ? thin(w, block) : let_go(w, block, verdict);
	if (!rc)
		count(w, verdict);
	return rc;
}

/* is a block that stays worth a second look? */
static bool has_holes(const struct worker *w)
{
	const struct look *l = &w->look;

	for (size_t i = 0; i < l->count; i++)
		if (l->runs[i].length >= HOLE_MIN)
			return !atomic_load(&w->s->no_holes);
	return false;
}

/* others write: they may be in the middle of it, or have let go of the block */
static int glance(struct worker *w, uint64_t block, bool *worth)
{
	unsigned token = vhd_disk_hold(w->s->in->disk);
	enum verdict verdict = KEEP;
	int rc;

	w->data = (struct run){0, 0}; /* others make holes, and fill them */
	rc = judge(w, block, &verdict);
	vhd_disk_release(w->s->in->disk, token);
	*worth = verdict != KEEP || has_holes(w) ||
		 (w->look.here && w->s->has_parent);
	return rc;
}

static int judge_live(struct worker *w, uint64_t block)
{
	enum verdict verdict = KEEP;
	bool worth;
	int rc = glance(w, block, &worth);

	if (rc || !worth)
		return rc;
	vhd_image_hold_writes(w->s->leaf);
	w->data = (struct run){0, 0};
	rc = judge(w, block, &verdict);
	if (!rc)
		rc = carry_out(w, block, verdict);
	vhd_image_let_write(w->s->leaf);
	return rc;
}

static int judge_alone(struct worker *w, uint64_t block)
{
	enum verdict verdict = KEEP;
	int rc = judge(w, block, &verdict);

	return rc ? rc : carry_out(w, block, verdict);
}

static int sift_block(struct worker *w, uint64_t block)
{
	int rc = w->s->live ? judge_live(w, block) : judge_alone(w, block);

	if (rc)
		return w->diag.error == rc
			       ? rc
			       : vhd_fail(&w->diag, rc, NULL, VHD_NO_OFFSET,
					  vhd_strerror(rc));
	vhd_job_add(w->s->in->job, w->look.end - w->look.start);
	return 0;
}

/* -- workers -----------------------------------------------------------------
 */

static void give_up(struct sift *s, int error, const struct vhd_diag *diag)
{
	if (s->error)
		return;
	s->error = error;
	if (s->diag)
		*s->diag = *diag;
}

/* false when there is no more to do */
static bool next_block(struct sift *s, uint64_t *block)
{
	struct vhd_diag diag = {0};

	pthread_mutex_lock(&s->mutex);
	if (!s->error && vhd_job_canceled(s->in->job))
		give_up(s,
			vhd_fail(&diag, VHD_E_CANCELED, NULL, VHD_NO_OFFSET,
				 "canceled"),
			&diag);
	*block = s->error ? s->in->stored->room
			  : vhd_blockset_next(s->in->stored, s->next);
	s->next = *block + 1;
	pthread_mutex_unlock(&s->mutex);
	return *block < s->in->stored->room;
}

static void add_up(struct worker *w)
{
	struct vhd_compact_result *out = w->s->in->result;

	out->zero_blocks += w->sum.zero_blocks;
	out->unused_blocks += w->sum.unused_blocks;
	out->parent_blocks += w->sum.parent_blocks;
	out->held_blocks += w->sum.held_blocks;
	out->punched_bytes += w->sum.punched_bytes;
	w->s->in->freed += w->freed;
}

static void *work(void *ctx)
{
	struct worker w = {.s = ctx};
	struct sift *s = ctx;
	uint64_t block;
	int rc = 0;

	w.buf = vhd_buffer_new(STEP);
	w.other = vhd_buffer_new(STEP);
	if (!w.buf || !w.other)
		rc = vhd_fail(&w.diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
			      vhd_strerror(VHD_E_NOMEM));
	while (!rc && next_block(s, &block))
		rc = sift_block(&w, block);
	pthread_mutex_lock(&s->mutex);
	if (rc)
		give_up(s, rc, &w.diag);
	add_up(&w);
	pthread_mutex_unlock(&s->mutex);
	free(w.look.runs);
	free(w.other);
	free(w.buf);
	return NULL;
}

int vhd_sift(struct vhd_sifting *in, struct vhd_diag *diag)
{
	struct vhd_image *leaf = vhd_disk_image(in->disk, 0);
	struct vhd_image_info info;
	struct sift s = {
		.in = in,
		.disk = in->disk,
		.leaf = leaf,
		.file = vhd_image_file(leaf),
		.flags = in->options->flags,
		.has_parent = vhd_image_has_parent(leaf),
		.can_shed = vhd_image_can_shed(leaf),
		.can_zero = vhd_image_can_zero(leaf),
		.live = in->options->flags & VHD_COMPACT_LIVE,
		.diag = diag,
	};

	vhd_image_get_info(leaf, &info);
	s.block_size = info.block_size;
	pthread_mutex_init(&s.mutex, NULL);
	vhd_run_workers(vhd_worker_count(in->options->jobs), work, &s);
	pthread_mutex_destroy(&s.mutex);
	return s.error;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workers take pieces from one shared cursor, under a mutex that covers only
 * mapping, and copy them independently. Stored data is shared by reflink where
 * source and target allow it, else read and written.
 *
 * Where the target shows something already, each piece is compared with that
 * and only sectors that differ are written: a new child shows its parent, the
 * partial file of an earlier run what that one copied.
 */
#include "copy.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "core/checked.h"
#include "core/diag.h"
#include "job.h"
#include "workers.h"

#define PIECE VHD_COPY_PIECE
/* bytes moved at once: read and written while they are in the processor's cache
 */
#define STEP ((size_t)256 << 10)
/* reflinks need whole blocks of the host file system; 4 KiB nearly always */
#define REFLINK_ALIGN 4096u
/* differing sectors this close are written as one run */
#define DIFF_GRAIN 4096u
/* a partial file is flushed whenever so much was copied: what an interruption
 * costs. Large enough that flushing takes next to no time */
#define FLUSH_EVERY ((uint64_t)32 << 20)

/* whether these two files can share blocks; found by the first try */
enum reflinks { REFLINKS_UNKNOWN, REFLINKS_WORK, REFLINKS_REFUSED };

struct copying {
	struct vhd_disk *disk;
	struct vhd_target *target;
	int reflink;
	struct vhd_job *job;
	struct vhd_diag *diag;
	pthread_mutex_t mutex;
	struct vhd_cursor cursor;
	int error;                  /* the first one; its diag is in *diag */
	_Atomic int reflinks;       /* enum reflinks */
	_Atomic uint64_t unflushed; /* bytes of data pieces */
};

struct worker {
	struct copying *c;
	uint8_t *buf;
	uint8_t *shown_buf; /* if the target shows something only */
	struct vhd_diag diag;
};

static int fail_target(struct worker *w, int rc)
{
	if (!rc)
		return 0;
	return vhd_output_fail(&w->diag, rc, w->c->target->output->path,
			       rc == VHD_E_NOSPACE ? vhd_strerror(rc)
						   : "cannot be written");
}

/* true if the piece now shares its blocks with the image */
static bool share(struct copying *c, const struct vhd_piece *p)
{
	struct vhd_image *image = vhd_disk_image(c->disk, p->layer);
	int fd = vhd_image_data_fd(image, p->offset, p->length), rc;

	if (fd < 0 || atomic_load(&c->reflinks) == REFLINKS_REFUSED ||
	    !vhd_is_aligned(p->start | p->offset | p->length, REFLINK_ALIGN))
		return false;
	rc = c->target->ops->clone(c->target, p->start, p->length, fd,
				   p->offset);
	if (!rc)
		atomic_store(&c->reflinks, REFLINKS_WORK);
	if (rc == VHD_E_UNSUPPORTED)
		atomic_store(&c->reflinks, REFLINKS_REFUSED);
	return !rc;
}

/* the next run of differing sectors in [*from, len); false if none */
static bool next_difference(const struct worker *w, size_t len, size_t *from,
			    size_t *to)
{
	const uint8_t *a = w->buf, *b = w->shown_buf;
	size_t at = *from;

	while (at < len &&
	       memcmp(a + at, b + at, vhd_min(DIFF_GRAIN, len - at)) == 0)
		at += vhd_min(DIFF_GRAIN, len - at);
	*from = at;
	while (at < len &&
	       memcmp(a + at, b + at, vhd_min(DIFF_GRAIN, len - at)) != 0)
		at += vhd_min(DIFF_GRAIN, len - at);
	*to = at;
	return *from < len;
}

static int write_differences(struct worker *w, uint64_t at, size_t len)
{
	struct vhd_target *t = w->c->target;
	uint64_t size = vhd_disk_size(t->shown);
	size_t have = at < size ? (size_t)vhd_min(len, size - at) : 0;
	size_t from = 0, to;
	int rc;

	memset(w->shown_buf + have, 0, len - have);
	rc = have ? vhd_disk_read(t->shown, at, w->shown_buf, have, &w->diag)
		  : 0;
	while (!rc && next_difference(w, len, &from, &to)) {
		rc = fail_target(w, t->ops->replace(t, at + from, w->buf + from,
						    to - from));
		from = to;
	}
	return rc;
}

/* in whole sectors of the target, at most PIECE bytes and a little */
static int copy_bytes(struct worker *w, const struct vhd_piece *p,
		      bool differences)
{
	struct vhd_target *t = w->c->target;
	uint64_t size = vhd_disk_size(w->c->disk);
	uint64_t at = vhd_round_down(p->start, t->align);
	uint64_t to =
		vhd_min(vhd_round_up(p->start + p->length, t->align), size);
	size_t len = (size_t)(to - at);
	int rc;

	if (w->c->reflink == VHD_REFLINK_ALWAYS)
		return vhd_fail(&w->diag, VHD_E_UNSUPPORTED, NULL,
				VHD_NO_OFFSET,
				"the host cannot share this data by reflink");
	rc = vhd_disk_read(w->c->disk, at, w->buf, len, &w->diag);
	if (rc)
		return rc;
	return differences ? write_differences(w, at, len)
			   : fail_target(w, t->ops->write(t, at, w->buf, len));
}

static void advance(struct vhd_piece *p, uint64_t length)
{
	p->start += length;
	p->offset += length;
	p->length -= length;
}

/* where the target shows zeros: data in steps, shared or through a buffer */
static int copy_new(struct worker *w, struct vhd_piece p)
{
	int rc = 0;

	/* a piece may be long if reflinks work; should one fail, go on in
	 * buffers */
	if (p.length > PIECE && share(w->c, &p))
		return 0;
	while (p.length && !rc) {
		struct vhd_piece part = p;

		part.length = vhd_min(p.length, STEP);
		if (!share(w->c, &part))
			rc = copy_bytes(w, &part, false);
		advance(&p, part.length);
	}
	return rc;
}

/* data into a new child: large pieces, for whole blocks need no bitmap */
static int copy_to_child(struct worker *w, struct vhd_piece p)
{
	int rc = 0;

	while (p.length && !rc) {
		struct vhd_piece part = p;

		part.length = vhd_min(p.length, PIECE);
		rc = copy_bytes(w, &part, true);
		advance(&p, part.length);
	}
	return rc;
}

/* the part of `p` that `there`, a piece of what the target shows, covers */
static struct vhd_piece covered(const struct vhd_piece *p,
				const struct vhd_piece *there)
{
	struct vhd_piece part = *p;

	advance(&part, there->start - p->start);
	part.length = there->length;
	return part;
}

/*
 * Goes through what the target shows in the range of a piece. Zeros over zeros
 * are left alone; where only the target shows zeros, the piece is copied as to
 * a new one (data over a parent excepted, see above); else what differs is
 * written.
 */
static int copy_over(struct worker *w, const struct vhd_piece *p)
{
	struct vhd_target *t = w->c->target;
	uint64_t end = vhd_min(p->start + p->length, vhd_disk_size(t->shown));
	struct vhd_piece there = {.length = 1}, part;
	struct vhd_cursor cursor;
	int rc = 0;

	vhd_cursor_start(&cursor, t->shown, p->start, end);
	while (!rc && there.length) {
		rc = vhd_cursor_next(&cursor, PIECE, &there, &w->diag);
		if (rc || !there.length || (there.zero && p->zero))
			continue;
		part = covered(p, &there);
		rc = there.zero ? copy_new(w, part)
				: copy_bytes(w, &part, true);
	}
	return rc;
}

static int copy_piece(struct worker *w, struct vhd_piece p)
{
	struct vhd_target *t = w->c->target;

	if (!t->shown)
		return p.zero ? fail_target(w,
					    t->ops->zero(t, p.start, p.length))
			      : copy_new(w, p);
	if (p.zero)
		return copy_over(w, &p);
	if (!t->output->found)
		return copy_to_child(w, p);
	/* what is shared may be shared again: no data is moved */
	return !t->is_child && share(w->c, &p) ? 0 : copy_over(w, &p);
}

/* now and then, what a partial file holds is made to stay */
static int flush_some(struct worker *w, const struct vhd_piece *p)
{
	struct vhd_target *t = w->c->target;
	uint64_t sum;

	if (!t->output->resumable || p->zero)
		return 0;
	sum = atomic_fetch_add(&w->c->unflushed, p->length) + p->length;
	/* of several workers one does it */
	if (sum < FLUSH_EVERY ||
	    !atomic_compare_exchange_strong(&w->c->unflushed, &sum, 0))
		return 0;
	return fail_target(w, t->ops->flush(t));
}

/* the next piece for a worker; length 0 when there is no more to do */
static void take_piece(struct copying *c, struct vhd_piece *p)
{
	struct vhd_diag diag = {0};
	/* with reflinks a piece costs the same however long it is */
	uint64_t most =
		atomic_load(&c->reflinks) == REFLINKS_WORK ? VHD_GIB : PIECE;
	int rc = 0;

	pthread_mutex_lock(&c->mutex);
	*p = (struct vhd_piece){0};
	if (!c->error && vhd_job_canceled(c->job))
		rc = vhd_fail(&diag, VHD_E_CANCELED, NULL, VHD_NO_OFFSET,
			      "canceled");
	if (!c->error && !rc)
		rc = vhd_cursor_next(&c->cursor, most, p, &diag);
	if (rc) {
		*p = (struct vhd_piece){0};
		c->error = rc;
		if (c->diag)
			*c->diag = diag;
	}
	pthread_mutex_unlock(&c->mutex);
}

static void give_up(struct copying *c, int error, const struct vhd_diag *diag)
{
	pthread_mutex_lock(&c->mutex);
	if (!c->error) {
		c->error = error;
		if (c->diag)
			*c->diag = *diag;
	}
	pthread_mutex_unlock(&c->mutex);
}

static void *work(void *ctx)
{
	struct worker w = {.c = ctx};
	struct vhd_piece p;
	int rc = 0;

	w.buf = vhd_buffer_new(PIECE + 2 * DIFF_GRAIN);
	if (w.c->target->shown)
		w.shown_buf = vhd_buffer_new(PIECE + 2 * DIFF_GRAIN);
	if (!w.buf || (w.c->target->shown && !w.shown_buf))
		rc = vhd_fail(&w.diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
			      vhd_strerror(VHD_E_NOMEM));
	while (!rc) {
		take_piece(w.c, &p);
		if (!p.length)
			break;
		rc = copy_piece(&w, p);
		if (!rc)
			rc = flush_some(&w, &p);
		vhd_job_add(w.c->job, p.length);
	}
	if (rc)
		give_up(w.c, rc, &w.diag);
	free(w.shown_buf);
	free(w.buf);
	return NULL;
}

int vhd_copy(struct vhd_disk *disk, struct vhd_target *target, unsigned jobs,
	     int reflink, struct vhd_job *job, struct vhd_diag *diag)
{
	struct copying c = {
		.disk = disk,
		.target = target,
		.reflink = reflink,
		.job = job,
		.diag = diag,
	};

	vhd_cursor_start(&c.cursor, disk, 0, vhd_disk_size(disk));
	vhd_job_start(job, vhd_disk_size(disk));
	pthread_mutex_init(&c.mutex, NULL);
	if (reflink == VHD_REFLINK_NEVER)
		atomic_store(&c.reflinks, REFLINKS_REFUSED);
	vhd_run_workers(vhd_worker_count(jobs), work, &c);
	pthread_mutex_destroy(&c.mutex);
	return c.error;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The common part of writing; the design is on top of writer.h. */
#include "writer.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "break.h"
#include "core/checked.h"
#include "core/diag.h"
#include "table.h"

/* how long writers are held off while somebody does not leave, in ms */
#define PATIENCE_MIN 20u
#define PATIENCE_MAX 1000u

static const struct vhd_writer_ops *ops_of(const struct vhd_image *image)
{
	if (image->map.kind == VHD_MAP_LINEAR)
		return &vhd_linear_writer_ops;
	return image->format == VHD_FORMAT_VHD ? &vhd1_writer_ops
					       : &vhdx_writer_ops;
}

int vhd_writer_new(struct vhd_image *image, struct vhd_diag *diag)
{
	struct vhd_writer *w = calloc(1, sizeof(*w));
	int rc = VHD_E_NOMEM;

	if (!w)
		goto fail;
	w->ops = ops_of(image);
	rc = vhd_file_size(image->file, &w->file_size);
	if (!rc && image->map.kind != VHD_MAP_LINEAR)
		rc = vhd_space_new(image, &w->space);
	if (rc)
		goto fail;
	pthread_mutex_init(&w->mutex, NULL);
	pthread_mutex_init(&w->flush_mutex, NULL);
	pthread_cond_init(&w->changed, NULL);
	/* every entry was verified; from here on the file grows */
	if (image->map.kind != VHD_MAP_LINEAR)
		image->map.limit = INT64_MAX;
	image->writer = w;
	return 0;
fail:
	free(w);
	return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET, vhd_strerror(rc));
}

void vhd_writer_free(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;

	if (!w)
		return;
	if (w->ops->free)
		w->ops->free(image);
	vhd_space_free(w->space);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->flush_mutex);
	pthread_mutex_destroy(&w->mutex);
	free(w);
	image->writer = NULL;
}

/* in doubt about what the file holds: nothing more is written to it */
static int doubt(struct vhd_writer *w, int rc)
{
	int none = 0;

	if (rc)
		atomic_compare_exchange_strong(&w->error, &none, rc);
	return rc;
}

/* a failure that leaves the writer as it was: what failed may be tried again */
static bool passes(int rc)
{
	return rc == VHD_E_NOSPACE || rc == VHD_E_NOMEM;
}

/* before there is a writer, the open fails */
int vhd_write_doubt(struct vhd_image *image, int rc)
{
	return image->writer ? doubt(image->writer, rc) : rc;
}

int vhd_write_barrier(struct vhd_image *image)
{
	return vhd_write_doubt(image, vhd_file_flush(image->file));
}

static int ensure_started(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	int rc = 0;

	if (atomic_load_explicit(&w->started, memory_order_acquire))
		return 0;
	pthread_mutex_lock(&w->mutex);
	if (!atomic_load(&w->started)) {
		rc = w->ops->start ? w->ops->start(image) : 0;
		if (!rc)
			atomic_store_explicit(&w->started, true,
					      memory_order_release);
	}
	pthread_mutex_unlock(&w->mutex);
	return rc;
}

static int ready(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	int rc;

	if (!w)
		return VHD_E_READONLY;
	rc = atomic_load_explicit(&w->error, memory_order_relaxed);
	return rc ? rc : ensure_started(image);
}

/* -- busy blocks -------------------------------------------------------------
 */

/* also while the table does not know yet of a bitmap that the block needs */
static bool is_busy(const struct vhd_image *image, uint64_t block)
{
	const struct vhd_writer *w = image->writer;
	unsigned shift = image->map.chunk_shift;

	for (unsigned i = 0; i < w->busy_count; i++)
		if (w->busy[i].block == block ||
		    (w->busy[i].new_bitmap &&
		     w->busy[i].block >> shift == block >> shift))
			return true;
	return false;
}

static bool is_taken(const struct vhd_image *image, uint64_t block)
{
	return is_busy(image, block) ||
	       image->writer->busy_count == VHD_BUSY_MAX;
}

static void wait_for(struct vhd_image *image, uint64_t block)
{
	struct vhd_writer *w = image->writer;

	while (is_taken(image, block))
		pthread_cond_wait(&w->changed, &w->mutex);
}

static void set_idle(struct vhd_writer *w, uint64_t block)
{
	for (unsigned i = 0; i < w->busy_count; i++)
		if (w->busy[i].block == block) {
			w->busy[i] = w->busy[--w->busy_count];
			break;
		}
	pthread_cond_broadcast(&w->changed);
}

/* -- holding writers off -----------------------------------------------------
 */

static bool held_by_others(const struct vhd_writer *w)
{
	return atomic_load(&w->held) &&
	       !pthread_equal(w->holder, pthread_self());
}

/* false if somebody is inside all the time */
static bool wait_for_users(struct vhd_writer *w, unsigned ms)
{
	const struct timespec moment = {.tv_nsec = 50000};
	uint64_t last = atomic_load(&w->epoch.now) + 2, now;

	for (uint64_t waited = 0; waited < ms * (uint64_t)1000000;
	     waited += (uint64_t)moment.tv_nsec) {
		pthread_mutex_lock(&w->mutex);
		now = vhd_epoch_advance(&w->epoch);
		pthread_mutex_unlock(&w->mutex);
		if (now >= last)
			return true;
		nanosleep(&moment, NULL);
	}
	return false;
}

bool vhd_image_try_hold_writes(struct vhd_image *image, unsigned ms)
{
	struct vhd_writer *w = image->writer;

	pthread_mutex_lock(&w->mutex);
	while (atomic_load(&w->held))
		pthread_cond_wait(&w->changed, &w->mutex);
	w->holder = pthread_self();
	atomic_store(&w->held, true);
	pthread_mutex_unlock(&w->mutex);
	/* a writer is inside from begin() to commit() */
	if (wait_for_users(w, ms))
		return true;
	vhd_image_let_write(image);
	return false;
}

void vhd_image_hold_writes(struct vhd_image *image)
{
	struct vhd_patience p = {0};

	while (!vhd_image_try_hold_writes(image, vhd_patience(&p)))
		vhd_have_patience(&p);
}

void vhd_image_let_write(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;

	pthread_mutex_lock(&w->mutex);
	atomic_store(&w->held, false);
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mutex);
}

unsigned vhd_patience(const struct vhd_patience *p)
{
	return p->ms ? p->ms : PATIENCE_MIN;
}

void vhd_have_patience(struct vhd_patience *p)
{
	unsigned ms = vhd_patience(p);
	const struct timespec pause = {
		.tv_sec = ms / 1000,
		.tv_nsec = (long)(ms % 1000) * 1000000,
	};

	nanosleep(&pause, NULL);
	p->ms = (unsigned)vhd_min(2 * ms, PATIENCE_MAX);
}

/* inside, and not held by others: they wait for us to leave */
static unsigned enter(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	unsigned token = vhd_image_enter(image);

	while (atomic_load(&w->held)) {
		bool mine;

		vhd_image_leave(image, token);
		pthread_mutex_lock(&w->mutex);
		while (held_by_others(w))
			pthread_cond_wait(&w->changed, &w->mutex);
		mine = atomic_load(&w->held);
		pthread_mutex_unlock(&w->mutex);
		token = vhd_image_enter(image);
		if (mine)
			break;
	}
	return token;
}

/* -- help for plans
 * ------------------------------------------------------------ */

int vhd_write_pin(struct vhd_image *image, struct vhd_write *w, uint64_t offset,
		  uint64_t length)
{
	int rc = vhd_pages_pin(image->pages, offset, length);

	if (rc)
		return rc;
	w->pins[w->pin_count].offset = offset;
	w->pins[w->pin_count++].length = length;
	return 0;
}

static void unpin(struct vhd_image *image, struct vhd_write *w)
{
	while (w->pin_count) {
		w->pin_count--;
		vhd_pages_unpin(image->pages, w->pins[w->pin_count].offset,
				w->pins[w->pin_count].length);
	}
}

void vhd_write_undo(struct vhd_image *image, struct vhd_write *w)
{
	struct vhd_space *space = image->writer->space;

	unpin(image, w);
	if (w->place_length)
		vhd_space_return(space, w->place.offset, w->place_length);
	if (w->new_bitmap)
		vhd_space_return(space, w->bitmap.offset, VHDX_ALIGN);
	w->place_length = 0;
	w->new_bitmap = false;
}

int vhd_write_take(struct vhd_image *image, uint64_t length,
		   struct vhd_place *out)
{
	struct vhd_writer *w = image->writer;
	uint64_t inside;
	int rc = vhd_space_take(w->space, length, out);

	if (VHD_BROKEN(VHD_RULE_RECYCLED_IS_ORDERED) && !rc &&
	    out->offset + length <= w->file_size)
		return 0;
	if (rc || out->fresh)
		return rc;
	inside = out->offset < w->file_size
			 ? vhd_min(length, w->file_size - out->offset)
			 : 0;
	rc = inside ? vhd_file_punch(image->file, out->offset, inside) : 0;
	if (rc)
		vhd_space_return(w->space, out->offset, length);
	return rc;
}

/* VHD counts bits from the most significant, VHDX from the least */
static uint8_t bit_mask(const struct vhd_image *image, uint64_t bit)
{
	unsigned shift = (unsigned)(bit & 7);

	return (uint8_t)(image->map.kind == VHD_MAP_VHD1 ? 0x80 >> shift
							 : 1 << shift);
}

void vhd_write_bits(struct vhd_image *image, uint64_t base, uint64_t first,
		    uint64_t count)
{
	struct vhd_window *window = vhd_pages_window(image->pages);
	uint8_t bytes[64];

	while (count) {
		uint64_t byte = (first / 8) & ~(uint64_t)63;
		uint64_t at = first - byte * 8;
		uint64_t n = vhd_min(count, 512 - at);
		size_t from = (size_t)(at / 8),
		       len = (size_t)((at + n + 7) / 8);

		/* pinned pages: the load cannot fail */
		window->load(window, base + byte + from, bytes + from,
			     len - from);
		for (uint64_t bit = at; bit < at + n; bit++)
			bytes[bit / 8] |= bit_mask(image, bit);
		vhd_pages_store(image->pages, base + byte + from, bytes + from,
				len - from);
		first += n;
		count -= n;
	}
}

/* -- writing
 * ------------------------------------------------------------------- */

static void plan_over(const struct vhd_extent *e, struct vhd_write *out)
{
	out->length = e->length;
	out->offset = e->offset;
	out->kind = VHD_WRITE_OVER;
}

/* metadata has no room: write it out, or wait for writers that hold it */
static int make_way(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	int rc;

	if (!vhd_pages_dirty(image->pages) && w->busy_count) {
		pthread_cond_wait(&w->changed, &w->mutex);
		return 0;
	}
	pthread_mutex_unlock(&w->mutex);
	rc = vhd_image_flush(image);
	pthread_mutex_lock(&w->mutex);
	return rc;
}

/* with the mutex: where a range that is not all present goes */
static int plan(struct vhd_image *image, uint64_t offset, uint64_t length,
		struct vhd_write *out)
{
	struct vhd_window *window = vhd_pages_window(image->pages);
	struct vhd_extent e;
	struct vhd_block b;
	int rc = vhd_map_extent(&image->map, window, offset, length, &e, NULL);

	if (rc)
		return rc;
	if (e.kind == VHD_EXTENT_DATA) {
		plan_over(&e, out);
		return 0;
	}
	rc = vhd_map_block(&image->map, window, out->block, &b, NULL);
	if (rc)
		return rc;
	/* one block at a time; a fill ends where the sectors are present */
	out->length = vhd_min(
		length, ((out->block + 1) << image->map.block_shift) - offset);
	if (b.state == VHD_BLOCK_PARTIAL)
		out->length = vhd_min(out->length, e.length);
	return image->writer->ops->plan(image, &b, out);
}

static int begin_slow(struct vhd_image *image, uint64_t offset, uint64_t length,
		      struct vhd_write *out)
{
	struct vhd_writer *w = image->writer;
	int rc;

	out->block = offset >> image->map.block_shift;
	pthread_mutex_lock(&w->mutex);
	do {
		wait_for(image, out->block);
		rc = plan(image, offset, length, out);
		if (rc != VHD_E_LIMIT)
			break;
		rc = make_way(image);
	} while (!rc);
	if (!rc && out->kind != VHD_WRITE_OVER) {
		w->busy[w->busy_count].block = out->block;
		w->busy[w->busy_count++].new_bitmap = out->new_bitmap;
	}
	pthread_mutex_unlock(&w->mutex);
	return rc;
}

int vhd_image_write_begin(struct vhd_image *image, uint64_t offset,
			  uint64_t length, struct vhd_write *out)
{
	struct vhd_extent e;
	int rc = ready(image);

	if (rc)
		return rc;
	*out = (struct vhd_write){.start = offset};
	out->epoch = enter(image);
	rc = vhd_image_extent(image, offset, length, &e, NULL);
	if (!rc && e.kind == VHD_EXTENT_DATA)
		plan_over(&e, out);
	else if (!rc)
		rc = begin_slow(image, offset, length, out);
	if (rc)
		vhd_image_leave(image, out->epoch);
	return rc;
}

static void finish(struct vhd_image *image, struct vhd_write *out)
{
	set_idle(image->writer, out->block);
	pthread_mutex_unlock(&image->writer->mutex);
}

int vhd_image_write_commit(struct vhd_image *image, struct vhd_write *out)
{
	struct vhd_writer *w = image->writer;

	if (out->kind != VHD_WRITE_OVER) {
		pthread_mutex_lock(&w->mutex);
		w->ops->publish(image, out);
		vhd_write_note_change(w);
		w->ordered |= out->ordered;
		unpin(image, out);
		finish(image, out);
	}
	vhd_image_leave(image, out->epoch);
	return 0;
}

void vhd_image_write_abort(struct vhd_image *image, struct vhd_write *out)
{
	if (out->kind != VHD_WRITE_OVER) {
		pthread_mutex_lock(&image->writer->mutex);
		vhd_write_undo(image, out);
		finish(image, out);
	}
	vhd_image_leave(image, out->epoch);
}

int vhd_image_change_block(struct vhd_image *image, uint64_t block,
			   int (*change)(struct vhd_image *image,
					 uint64_t block,
					 const struct vhd_block *b))
{
	struct vhd_writer *w = image->writer;
	struct vhd_block b;
	int rc = ready(image);

	if (rc)
		return rc;
	pthread_mutex_lock(&w->mutex);
	do {
		while (held_by_others(w) || is_taken(image, block))
			pthread_cond_wait(&w->changed, &w->mutex);
		rc = vhd_map_block(&image->map, vhd_pages_window(image->pages),
				   block, &b, NULL);
		if (!rc)
			rc = change(image, block, &b);
		vhd_write_note_change(w);
		if (rc != VHD_E_LIMIT)
			break;
		rc = make_way(image);
	} while (!rc);
	pthread_mutex_unlock(&w->mutex);
	return rc;
}

/* -- flushing
 * ------------------------------------------------------------------- */

/* with the mutex: what a commit that failed leaves in memory */
static void take_back(struct vhd_image *image, struct vhd_page_set *set,
		      bool ordered)
{
	struct vhd_writer *w = image->writer;

	w->ordered |= ordered;
	if (atomic_load(&w->error)) /* for readers only */
		vhd_page_set_free(set);
	else
		vhd_pages_restore(image->pages, set);
}

static int flush_pages(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	struct vhd_page_set set;
	uint32_t mark;
	bool ordered;
	int rc;

	pthread_mutex_lock(&w->mutex);
	rc = vhd_pages_snapshot(image->pages, &set);
	ordered = w->ordered;
	mark = vhd_space_mark(w->space);
	if (!rc)
		w->ordered = false;
	pthread_mutex_unlock(&w->mutex);
	if (rc)
		return rc;
	rc = w->ops->commit(image, &set, ordered);
	if (!passes(rc))
		doubt(w, rc);
	pthread_mutex_lock(&w->mutex);
	if (rc) {
		take_back(image, &set, ordered);
	} else {
		vhd_pages_settle(image->pages, &set);
		atomic_store(&w->unsettled, vhd_pages_dirty(image->pages) > 0);
		vhd_space_durable(w->space, mark, atomic_load(&w->epoch.now));
		vhd_write_reclaim(image);
	}
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->mutex);
	return rc;
}

static int flush_once(struct vhd_image *image)
{
	if (image->map.kind == VHD_MAP_LINEAR)
		return vhd_write_barrier(image);
	return flush_pages(image);
}

/*
 * Flushes of several threads merge: one that begins after a request was made
 * serves it.
 */
int vhd_image_flush(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	uint64_t mine, upto;
	int rc;

	if (!w)
		return 0;
	mine = atomic_fetch_add(&w->requested, 1) + 1;
	pthread_mutex_lock(&w->flush_mutex);
	rc = atomic_load(&w->error);
	if (!rc && w->done < mine) {
		upto = atomic_load(&w->requested);
		rc = flush_once(image);
		if (!rc)
			w->done = upto;
	}
	pthread_mutex_unlock(&w->flush_mutex);
	return rc;
}

/* with the mutex; all pages are in memory before the first is changed */
static int store_all(struct vhd_image *image, const struct vhd_patch *patches,
		     unsigned count)
{
	unsigned pinned = 0;
	int rc = 0;

	for (; pinned < count && !rc; pinned += !rc)
		rc = vhd_pages_pin(image->pages, patches[pinned].offset,
				   patches[pinned].length);
	for (unsigned i = 0; i < count && !rc; i++)
		vhd_pages_store(image->pages, patches[i].offset,
				patches[i].bytes, patches[i].length);
	while (pinned--)
		vhd_pages_unpin(image->pages, patches[pinned].offset,
				patches[pinned].length);
	return rc;
}

int vhd_image_patch(struct vhd_image *image, const struct vhd_patch *patches,
		    unsigned count)
{
	struct vhd_writer *w = image->writer;
	int rc = ready(image);

	if (!rc)
		rc = vhd_image_flush(image);
	if (rc)
		return rc;
	pthread_mutex_lock(&w->mutex);
	rc = store_all(image, patches, count);
	vhd_write_note_change(w);
	pthread_mutex_unlock(&w->mutex);
	/* a flush that is taken back would write them out later, when the
	 * caller has given up what they say */
	return rc ? rc : vhd_write_doubt(image, vhd_image_flush(image));
}

static int note_end(void *ctx, const struct vhd_table_entry *e)
{
	uint64_t *end = ctx;

	*end = vhd_max(*end, e->owned + (e->owned ? e->place_length : 0));
	return e->error;
}

int vhd_image_find_end(struct vhd_image *image)
{
	struct vhd_space *space = image->writer->space;
	uint64_t end = 0;
	int rc;

	if (image->format == VHD_FORMAT_VHDX) {
		vhd_space_shrink(space);
		return 0;
	}
	for (uint32_t i = 0; i < image->map.reserved_count; i++)
		end = vhd_max(end, image->map.reserved[i].end);
	rc = vhd_table_walk(image, note_end, &end, NULL);
	if (!rc)
		vhd_space_set_end(space, end);
	return rc;
}

/* without a free place in front of it, the end of a VHD is where it was */
static int find_end(struct vhd_image *image)
{
	if (image->format == VHD_FORMAT_VHD &&
	    !vhd_space_has_gaps(image->writer->space))
		return 0;
	return vhd_image_find_end(image);
}

/* with the flush_mutex: what was given up is free, and the file ends early */
static int cut_tail(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	uint64_t end = vhd_space_end(w->space);
	int rc;

	pthread_mutex_lock(&w->mutex);
	vhd_write_reclaim(image);
	pthread_mutex_unlock(&w->mutex);
	rc = find_end(image);
	if (!rc && w->ops->close)
		rc = w->ops->close(image);
	if (!passes(rc))
		return doubt(w, rc);
	/* not cut, so what lies there does not read as zeros */
	pthread_mutex_lock(&w->mutex);
	vhd_space_move_end(w->space, end);
	pthread_mutex_unlock(&w->mutex);
	return rc;
}

int vhd_image_cut_tail(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	int rc = vhd_image_flush(image);

	if (rc || !atomic_load(&w->started))
		return rc;
	/* nobody reads any more what the flush made free */
	if (!wait_for_users(w, PATIENCE_MAX))
		return VHD_E_BUSY;
	pthread_mutex_lock(&w->flush_mutex);
	rc = atomic_load(&w->error);
	if (!rc)
		rc = cut_tail(image);
	pthread_mutex_unlock(&w->flush_mutex);
	return rc;
}

int vhd_image_shut(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	int rc;

	if (!w)
		return 0;
	/* even without a change of ours: a process that died before may have
	 * left some that are not durable, and our reader has seen them */
	rc = vhd_image_flush(image);
	if (passes(rc) && !atomic_load(&w->error))
		return rc;
	if (!rc && (atomic_load(&w->started) || w->restart)) {
		if (w->space)
			rc = find_end(image);
		if (!rc && w->ops->close)
			rc = w->ops->close(image);
	}
	vhd_writer_free(image);
	return rc;
}

/* -- raw and fixed VHD: everything is in place
 * --------------------------------- */

static int linear_commit(struct vhd_image *image, struct vhd_page_set *set,
			 bool ordered)
{
	(void)set;
	(void)ordered;
	return vhd_write_barrier(image);
}

const struct vhd_writer_ops vhd_linear_writer_ops = {
	.commit = linear_commit,
};

int vhd_image_touch(struct vhd_image *image)
{
	return ready(image);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan and the deed are one loop. It runs over the owners of space from the
 * highest down and takes for each the lowest free place below it, until there
 * is none. Planning does so on an account of the space of its own (space.h);
 * packing uses the image's and moves the bytes.
 *
 * Owners are listed in windows of the file, so that memory does not depend on
 * the image's size. A window begins with all earlier moves in the file, since
 * the list is read from there.
 *
 * A batch of moves becomes durable by one flush, which then punches the old
 * places out of the host file. If the host has no space for a copy, the batch
 * is flushed early: that gives back as much as the next move needs.
 *
 * In an image that others write, their writes are held off for a few blocks at
 * a time. All tables are home then, so what a block's copy takes along of its
 * bitmap is up to date. A listed owner may have gone in between: it is looked
 * up again.
 */
#include "pack.h"

#include <time.h>

#include "core/bytes.h"
#include "core/checked.h"
#include "core/vhdx_bat.h"
#include "move.h"
#include "shed.h"

/* owners in memory at once */
#define WINDOW_OWNERS 65536u
/* bytes moved between two flushes */
#define PACK_BATCH ((uint64_t)256 << 20)
/* moved while writes are held off; a block at least */
#define LIVE_BATCH ((uint64_t)4 << 20)

struct pack {
	struct vhd_image *image;
	struct vhd_space *space;
	/* planning: what will not be there any more */
	const struct vhd_blockset *gone;
	const struct vhd_blockset *idle;
	bool planning;
	vhd_moved_fn *moved;
	void *ctx;
	bool live;            /* others write meanwhile */
	bool holding;         /* and wait now */
	uint64_t since;       /* bytes moved since they began to wait */
	struct timespec from; /* when that was */
	bool stopped;         /* the next owner stays, and all below it */
	uint64_t end;         /* behind all that was placed or stays */
	uint64_t unflushed;   /* bytes */
	struct vhd_packing sum;
};

static bool is_gone(const struct pack *p, const struct vhd_owner *o)
{
	return vhd_blockset_has(o->is_bitmap ? p->idle : p->gone, o->index);
}

static int take(struct pack *p, const struct vhd_owner *o,
		struct vhd_place *out)
{
	struct vhd_writer *w = p->image->writer;
	int rc;

	if (p->planning)
		return vhd_space_take_below(p->space, o->length, o->offset,
					    out);
	pthread_mutex_lock(&w->mutex);
	rc = vhd_space_take_below(p->space, o->length, o->offset, out);
	pthread_mutex_unlock(&w->mutex);
	return rc;
}

static int flush(struct pack *p)
{
	p->unflushed = 0;
	return vhd_image_flush(p->image);
}

/* -- beside others -----------------------------------------------------------
 */

static int hold(struct pack *p)
{
	if (!p->live || p->holding)
		return 0;
	vhd_image_hold_writes(p->image);
	p->holding = true;
	p->since = 0;
	clock_gettime(CLOCK_MONOTONIC, &p->from);
	return flush(p);
}

/*
 * Lets the others write for as long as they had to wait. The moves are durable
 * before: what is written to a block that only memory knows the place of would
 * not outlive us.
 */
static int let_go(struct pack *p)
{
	struct timespec now, pause;
	int64_t ns;
	int rc;

	if (!p->holding)
		return 0;
	rc = p->unflushed ? flush(p) : 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (int64_t)(now.tv_sec - p->from.tv_sec) * 1000000000 +
	     (now.tv_nsec - p->from.tv_nsec);
	pause.tv_sec = (time_t)(ns / 1000000000);
	pause.tv_nsec = (long)(ns % 1000000000);
	vhd_image_let_write(p->image);
	p->holding = false;
	nanosleep(&pause, NULL);
	return rc;
}

/* does the space still belong to whom it did when it was listed? */
static int is_current(struct pack *p, const struct vhd_owner *o, bool *out)
{
	uint64_t place = 0;
	int rc = vhd_owner_place(p->image, o, &place);

	*out = !rc && place == o->offset;
	return rc;
}

/* -- one owner ---------------------------------------------------------------
 */

static int retry(struct pack *p, const struct vhd_owner *o)
{
	struct vhd_place place;
	int rc = flush(p);

	if (!rc)
		rc = take(p, o, &place);
	return rc ? rc : vhd_image_move(p->image, o, &place);
}

static int move(struct pack *p, const struct vhd_owner *o,
		const struct vhd_place *place)
{
	int rc = vhd_image_move(p->image, o, place);

	if (rc == VHD_E_NOSPACE && p->unflushed)
		rc = retry(p, o);
	if (rc)
		return rc;
	p->unflushed += o->length;
	p->since += o->length;
	if (p->unflushed >= PACK_BATCH)
		rc = flush(p);
	if (!rc && p->since >= LIVE_BATCH)
		rc = let_go(p);
	return rc ? rc : p->moved(p->ctx, o->length);
}

static int pack_owner(struct pack *p, const struct vhd_owner *o)
{
	struct vhd_place place;
	bool current = true;
	int rc = hold(p);

	if (!rc && p->live)
		rc = is_current(p, o, &current);
	if (rc || !current)
		return rc;
	rc = take(p, o, &place);
	if (rc == VHD_E_NOSPACE) {
		p->end = vhd_max(p->end, o->offset + o->length);
		p->stopped = true;
		return 0;
	}
	if (rc)
		return rc;
	p->end = vhd_max(p->end, place.offset + o->length);
	p->sum.blocks++;
	p->sum.bytes += o->length;
	return p->planning ? 0 : move(p, o, &place);
}

/* the owners that begin in [from, to), from the last to the first */
static int pack_window(struct pack *p, uint64_t from, uint64_t to)
{
	struct vhd_owners owners;
	int rc = p->planning ? 0 : hold(p);

	if (!rc && !p->planning)
		rc = flush(p);
	if (!rc)
		rc = vhd_owners_find(p->image, from, to, &owners);
	if (rc)
		return rc;
	for (size_t i = owners.count; i-- && !rc && !p->stopped;)
		if (owners.items[i].offset >= from &&
		    !is_gone(p, &owners.items[i]))
			rc = pack_owner(p, &owners.items[i]);
	vhd_owners_free(&owners);
	return rc;
}

/* Blocks that others write behind it from now on are not moved. */
static uint64_t end_now(const struct pack *p)
{
	struct vhd_writer *w = p->image->writer;
	uint64_t end;

	if (p->planning)
		return vhd_space_end(p->space); /* our own */
	pthread_mutex_lock(&w->mutex);
	end = vhd_space_end(p->space);
	pthread_mutex_unlock(&w->mutex);
	return end;
}

static int pack_all(struct pack *p)
{
	const struct vhd_map *map = &p->image->map;
	uint64_t window = ((uint64_t)1 << map->block_shift) * WINDOW_OWNERS;
	uint64_t top = end_now(p);
	int rc = 0;

	for (uint32_t i = 0; i < map->reserved_count; i++)
		p->end = vhd_max(p->end, map->reserved[i].end);
	while (top && !rc && !p->stopped) {
		uint64_t from = top > window ? top - window : 0;

		rc = pack_window(p, from, top);
		top = from;
	}
	return rc;
}

static uint64_t file_size(const struct vhd_image *image, uint64_t end)
{
	if (image->format == VHD_FORMAT_VHD)
		return vhd_round_up(end, VHD1_SECTOR) + VHD1_FOOTER_SIZE;
	return vhd_round_up(end, VHDX_ALIGN);
}

/* -- planning ----------------------------------------------------------------
 */

struct giving {
	struct pack *p;
	uint64_t end; /* of what stays */
};

static int give_back(void *ctx, const struct vhd_table_entry *e)
{
	struct giving *g = ctx;
	const struct pack *p = g->p;
	struct vhd_owner o = {.index = e->index, .is_bitmap = e->is_bitmap};

	if (e->error || !e->owned)
		return e->error;
	if (!is_gone(p, &o))
		g->end = vhd_max(g->end, e->owned + e->place_length);
	else if (p->image->format == VHD_FORMAT_VHDX ||
		 vhd_map_is_free(&p->image->map, e->owned, e->place_length))
		vhd_space_release(p->space, e->owned, e->place_length);
	return 0;
}

/* what is given up goes the way it goes when that is durable */
static void settle(struct vhd_space *space)
{
	uint64_t offset, length;

	vhd_space_durable(space, vhd_space_mark(space), 0);
	while (vhd_space_next_safe(space, 2, &offset, &length))
		vhd_space_return(space, offset, length);
}

static int plan(struct pack *p, bool moving)
{
	struct giving g = {p, 0};
	int rc = vhd_table_walk(p->image, give_back, &g, NULL);

	if (rc)
		return rc;
	settle(p->space);
	p->end = moving ? 0 : g.end;
	p->stopped = !moving;
	return pack_all(p);
}

int vhd_image_plan(struct vhd_image *image, const struct vhd_blockset *gone,
		   const struct vhd_blockset *whole, bool moving,
		   struct vhd_packing *out)
{
	struct vhd_blockset idle = {0};
	struct pack p = {
		.image = image,
		.gone = gone,
		.idle = &idle,
		.planning = true,
	};
	int rc = vhd_image_idle_bitmaps(image, gone, whole, &idle);

	if (!rc)
		rc = vhd_space_new(image, &p.space);
	if (!rc)
		rc = plan(&p, moving);
	p.sum.file_size = file_size(image, p.end);
	if (!rc)
		*out = p.sum;
	vhd_space_free(p.space);
	vhd_blockset_free(&idle);
	return rc;
}

/* -- packing -----------------------------------------------------------------
 */

int vhd_image_cut(struct vhd_image *image)
{
	return vhd_image_touch(image);
}

static void set_alone(struct vhd_image *image, bool alone)
{
	pthread_mutex_lock(&image->writer->mutex);
	image->writer->alone = alone;
	pthread_mutex_unlock(&image->writer->mutex);
}

int vhd_image_pack(struct vhd_image *image, bool live, vhd_moved_fn *moved,
		   void *ctx, struct vhd_packing *out)
{
	struct pack p = {
		.image = image,
		.space = image->writer->space,
		.live = live,
		.moved = moved,
		.ctx = ctx,
	};
	int rc = vhd_image_touch(image), done;

	set_alone(image, !live);
	if (!rc)
		rc = pack_all(&p);
	done = flush(&p);
	set_alone(image, false);
	let_go(&p); /* has nothing to flush any more */
	p.sum.file_size = file_size(image, p.end);
	*out = p.sum;
	return rc ? rc : done;
}

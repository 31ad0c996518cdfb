/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The block table. A walk decides for each entry that is damaged what becomes
 * of it, and what becomes of two that share space; then the changes are made
 * (mend_entries.h). What one walk could not see because of another damage, the
 * next one does; it ends when a walk finds nothing. Entries are not changed
 * without salvage, except those of blocks without content.
 */
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "core/checked.h"
#include "core/diag.h"
#include "core/vhdx_bat.h"
#include "mend_entries.h"
#include "table.h"

/* Entries mended in one round, so that memory is bounded; the rest waits. */
#define CHANGES_MAX ((size_t)1 << 16)
/* a table of 2^26 entries in rounds of CHANGES_MAX, and then some */
#define ROUNDS_MAX 4096u

static const char bat_name[] = "block table (BAT)";

/* clang-format off */
static const struct vhd_mend_kind short_block = {"short-block",
	"the file was extended to the end of its last block", true};
static const struct vhd_mend_kind anchor = {"bat-anchor",
	"a block without content no longer names a place", true};
static const struct vhd_mend_kind stale = {"bat-stale-place",
	"a block without content no longer names a place", true};
static const struct vhd_mend_kind reserved = {"bat-entry",
	"reserved bits were cleared; the block can be read again", false};
static const struct vhd_mend_kind full = {"bat-entry",
	"a partially present block of a disk without a parent became fully "
	"present; it can be read again", false};
static const struct vhd_mend_kind draft = {"bat-entry",
	"a state of an early draft became ZERO: the block reads as zeros",
	false};
static const struct vhd_mend_kind cut = {"bat-entry",
	"the file was cut inside this block; what is missing of it is lost "
	"and reads as zeros", false};
static const struct vhd_mend_kind cleared = {"bat-entry",
	"the entry was cleared: the block is lost and reads as zeros", false};
static const struct vhd_mend_kind reverted = {"bat-entry",
	"the entry was cleared: the block is lost and reads as in the parent",
	false};
static const struct vhd_mend_kind no_bitmap = {"bat-entry",
	"the entry of a damaged sector bitmap was cleared", false};
static const struct vhd_mend_kind copied = {"bat-overlap",
	"the block shared its space with another one and has a copy of its "
	"own now", false};
/* clang-format on */

/* a VHD's block in use */
struct use {
	uint32_t start; /* sector */
	uint32_t block;
};

struct table {
	struct vhd_mending *m;
	struct vhd_image *image;
	struct vhd_claims *claims; /* VHDX */
	struct use *uses;          /* VHD */
	size_t use_count;
	size_t use_room;
	struct vhd_changes changes;
	uint64_t anchors; /* met */
	uint64_t end;     /* of everything that is owned */
};

static bool is_vhd1(const struct table *t)
{
	return t->image->format == VHD_FORMAT_VHD;
}

static int add(struct table *t, const struct vhd_change *c)
{
	if (!c->kind->lossless && !t->m->options->salvage) {
		t->m->table_bad = true;
		return 0;
	}
	/* what does not fit is met again in the next round */
	if (t->changes.count == CHANGES_MAX)
		return 0;
	return vhd_changes_add(&t->changes, c);
}

static int extend(struct table *t, const struct vhd_change *c, uint64_t end)
{
	bool wanted = c->kind->lossless || t->m->options->salvage;

	if (wanted && t->changes.count < CHANGES_MAX)
		t->changes.extended = vhd_max(t->changes.extended, end);
	return add(t, c);
}

static void clear_entry(const struct table *t, uint64_t block,
			struct vhd_change *c)
{
	c->kind = t->image->map.has_parent ? &reverted : &cleared;
	c->value = vhd_change_empty(t->image);
	vhd_change_lose(t->image, block, c);
}

/* -- what becomes of a damaged entry -----------------------------------------
 */

/* does [offset, offset + length) touch metadata, wherever the file ends? */
static bool is_misplaced(const struct table *t, uint64_t offset,
			 uint64_t length)
{
	struct vhd_map endless = t->image->map;

	endless.limit = UINT64_MAX;
	return !vhd_map_is_free(&endless, offset, length);
}

/*
 * A block at [place, ...) of which the file holds the first part: with `head`
 * bytes in front of the payload.
 */
static int cut_entry(struct table *t, const struct vhd_table_entry *e,
		     uint64_t place, uint64_t head, struct vhd_change *c)
{
	const struct vhd_map *map = &t->image->map;
	uint64_t need = vhd_map_block_need(map, e->index);
	uint64_t here = map->limit - place - head;

	c->kind = &cut;
	vhd_change_lose(t->image, e->index, c);
	c->lost_at += here;
	c->lost = need - here;
	return extend(t, c, place + vhd_table_place(t->image));
}

static int decide_vhd1(struct table *t, const struct vhd_table_entry *e)
{
	const struct vhd_map *map = &t->image->map;
	uint64_t place = e->block.raw * VHD1_SECTOR;
	uint64_t length = map->bitmap_bytes + vhd_map_block_need(map, e->index);
	struct vhd_change c = {.entry = e->block.entry};

	if (!is_misplaced(t, place, length) &&
	    place + map->bitmap_bytes < map->limit) {
		c.same = true;
		return cut_entry(t, e, place, map->bitmap_bytes, &c);
	}
	clear_entry(t, e->index, &c);
	return add(t, &c);
}

/* a stored block of a VHDX whose entry cannot be used as it is */
static int decide_stored(struct table *t, const struct vhd_table_entry *e,
			 struct vhd_change *c)
{
	const struct vhd_map *map = &t->image->map;
	uint64_t raw = e->block.raw, place = vhdx_entry_offset(raw);
	uint64_t need = vhd_map_block_need(map, e->index);
	bool partial = vhdx_entry_state(raw) == VHDX_PARTIALLY_PRESENT;

	c->value = raw - vhdx_entry_reserved(raw);
	if (partial && !map->has_parent)
		c->value = place | VHDX_FULLY_PRESENT;
	if (is_misplaced(t, place, need) || place >= map->limit) {
		clear_entry(t, e->index, c);
	} else if (!vhd_inside(place, need, map->limit)) {
		return cut_entry(t, e, place, 0, c);
	} else if (c->value == raw) {
		clear_entry(t, e->index, c); /* no bitmap says what is here */
	} else {
		c->kind = partial && !map->has_parent ? &full : &reserved;
	}
	return add(t, c);
}

static int decide_vhdx(struct table *t, const struct vhd_table_entry *e)
{
	struct vhd_change c = {.entry = e->block.entry};
	uint32_t state = vhdx_entry_state(e->block.raw);

	switch (state) {
	case VHDX_FULLY_PRESENT:
	case VHDX_PARTIALLY_PRESENT:
		return decide_stored(t, e, &c);
	case VHDX_UNDEFINED:
	case VHDX_UNMAPPED:
	case VHDX_NOT_PRESENT:
	case VHDX_ZERO:
		c.kind = e->is_anchor ? &anchor : &reserved;
		c.value = state;
		break;
	case VHDX_DRAFT_UNMAPPED:
		c.kind = &draft;
		c.value = VHDX_ZERO;
		break;
	default:
		clear_entry(t, e->index, &c);
	}
	return add(t, &c);
}

static int decide_bitmap(struct table *t, const struct vhd_table_entry *e)
{
	const struct vhd_map *map = &t->image->map;
	uint64_t raw = e->block.raw;
	struct vhd_change c = {.entry = e->block.entry, .kind = &no_bitmap};

	if (vhdx_entry_state(raw) == VHDX_BITMAP_PRESENT &&
	    vhd_map_is_free(map, e->owned, e->owned_length)) {
		c.kind = &reserved;
		c.value = raw - vhdx_entry_reserved(raw);
	}
	return add(t, &c);
}

/* -- space that two share ----------------------------------------------------
 */

static int copy_block(struct table *t, uint64_t entry, uint64_t value,
		      uint64_t from, uint64_t length)
{
	const struct vhd_change c = {
		.kind = &copied,
		.entry = entry,
		.value = value,
		.from = from,
		.length = length,
	};

	return add(t, &c);
}

static int use_vhdx(struct table *t, const struct vhd_table_entry *e)
{
	int rc = vhd_claims_add(t->claims, e->owned, e->owned_length);

	if (rc != VHD_E_CORRUPT)
		return rc;
	return copy_block(t, e->block.entry, vhdx_entry_state(e->block.raw),
			  e->owned, e->owned_length);
}

static int use_vhd1(struct table *t, const struct vhd_table_entry *e)
{
	if (t->use_count == VHD_CLAIMS_BLOCKS_MAX)
		return VHD_E_LIMIT;
	if (t->use_count == t->use_room) {
		size_t room = t->use_room ? 2 * t->use_room : 256;
		struct use *uses = realloc(t->uses, room * sizeof(*uses));

		if (!uses)
			return VHD_E_NOMEM;
		t->uses = uses;
		t->use_room = room;
	}
	t->uses[t->use_count++] = (struct use){
		(uint32_t)(e->owned / VHD1_SECTOR),
		(uint32_t)e->index,
	};
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return (x->block > y->block) - (x->block < y->block);
}

static int copy_vhd1(struct table *t, const struct use *use)
{
	const struct vhd_map *map = &t->image->map;

	return copy_block(t, vhd_map_entry_offset(map, use->block), 0,
			  (uint64_t)use->start * VHD1_SECTOR,
			  map->bitmap_bytes +
				  vhd_map_block_need(map, use->block));
}

/* of two that share space, the later block of the disk moves */
static int find_shared(struct table *t)
{
	uint64_t length = vhd_table_place(t->image);
	struct use *kept = t->uses;
	int rc = 0;

	if (!t->use_count)
		return 0;
	qsort(t->uses, t->use_count, sizeof(*t->uses), by_start);
	for (size_t i = 1; i < t->use_count && !rc; i++) {
		struct use *next = t->uses + i;
		uint64_t gap = (uint64_t)next->start - kept->start;

		if (gap * VHD1_SECTOR >= length) {
			kept = next;
		} else if (next->block > kept->block) {
			rc = copy_vhd1(t, next);
		} else {
			rc = copy_vhd1(t, kept);
			kept = next;
		}
	}
	return rc;
}

/* -- the walks ---------------------------------------------------------------
 */

static int visit_sound(struct table *t, const struct vhd_table_entry *e)
{
	uint64_t end = vhd_table_short(t->image, e);
	struct vhd_change c = {
		.kind = &short_block,
		.entry = e->block.entry,
		.same = true,
	};
	int rc = 0;

	if (end)
		rc = extend(t, &c, end);
	if (e->is_bitmap)
		t->end = vhd_max(t->end, e->owned + e->owned_length);
	else
		t->end = vhd_max(t->end, e->owned + vhd_table_place(t->image));
	if (rc)
		return rc;
	return is_vhd1(t) ? use_vhd1(t, e) : use_vhdx(t, e);
}

static int visit(void *ctx, const struct vhd_table_entry *e)
{
	struct table *t = ctx;

	if (e->error && e->error != VHD_E_CORRUPT)
		return e->error;
	if (e->error) {
		if (e->is_bitmap)
			return decide_bitmap(t, e);
		return is_vhd1(t) ? decide_vhd1(t, e) : decide_vhdx(t, e);
	}
	if (vhd_table_is_stale(t->image, e)) {
		struct vhd_change c = {
			.kind = &stale,
			.entry = e->block.entry,
			.value = vhdx_entry_state(e->block.raw),
		};

		return add(t, &c);
	}
	if (e->is_anchor)
		t->anchors++;
	return e->owned && !e->is_anchor ? visit_sound(t, e) : 0;
}

/* places of blocks without content give way to those of blocks with one */
static int visit_anchor(void *ctx, const struct vhd_table_entry *e)
{
	struct table *t = ctx;
	struct vhd_change c = {
		.kind = &anchor,
		.entry = e->block.entry,
		.value = vhdx_entry_state(e->block.raw),
	};
	int rc;

	if (!e->is_anchor || e->error)
		return 0;
	rc = vhd_claims_add(t->claims, e->owned, e->owned_length);
	if (rc == VHD_E_CORRUPT)
		return add(t, &c);
	t->end = vhd_max(t->end, e->owned + e->owned_length);
	return rc;
}

static int collect(struct table *t)
{
	const struct vhd_map *map = &t->image->map;
	uint64_t room = map->limit + ((uint64_t)1 << 30);
	int rc = 0;

	for (uint32_t i = 0; i < map->reserved_count; i++)
		t->end = vhd_max(t->end, map->reserved[i].end);
	if (!is_vhd1(t))
		rc = vhd_claims_new(room, VHDX_ALIGN, &t->claims);
	if (!rc)
		rc = vhd_table_walk(t->image, visit, t, t->m->diag);
	if (!rc && t->anchors)
		rc = vhd_table_walk(t->image, visit_anchor, t, t->m->diag);
	if (!rc && is_vhd1(t))
		rc = find_shared(t);
	return rc;
}

/* -- rounds ------------------------------------------------------------------
 */

static void drop(struct table *t)
{
	vhd_claims_free(t->claims);
	free(t->uses);
	vhd_changes_free(&t->changes);
}

/* 1 if something was mended, so that another look is due */
static int mend_round(struct vhd_mending *m, struct vhd_image *image)
{
	struct table t = {
		.m = m,
		.image = image,
		.changes = {.m = m, .image = image},
	};
	int rc = collect(&t);

	if (!rc && t.changes.count)
		rc = vhd_changes_make(&t.changes);
	if (rc)
		rc = vhd_mend_fail(m, rc, bat_name, image->map.bat_offset);
	else
		vhd_changes_report(&t.changes);
	m->end = t.end;
	if (!rc && t.changes.count)
		rc = 1;
	drop(&t);
	return rc;
}

int vhd_mend_table(struct vhd_mending *m)
{
	int rc = 1;

	for (unsigned i = 0; i < ROUNDS_MAX && rc == 1; i++) {
		m->table_bad = false;
		rc = vhd_mend_with(m, mend_round);
	}
	return rc == 1 ? vhd_mend_fail(m, VHD_E_LIMIT, bat_name, VHD_NO_OFFSET)
		       : rc;
}

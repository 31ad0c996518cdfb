/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VHDX: a bit a MiB of the file. VHD: the free block places, which all have one
 * size, in a heap with the lowest on top. Behind `end` everything is fresh: the
 * file is cut there when the first write of a session comes.
 */
#include "space.h"

#include <stdlib.h>
#include <string.h>

#include "break.h"
#include "core/checked.h"
#include "core/diag.h"
#include "image.h"
#include "table.h"

/* a block of a VHD starts below 2 TiB: its sector number has 32 bits */
#define VHD1_START_MAX ((uint64_t)0xFFFFFFFE * 512)

struct released {
	uint64_t offset;
	uint64_t length;
	uint64_t epoch; /* in which it became durable */
	bool durable;
};

struct vhd_space {
	bool vhdx;
	uint64_t place_bytes; /* of a whole block, with its bitmap (VHD) */
	uint64_t end;
	/* VHDX */
	uint64_t *bits;
	uint64_t room;       /* units the bits cover */
	uint64_t free_units; /* below end */
	uint64_t hint;
	/* for lengths that were looked for from the start: no run of `count`
	 * free units begins below `at` */
	struct {
		uint64_t count;
		uint64_t at;
	} lowest[2];
	/* VHD */
	uint32_t bitmap_bytes;
	uint64_t *places;
	size_t place_count;
	size_t place_room;
	/* both */
	/* the last block, if the disk ends inside it and another object lies
	 * in what is left of its place: 0 if none */
	uint64_t shared;
	uint64_t shared_length; /* its own part */
	uint64_t tail;          /* what is left, until it is looked at */
	uint64_t tail_end;
	uint64_t forbidden; /* [forbidden, forbidden_end) */
	uint64_t forbidden_end;
	struct released *released;
	size_t released_head; /* the first that is still held back */
	size_t released_count;
	size_t released_room;
};

static bool taken(const struct vhd_space *s, uint64_t unit)
{
	return s->bits[unit / 64] >> (unit % 64) & 1;
}

/* bits for files up to `units` MiB */
static int make_room(struct vhd_space *s, uint64_t units)
{
	uint64_t words = units / 64 + 1;
	uint64_t have = s->room / 64;
	uint64_t *bits;

	if (units <= s->room)
		return 0;
	if (units > VHD_CLAIMS_FILE_MAX >> 20)
		return VHD_E_LIMIT;
	words = vhd_max(words, have * 2);
	bits = reallocarray(s->bits, (size_t)words, sizeof(*bits));
	if (!bits)
		return VHD_E_NOMEM;
	memset(bits + have, 0, (size_t)(words - have) * sizeof(*bits));
	s->bits = bits;
	s->room = words * 64;
	return 0;
}

static void set_units(struct vhd_space *s, uint64_t first, uint64_t count,
		      bool value)
{
	for (uint64_t u = first; u < first + count; u++) {
		uint64_t bit = (uint64_t)1 << (u % 64);

		if (value)
			s->bits[u / 64] |= bit;
		else
			s->bits[u / 64] &= ~bit;
	}
}

static int mark_owned(struct vhd_space *s, uint64_t offset, uint64_t length)
{
	uint64_t first = offset >> 20;
	uint64_t last = vhd_shift_up(offset + length, 20);
	int rc = make_room(s, last);

	if (rc)
		return rc;
	for (uint64_t u = first; u < last; u++)
		if (taken(s, u))
			return VHD_E_CORRUPT;
	set_units(s, first, last - first, true);
	s->end = vhd_max(s->end, last << 20);
	return 0;
}

/* lets the place at `i` rise to where the heap wants it */
static void rise(uint64_t *places, size_t i)
{
	uint64_t place = places[i];

	for (; i && places[(i - 1) / 2] > place; i = (i - 1) / 2)
		places[i] = places[(i - 1) / 2];
	places[i] = place;
}

/* removes the lowest of at least one place */
static uint64_t pop_place(struct vhd_space *s)
{
	uint64_t *p = s->places, lowest = p[0], last = p[--s->place_count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < s->place_count) {
		child += child + 1 < s->place_count && p[child + 1] < p[child];
		if (p[child] >= last)
			break;
		p[i] = p[child];
		i = child;
	}
	p[i] = last;
	return lowest;
}

static int add_place(struct vhd_space *s, uint64_t offset)
{
	if (s->place_count == s->place_room) {
		size_t room = s->place_room ? s->place_room * 2 : 64;
		uint64_t *places = realloc(s->places, room * sizeof(*places));

		if (!places)
			return VHD_E_NOMEM;
		s->places = places;
		s->place_room = room;
	}
	s->places[s->place_count] = offset;
	rise(s->places, s->place_count++);
	return 0;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* how many places a gap has, each payload on a multiple of `align` */
static uint64_t count_places(const struct vhd_space *s, uint64_t from,
			     uint64_t to, uint64_t align)
{
	uint64_t first =
		vhd_round_up(from + s->bitmap_bytes, align) - s->bitmap_bytes;
	uint64_t stride = vhd_round_up(s->place_bytes, align);

	if (first + s->place_bytes > to)
		return 0;
	return (to - first - s->place_bytes) / stride + 1;
}

/*
 * Block places in a gap between two blocks: with the payload on 4 KiB, unless
 * more blocks fit when they are packed, as they were before in files of
 * programs that pack them.
 */
static int add_gap(struct vhd_space *s, const struct vhd_map *map,
		   uint64_t from, uint64_t to)
{
	uint64_t packed = count_places(s, from, to, VHD1_SECTOR);
	uint64_t align =
		count_places(s, from, to, 4096) < packed ? VHD1_SECTOR : 4096;
	int rc = 0;

	while (!rc && packed) {
		uint64_t at = vhd_round_up(from + s->bitmap_bytes, align) -
			      s->bitmap_bytes;

		if (at + s->place_bytes > to)
			break;
		if (vhd_map_is_free(map, at, s->place_bytes))
			rc = add_place(s, at);
		from = at + s->place_bytes;
	}
	return rc;
}

/* where the metadata that lie in one piece at the start of the file end */
static uint64_t head_end(const struct vhd_map *map)
{
	uint64_t end = 0;

	for (uint32_t pass = 0; pass < map->reserved_count; pass++)
		for (uint32_t i = 0; i < map->reserved_count; i++)
			if (map->reserved[i].start <= end + 4096)
				end = vhd_max(end, map->reserved[i].end);
	return end;
}

/* does metadata lie in [from, to)? */
static bool is_reserved(const struct vhd_map *map, uint64_t from, uint64_t to)
{
	for (uint32_t i = 0; i < map->reserved_count; i++)
		if (vhd_overlap(from, to, map->reserved[i].start,
				map->reserved[i].end))
			return true;
	return false;
}

/* VHD: block i of those in use keeps the rest of its place, unless something
 * was put there */
static void keep_tail(struct vhd_space *s, const struct vhd_map *map, size_t i,
		      size_t count)
{
	const uint64_t *used = s->places;
	uint64_t end = used[i] + s->place_bytes;

	if (used[i] == s->shared && (i + 1 == count || used[i + 1] >= end) &&
	    !is_reserved(map, used[i], end))
		s->shared = 0;
}

/* `places` holds the blocks in use; afterwards the free ones between them */
static int find_gaps(struct vhd_space *s, const struct vhd_map *map)
{
	uint64_t *used = s->places, from = head_end(map);
	size_t count = s->place_count;
	int rc = 0;

	if (count)
		qsort(used, count, sizeof(*used), by_value);
	for (size_t i = 0; i < count; i++)
		keep_tail(s, map, i, count);
	s->places = NULL;
	s->place_count = 0;
	s->place_room = 0;
	for (size_t i = 0; i < count && !rc; i++) {
		if (used[i] > from)
			rc = add_gap(s, map, from, used[i]);
		from = vhd_max(from, used[i] + s->place_bytes);
	}
	free(used);
	return rc;
}

/*
 * A block that the disk's end cuts off owns its whole place, as other programs
 * see it, unless something else was put there.
 */
static void note_tail(struct vhd_space *s, const struct vhd_table_entry *e)
{
	uint64_t unit = s->vhdx ? VHDX_ALIGN : VHD1_SECTOR;
	uint64_t own = vhd_round_up(e->owned_length, unit);

	if (e->is_bitmap || own >= s->place_bytes)
		return;
	s->shared = e->owned;
	s->shared_length = own;
	s->tail = e->owned + own;
	s->tail_end = e->owned + s->place_bytes;
}

static int claim_tail(struct vhd_space *s)
{
	uint64_t first = s->tail >> 20, last = s->tail_end >> 20;
	int rc = make_room(s, last);

	if (rc || first == last)
		return rc;
	for (uint64_t u = first; u < last; u++)
		if (taken(s, u))
			return 0;
	set_units(s, first, last - first, true);
	s->end = vhd_max(s->end, s->tail_end);
	s->shared = 0;
	return 0;
}

static int note_entry(void *ctx, const struct vhd_table_entry *e)
{
	struct vhd_space *s = ctx;

	if (e->error)
		return e->error;
	if (!e->owned)
		return 0;
	note_tail(s, e);
	if (s->vhdx)
		return mark_owned(s, e->owned, e->owned_length);
	s->end = vhd_max(s->end, e->owned + s->place_bytes);
	return add_place(s, e->owned);
}

static void count_free(struct vhd_space *s)
{
	for (uint64_t u = 0; s->vhdx && u < s->end >> 20; u++)
		s->free_units += !taken(s, u);
}

static int take_stock(struct vhd_space *s, struct vhd_image *image)
{
	const struct vhd_map *map = &image->map;
	int rc = s->vhdx ? 0 : vhd_table_verify(image, NULL);

	for (uint32_t i = 0; i < map->reserved_count && !rc; i++) {
		uint64_t start = map->reserved[i].start;
		uint64_t end = map->reserved[i].end;

		if (s->vhdx)
			rc = mark_owned(s, start, end - start);
		s->end = vhd_max(s->end, end);
	}
	if (!rc)
		rc = vhd_table_walk(image, note_entry, s, NULL);
	if (!rc)
		rc = s->vhdx ? claim_tail(s) : find_gaps(s, map);
	if (!rc)
		count_free(s);
	return rc;
}

int vhd_space_new(struct vhd_image *image, struct vhd_space **out)
{
	struct vhd_space *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return VHD_E_NOMEM;
	s->vhdx = image->format == VHD_FORMAT_VHDX;
	s->bitmap_bytes = image->map.bitmap_bytes;
	s->place_bytes = image->map.bitmap_bytes +
			 ((uint64_t)1 << image->map.block_shift);
	rc = take_stock(s, image);
	if (rc)
		vhd_space_free(s);
	else
		*out = s;
	return rc;
}

void vhd_space_free(struct vhd_space *s)
{
	if (!s)
		return;
	free(s->bits);
	free(s->places);
	free(s->released);
	free(s);
}

bool vhd_space_has_gaps(const struct vhd_space *s)
{
	return s->place_count > 0;
}

uint64_t vhd_space_end(const struct vhd_space *s)
{
	return s->end;
}

/* the first run of `count` free units below the end; UINT64_MAX if none */
static uint64_t find_run(const struct vhd_space *s, uint64_t from,
			 uint64_t count)
{
	uint64_t run = 0;

	for (uint64_t u = from; u < s->end >> 20; u++) {
		run = taken(s, u) ? 0 : run + 1;
		if (run == count)
			return u + 1 - count;
	}
	return UINT64_MAX;
}

static int take_units(struct vhd_space *s, uint64_t count,
		      struct vhd_place *out)
{
	uint64_t at = UINT64_MAX, end = s->end >> 20;
	int rc;

	if (s->free_units >= count) {
		at = find_run(s, s->hint, count);
		if (at == UINT64_MAX && s->hint)
			at = find_run(s, 0, count);
	}
	if (at != UINT64_MAX) {
		s->free_units -= count;
		s->hint = at + count;
		*out = (struct vhd_place){at << 20, false};
		set_units(s, at, count, true);
		return 0;
	}
	rc = make_room(s, end + count);
	if (rc)
		return rc == VHD_E_LIMIT ? VHD_E_NOSPACE : rc;
	set_units(s, end, count, true);
	*out = (struct vhd_place){end << 20, true};
	s->end = (end + count) << 20;
	return 0;
}

/* the payload, behind the bitmap, lies on 4 KiB */
uint64_t vhd_space_place(const struct vhd_space *s, uint64_t at)
{
	return vhd_round_up(at + s->bitmap_bytes, 4096) - s->bitmap_bytes;
}

static int take_block(struct vhd_space *s, uint64_t length,
		      struct vhd_place *out)
{
	uint64_t at;

	if (s->place_count) {
		*out = (struct vhd_place){pop_place(s), false};
		return 0;
	}
	at = vhd_space_place(s, s->end);
	if (at > VHD1_START_MAX)
		return VHD_E_NOSPACE;
	*out = (struct vhd_place){at, true};
	s->end = out->offset + length;
	return 0;
}

int vhd_space_take(struct vhd_space *s, uint64_t length, struct vhd_place *out)
{
	return s->vhdx ? take_units(s, length >> 20, out)
		       : take_block(s, length, out);
}

/* the lowest free run, found faster the next time */
static uint64_t find_lowest(struct vhd_space *s, uint64_t count)
{
	unsigned i = count > 1;
	uint64_t from = s->lowest[i].count == count ? s->lowest[i].at : 0;
	uint64_t at =
		s->free_units >= count ? find_run(s, from, count) : UINT64_MAX;

	s->lowest[i].count = count;
	s->lowest[i].at = vhd_min(at, s->end >> 20);
	return at;
}

/* VHDX: the lowest run that ends at or before a limit */
static int take_units_below(struct vhd_space *s, uint64_t count, uint64_t limit,
			    struct vhd_place *out)
{
	uint64_t at = find_lowest(s, count);

	if (at == UINT64_MAX || (at + count) << 20 > limit)
		return VHD_E_NOSPACE;
	s->free_units -= count;
	set_units(s, at, count, true);
	*out = (struct vhd_place){at << 20, false};
	return 0;
}

int vhd_space_take_below(struct vhd_space *s, uint64_t length, uint64_t limit,
			 struct vhd_place *out)
{
	if (s->vhdx)
		return take_units_below(s, length >> 20, limit, out);
	if (!s->place_count || s->places[0] + length > limit)
		return VHD_E_NOSPACE;
	*out = (struct vhd_place){pop_place(s), false};
	return 0;
}

static bool is_forbidden(const struct vhd_space *s, uint64_t offset,
			 uint64_t length)
{
	return vhd_overlap(offset, offset + length, s->forbidden,
			   s->forbidden_end);
}

void vhd_space_forbid(struct vhd_space *s, uint64_t from, uint64_t to)
{
	size_t count = s->place_count;

	if (s->forbidden_end)
		from = vhd_min(s->forbidden, from);
	s->forbidden = from;
	s->forbidden_end = vhd_max(s->forbidden_end, to);
	s->end = vhd_max(s->end, to);
	s->place_count = 0;
	for (size_t i = 0; i < count; i++)
		vhd_space_return(s, s->places[i], s->place_bytes);
}

void vhd_space_return(struct vhd_space *s, uint64_t offset, uint64_t length)
{
	if (!s->vhdx) {
		if (!is_forbidden(s, offset, length))
			add_place(s, offset);
		return;
	}
	set_units(s, offset >> 20, length >> 20, false);
	s->free_units += length >> 20;
	s->hint = vhd_min(s->hint, offset >> 20);
	/* it may complete a run that begins in front of it */
	for (unsigned i = 0; i < 2; i++)
		if (offset >> 20 < s->lowest[i].at + s->lowest[i].count)
			s->lowest[i].at = 0;
}

bool vhd_space_is_shared(const struct vhd_space *s, uint64_t offset)
{
	return offset == s->shared;
}

/* the part of a place that goes with the block: of a VHD's, all or nothing */
static uint64_t part_of(struct vhd_space *s, uint64_t offset, uint64_t length)
{
	if (offset != s->shared)
		return length;
	s->shared = 0;
	return s->vhdx ? s->shared_length : 0;
}

uint64_t vhd_space_drop(struct vhd_space *s, uint64_t offset, uint64_t length)
{
	length = part_of(s, offset, length);
	if (length)
		vhd_space_return(s, offset, length);
	return length;
}

void vhd_space_release(struct vhd_space *s, uint64_t offset, uint64_t length)
{
	length = part_of(s, offset, length);
	if (!length)
		return;
	if (VHD_BROKEN(VHD_RULE_RELEASED_WAITS)) {
		vhd_space_return(s, offset, length);
		return;
	}
	if (s->released_count == s->released_room) {
		size_t room = s->released_room ? s->released_room * 2 : 64;
		struct released *more =
			realloc(s->released, room * sizeof(*more));

		if (!more)
			return;
		s->released = more;
		s->released_room = room;
	}
	s->released[s->released_count++] = (struct released){
		.offset = offset,
		.length = length,
	};
}

uint32_t vhd_space_mark(struct vhd_space *s)
{
	return (uint32_t)s->released_count;
}

void vhd_space_durable(struct vhd_space *s, uint32_t mark, uint64_t epoch)
{
	for (size_t i = s->released_head; i < mark; i++) {
		if (s->released[i].durable)
			continue;
		s->released[i].durable = true;
		s->released[i].epoch = epoch;
	}
}

bool vhd_space_next_safe(struct vhd_space *s, uint64_t epoch, uint64_t *offset,
			 uint64_t *length)
{
	const struct released *first;

	if (s->released_head == s->released_count) {
		s->released_head = 0;
		s->released_count = 0;
		return false;
	}
	first = &s->released[s->released_head];
	if (!first->durable || first->epoch + 2 > epoch)
		return false;
	*offset = first->offset;
	*length = first->length;
	s->released_head++;
	return true;
}

void vhd_space_shrink(struct vhd_space *s)
{
	while (s->end && !taken(s, (s->end >> 20) - 1)) {
		s->end -= VHDX_ALIGN;
		s->free_units--;
	}
}

void vhd_space_move_end(struct vhd_space *s, uint64_t end)
{
	if (s->vhdx)
		s->free_units += (end - s->end) >> 20;
	s->end = end;
}

void vhd_space_set_end(struct vhd_space *s, uint64_t end)
{
	size_t count = s->place_count;

	s->end = vhd_max(end, s->forbidden_end);
	s->place_count = 0;
	for (size_t i = 0; i < count; i++)
		if (s->places[i] < end)
			add_place(s, s->places[i]);
}

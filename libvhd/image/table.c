/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole block table, read in large pieces around the page cache. A VHDX
 * table may be half a gigabyte of which almost nothing is stored: pieces that
 * are holes in the host file are all "not present" and skipped. In a VHD a zero
 * entry is damage (sector 0 is the footer copy), so nothing is skipped there.
 */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/checked.h"
#include "core/diag.h"
#include "core/vhdx_bat.h"

#define PIECE ((size_t)128 << 10)

/* a window over the piece in memory; other places go to the page cache */
struct piece {
	struct vhd_window window;
	struct vhd_window *behind;
	uint64_t at;
	size_t bytes;
	uint8_t *data;
};

struct walk {
	struct vhd_image *image;
	struct piece piece;
	int (*visit)(void *ctx, const struct vhd_table_entry *e);
	void *ctx;
	struct vhd_diag *diag;
};

static int load(struct vhd_window *window, uint64_t offset, void *buf,
		size_t len)
{
	struct piece *p = (struct piece *)(void *)window;

	if (offset < p->at || !vhd_inside(offset - p->at, len, p->bytes))
		return p->behind->load(p->behind, offset, buf, len);
	memcpy(buf, p->data + (offset - p->at), len);
	return 0;
}

/* the space an entry that decoded well owns, soft anchors included */
static void find_owned(const struct vhd_map *map, struct vhd_table_entry *e)
{
	const struct vhd_block *b = &e->block;
	uint32_t state = vhdx_entry_state(b->raw);

	e->place_length = map->bitmap_bytes + ((uint64_t)1 << map->block_shift);
	if (map->kind == VHD_MAP_VHD1) {
		if (b->data) {
			e->owned = b->data - map->bitmap_bytes;
			e->owned_length = map->bitmap_bytes +
					  vhd_map_block_need(map, e->index);
		}
		return;
	}
	if (b->data) {
		e->owned = b->data;
	} else if (state == VHDX_UNDEFINED || state == VHDX_UNMAPPED) {
		e->owned = vhdx_entry_offset(b->raw);
		e->is_anchor = e->owned != 0;
	}
	e->owned_length = e->owned ? vhd_map_block_need(map, e->index) : 0;
}

/* what an anchor names is never read, but kept from others */
static int check_anchor(const struct vhd_map *map, struct vhd_table_entry *e,
			struct vhd_diag *why)
{
	if (!e->is_anchor || vhd_map_is_free(map, e->owned, e->owned_length))
		return 0;
	return vhd_fail_value(why, VHD_E_CORRUPT, "block table (BAT)",
			      e->block.entry,
			      "a block without content names a place at "
			      "offset % that cannot be its own",
			      e->owned);
}

static int visit_payload(struct walk *w, uint64_t block)
{
	struct vhd_diag why = {0};
	struct vhd_table_entry e = {.index = block, .diag = &why};

	e.error = vhd_map_block(&w->image->map, &w->piece.window, block,
				&e.block, &why);
	if (e.error == VHD_E_IO || e.error == VHD_E_NOMEM) {
		if (w->diag)
			*w->diag = why;
		return e.error;
	}
	if (!e.error && e.block.state == VHD_BLOCK_ABSENT &&
	    !vhd_table_is_stale(w->image, &e))
		return 0;
	if (!e.error)
		find_owned(&w->image->map, &e);
	if (!e.error)
		e.error = check_anchor(&w->image->map, &e, &why);
	return w->visit(w->ctx, &e);
}

/*
 * A sector bitmap entry. In disks without a parent they mean nothing, whatever
 * they hold: QEMU before 8.0 left garbage there.
 */
static int visit_bitmap(struct walk *w, uint64_t chunk, uint64_t at)
{
	const struct vhd_map *map = &w->image->map;
	struct vhd_diag why = {0};
	struct vhd_table_entry e = {
		.index = chunk,
		.is_bitmap = true,
		.diag = &why,
	};
	le64 raw;
	int rc = load(&w->piece.window, at, &raw, sizeof(raw));

	if (rc)
		return rc;
	e.block.raw = le64_get(raw);
	e.block.entry = at;
	if (!map->has_parent || !vhdx_entry_state(e.block.raw))
		return 0;
	e.owned = vhdx_entry_offset(e.block.raw);
	e.owned_length = VHDX_BITMAP_BLOCK;
	e.place_length = VHDX_BITMAP_BLOCK;
	if (vhdx_entry_state(e.block.raw) != VHDX_BITMAP_PRESENT ||
	    vhdx_entry_reserved(e.block.raw) ||
	    !vhd_map_is_free(map, e.owned, e.owned_length))
		e.error = vhd_fail(&why, VHD_E_CORRUPT, "block table (BAT)", at,
				   "a sector bitmap entry is damaged");
	return w->visit(w->ctx, &e);
}

static bool all_zero(const uint8_t *bytes, size_t len)
{
	return !bytes[0] && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/*
 * Most entries of most tables are NOT_PRESENT or ZERO without a place; those
 * need no decoding.
 */
static bool is_plain(struct walk *w, uint64_t at, uint64_t block, int *rc)
{
	struct vhd_table_entry e = {.index = block};
	le64 raw;

	memcpy(&raw, w->piece.data + (at - w->piece.at), sizeof(raw));
	e.block.raw = le64_get(raw);
	if (e.block.raw != VHDX_NOT_PRESENT && e.block.raw != VHDX_ZERO)
		return false;
	if (e.block.raw == VHDX_ZERO) {
		e.block.state = VHD_BLOCK_ZERO;
		e.block.entry = at;
		*rc = w->visit(w->ctx, &e);
	}
	return true;
}

/* entries [first, first + count) of a VHDX table, all in the piece */
static int walk_vhdx(struct walk *w, uint64_t first, uint64_t count)
{
	const struct vhd_map *map = &w->image->map;
	uint64_t cycle = ((uint64_t)1 << map->chunk_shift) + 1;
	uint64_t chunk = first / cycle, inside = first % cycle;
	int rc = 0;

	for (uint64_t i = 0; i < count && !rc; i++) {
		uint64_t at =
			map->bat_offset + (first + i) * VHDX_BAT_ENTRY_SIZE;
		uint64_t block = (chunk << map->chunk_shift) + inside;

		if (inside == cycle - 1) {
			rc = visit_bitmap(w, chunk, at);
			chunk++;
			inside = 0;
			continue;
		}
		inside++;
		if (block < map->blocks && !is_plain(w, at, block, &rc))
			rc = visit_payload(w, block);
	}
	return rc;
}

/* as is_plain(): all of a new disk's entries name no block */
static bool is_unused(const struct walk *w, uint64_t block)
{
	const struct vhd_map *map = &w->image->map;
	uint64_t at = map->bat_offset + block * sizeof(be32);
	be32 raw;

	memcpy(&raw, w->piece.data + (at - w->piece.at), sizeof(raw));
	return be32_get(raw) == UINT32_MAX;
}

/* entries [first, first + count) of a VHD table, all in the piece */
static int walk_vhd1(struct walk *w, uint64_t first, uint64_t count)
{
	int rc = 0;

	for (uint64_t i = first; i < first + count && !rc; i++)
		if (!is_unused(w, i))
			rc = visit_payload(w, i);
	return rc;
}

/* one piece of the table, at most PIECE bytes at table offset `from` */
static int walk_piece(struct walk *w, uint64_t from, size_t bytes)
{
	const struct vhd_map *map = &w->image->map;
	size_t page = VHD_WINDOW_PAGE;
	int rc = vhd_file_read(w->image->view, map->bat_offset + from,
			       w->piece.data, bytes);

	if (rc)
		return vhd_fail(w->diag, rc, "block table (BAT)",
				map->bat_offset + from, "cannot be read");
	w->piece.at = map->bat_offset + from;
	w->piece.bytes = bytes;
	if (map->kind == VHD_MAP_VHD1)
		return walk_vhd1(w, from / 4, bytes / 4);
	for (size_t at = 0; at < bytes && !rc; at += page) {
		size_t n = (size_t)vhd_min(page, bytes - at);

		if (!all_zero(w->piece.data + at, n))
			rc = walk_vhdx(w, (from + at) / VHDX_BAT_ENTRY_SIZE,
				       n / VHDX_BAT_ENTRY_SIZE);
	}
	return rc;
}

static uint64_t table_bytes(const struct vhd_map *map)
{
	if (map->kind == VHD_MAP_VHD1)
		return map->blocks * 4;
	return vhdx_bat_entries(map->blocks, map->chunk_shift,
				map->has_parent) *
	       VHDX_BAT_ENTRY_SIZE;
}

/* skips to the next stored byte of the table; pieces start on whole pages */
static int skip_hole(const struct walk *w, uint64_t *from, uint64_t *until)
{
	const struct vhd_map *map = &w->image->map;
	uint64_t start, end, page = VHD_WINDOW_PAGE;
	int rc;

	*until = UINT64_MAX;
	if (map->kind == VHD_MAP_VHD1)
		return 0;
	rc = vhd_file_next_data(w->image->view, map->bat_offset + *from, &start,
				&end);
	if (rc)
		return vhd_fail(w->diag, rc, "block table (BAT)",
				map->bat_offset + *from, "cannot be read");
	*from = vhd_max(*from, vhd_round_down(start - map->bat_offset, page));
	if (end > start)
		*until = vhd_round_up(end - map->bat_offset, page);
	return 0;
}

int vhd_table_walk(struct vhd_image *image,
		   int (*visit)(void *ctx, const struct vhd_table_entry *e),
		   void *ctx, struct vhd_diag *diag)
{
	struct walk w = {image, {.window = {load}}, visit, ctx, diag};
	uint64_t bytes = table_bytes(&image->map), until = 0;
	int rc = 0;

	if (image->map.kind == VHD_MAP_LINEAR)
		return 0;
	w.piece.behind = vhd_pages_window(image->pages);
	w.piece.data = malloc(PIECE);
	if (!w.piece.data)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_NOMEM));
	for (uint64_t from = 0; from < bytes && !rc;) {
		uint64_t n;

		if (from >= until)
			until = 0;
		if (!until)
			rc = skip_hole(&w, &from, &until);
		if (rc || from >= bytes)
			break;
		n = vhd_min(vhd_min(PIECE, bytes - from), until - from);
		rc = walk_piece(&w, from, (size_t)n);
		from += n;
	}
	free(w.piece.data);
	return rc;
}

uint64_t vhd_table_place(const struct vhd_image *image)
{
	return image->map.bitmap_bytes +
	       ((uint64_t)1 << image->map.block_shift);
}

bool vhd_table_is_stale(const struct vhd_image *image,
			const struct vhd_table_entry *e)
{
	uint32_t state = vhdx_entry_state(e->block.raw);

	return image->map.kind == VHD_MAP_VHDX && !e->error && !e->is_bitmap &&
	       (state == VHDX_NOT_PRESENT || state == VHDX_ZERO) &&
	       vhdx_entry_offset(e->block.raw);
}

uint64_t vhd_table_short(const struct vhd_image *image,
			 const struct vhd_table_entry *e)
{
	uint64_t end = e->owned + vhd_table_place(image);
	uint64_t unit = image->format == VHD_FORMAT_VHD ? 512 : VHDX_ALIGN;

	if (e->error || !e->block.data || e->is_bitmap ||
	    end <= image->map.limit)
		return 0;
	if (vhd_round_up(e->owned + e->owned_length, unit) < image->map.limit &&
	    image->format == VHD_FORMAT_VHDX)
		return 0; /* something else lies in the rest */
	return end;
}

int vhd_table_claims(struct vhd_image *image, struct vhd_claims **out)
{
	uint64_t unit = image->format == VHD_FORMAT_VHD ? 512 : VHDX_ALIGN;

	return vhd_claims_new(image->map.limit, unit, out);
}

struct verifying {
	struct vhd_claims *claims;
	struct vhd_diag *diag;
};

static int verify_entry(void *ctx, const struct vhd_table_entry *e)
{
	struct verifying *v = ctx;
	int rc;

	if (e->error) {
		if (v->diag)
			*v->diag = *e->diag;
		return e->error;
	}
	if (!e->owned)
		return 0;
	rc = vhd_claims_add(v->claims, e->owned, e->owned_length);
	if (!rc)
		return 0;
	return vhd_fail_value(v->diag, rc, "block table (BAT)", e->block.entry,
			      rc == VHD_E_CORRUPT
				      ? "two entries share the space at "
					"offset %"
				      : "too many blocks to verify",
			      e->owned);
}

int vhd_table_verify(struct vhd_image *image, struct vhd_diag *diag)
{
	struct verifying v = {NULL, diag};
	uint64_t at;
	int rc;

	if (image->map.kind == VHD_MAP_LINEAR)
		return 0;
	rc = vhd_table_claims(image, &v.claims);
	if (rc)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				vhd_strerror(rc));
	rc = vhd_table_walk(image, verify_entry, &v, diag);
	if (!rc && vhd_claims_conflict(v.claims, &at))
		rc = vhd_fail_value(diag, VHD_E_CORRUPT, "block table (BAT)",
				    image->map.bat_offset,
				    "two entries share the space at offset %",
				    at);
	vhd_claims_free(v.claims);
	return rc;
}

struct counting {
	const struct vhd_map *map;
	struct vhd_image_usage usage;
	struct vhd_diag *diag;
};

static int count_entry(void *ctx, const struct vhd_table_entry *e)
{
	struct counting *c = ctx;
	struct vhd_image_usage *u = &c->usage;

	if (e->error) {
		if (c->diag)
			*c->diag = *e->diag;
		return e->error;
	}
	u->end = vhd_max(u->end, e->owned + e->owned_length);
	if (e->is_bitmap)
		return 0;
	if (e->block.state == VHD_BLOCK_ZERO)
		u->zero_blocks++;
	if (!e->block.data)
		return 0;
	u->allocated_blocks++;
	u->aligned_blocks += vhd_is_aligned(e->block.data, 4096);
	u->partial_blocks += e->block.state == VHD_BLOCK_PARTIAL &&
			     c->map->kind == VHD_MAP_VHDX;
	return 0;
}

/* bytes of the table that are stored, counted until they pass `most` */
static int stored_bytes(struct vhd_image *image, uint64_t most, uint64_t *out)
{
	uint64_t at = image->map.bat_offset,
		 end = at + table_bytes(&image->map);
	uint64_t start, until;

	for (*out = 0; at < end && *out <= most; at = until) {
		int rc = vhd_file_next_data(image->view, at, &start, &until);

		if (rc)
			return rc;
		start = vhd_min(start, end);
		until = vhd_min(until, end);
		if (until == start)
			break;
		*out += until - start;
	}
	return 0;
}

static int check_most(struct vhd_image *image, uint64_t most,
		      struct vhd_diag *diag)
{
	uint64_t stored;
	int rc;

	if (!most || image->map.kind == VHD_MAP_LINEAR)
		return 0;
	rc = stored_bytes(image, most, &stored);
	if (!rc && stored > most)
		rc = VHD_E_LIMIT;
	if (rc)
		return vhd_fail(diag, rc, "block table (BAT)",
				image->map.bat_offset, "too large to count");
	return 0;
}

int vhd_image_usage(struct vhd_image *image, uint64_t most,
		    struct vhd_image_usage *out, struct vhd_diag *diag)
{
	struct counting c = {.map = &image->map, .diag = diag};
	int rc = check_most(image, most, diag);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < image->map.reserved_count; i++)
		c.usage.end = vhd_max(c.usage.end, image->map.reserved[i].end);
	rc = vhd_table_walk(image, count_entry, &c, diag);
	if (!rc)
		*out = c.usage;
	return rc;
}

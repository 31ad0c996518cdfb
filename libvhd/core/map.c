/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mapper. One block is decoded by vhd_map_block(), which knows the two
 * formats; everything else here is common to them.
 *
 * Which blocks hide the parent: VHDX states ZERO, UNMAPPED and UNDEFINED read
 * as zeros whatever the parent holds; only NOT_PRESENT is transparent. A bit
 * of a sector bitmap that is clear is transparent in a differencing image and
 * zeros in a dynamic VHD.
 */
#include "map.h"

#include "bytes.h"
#include "checked.h"
#include "diag.h"
#include "mem.h"
#include "vhd1_footer.h"
#include "vhdx_bat.h"

static const char bat_name[] = "block table (BAT)";

/* Entries read ahead once a run goes on to a second block. */
struct entries {
	uint64_t at;
	uint32_t bytes;
	uint8_t data[256];
};

struct mapping {
	const struct vhd_map *map;
	struct vhd_window *window;
	struct vhd_diag *diag;
	struct entries ahead;
};

bool vhd_map_reserve(struct vhd_map *map, uint64_t offset, uint64_t length)
{
	if (map->reserved_count == VHD_MAP_RESERVED)
		return false;
	map->reserved[map->reserved_count++] =
		(struct vhd_range){offset, offset + length};
	return true;
}

uint64_t vhd_map_entry_offset(const struct vhd_map *map, uint64_t block)
{
	if (map->kind == VHD_MAP_VHD1)
		return map->bat_offset + block * 4;
	return map->bat_offset + vhdx_payload_index(block, map->chunk_shift) *
					 VHDX_BAT_ENTRY_SIZE;
}

uint64_t vhd_map_block_need(const struct vhd_map *map, uint64_t block)
{
	return vhd_min((uint64_t)1 << map->block_shift,
		       map->size - (block << map->block_shift));
}

static bool touches_metadata(const struct vhd_map *map, uint64_t offset,
			     uint64_t length)
{
	for (uint32_t i = 0; i < map->reserved_count; i++)
		if (vhd_overlap(offset, offset + length, map->reserved[i].start,
				map->reserved[i].end))
			return true;
	return false;
}

bool vhd_map_is_free(const struct vhd_map *map, uint64_t offset,
		     uint64_t length)
{
	return vhd_inside(offset, length, map->limit) &&
	       !touches_metadata(map, offset, length);
}

/* where an entry says the bytes are must be inside the file and theirs */
static int check_place(const struct mapping *m, uint64_t entry, uint64_t offset,
		       uint64_t length)
{
	if (!vhd_inside(offset, length, m->map->limit))
		return vhd_fail_value(m->diag, VHD_E_CORRUPT, bat_name, entry,
				      "an entry points to offset %, past the "
				      "end of the file",
				      offset);
	if (touches_metadata(m->map, offset, length))
		return vhd_fail_value(m->diag, VHD_E_CORRUPT, bat_name, entry,
				      "an entry points to offset %, where the "
				      "image keeps its own structures",
				      offset);
	return 0;
}

/* `size` bytes of an entry; reads ahead if the entry follows earlier ones */
static int load_entry(struct mapping *m, uint64_t at, void *out, uint32_t size)
{
	struct entries *e = &m->ahead;
	int rc;

	if (!e->bytes) {
		rc = m->window->load(m->window, at, out, size);
		e->at = at + size;
		e->bytes = 1; /* the next one may read ahead */
	} else {
		if (at < e->at || at + size > e->at + e->bytes) {
			uint64_t page = vhd_round_down(at, VHD_WINDOW_PAGE) +
					VHD_WINDOW_PAGE;

			e->at = at;
			e->bytes =
				(uint32_t)vhd_min(sizeof(e->data), page - at);
			rc = m->window->load(m->window, at, e->data, e->bytes);
			if (rc)
				e->bytes = 0;
		} else {
			rc = 0;
		}
		if (!rc)
			memcpy(out, e->data + (at - e->at), size);
	}
	if (rc)
		return vhd_fail(m->diag, rc, bat_name, at, "cannot be read");
	return 0;
}

static int vhd1_block(struct mapping *m, uint64_t block, struct vhd_block *out)
{
	const struct vhd_map *map = m->map;
	be32 raw;
	int rc = load_entry(m, out->entry, &raw, sizeof(raw));

	if (rc)
		return rc;
	out->raw = be32_get(raw);
	if (out->raw == UINT32_MAX) {
		out->state = VHD_BLOCK_ABSENT;
		return 0;
	}
	out->bitmap = out->raw * VHD1_SECTOR;
	out->data = out->bitmap + map->bitmap_bytes;
	out->state = map->ignore_bitmap ? VHD_BLOCK_FULL : VHD_BLOCK_PARTIAL;
	return check_place(m, out->entry, out->bitmap,
			   map->bitmap_bytes + vhd_map_block_need(map, block));
}

/* the bitmap block of a PARTIALLY_PRESENT block */
static int vhdx_bitmap(struct mapping *m, uint64_t block, struct vhd_block *out)
{
	const struct vhd_map *map = m->map;
	uint64_t chunk = block >> map->chunk_shift, entry, start, bits;
	uint64_t at =
		map->bat_offset + vhdx_bitmap_index(chunk, map->chunk_shift) *
					  VHDX_BAT_ENTRY_SIZE;
	le64 raw;
	int rc = m->window->load(m->window, at, &raw, sizeof(raw));

	if (rc)
		return vhd_fail(m->diag, rc, bat_name, at, "cannot be read");
	entry = le64_get(raw);
	start = vhdx_entry_offset(entry);
	if (vhdx_entry_state(entry) != VHDX_BITMAP_PRESENT || !start)
		return vhd_fail(m->diag, VHD_E_CORRUPT, bat_name, at,
				"a block is partially present, but its sector "
				"bitmap is not there");
	rc = check_place(m, at, start, VHDX_BITMAP_BLOCK);
	bits = (block & (((uint64_t)1 << map->chunk_shift) - 1))
	       << (map->block_shift - map->sector_shift);
	out->bitmap = start + bits / 8;
	return rc;
}

static int vhdx_block(struct mapping *m, uint64_t block, struct vhd_block *out)
{
	le64 raw;
	int rc = load_entry(m, out->entry, &raw, sizeof(raw));

	if (rc)
		return rc;
	out->raw = le64_get(raw);
	if (vhdx_entry_reserved(out->raw))
		return vhd_fail(m->diag, VHD_E_CORRUPT, bat_name, out->entry,
				"reserved bits of an entry are set");
	switch (vhdx_entry_state(out->raw)) {
	case VHDX_NOT_PRESENT:
		out->state = VHD_BLOCK_ABSENT;
		return 0;
	case VHDX_UNDEFINED:
	case VHDX_ZERO:
	case VHDX_UNMAPPED:
		out->state = VHD_BLOCK_ZERO;
		return 0;
	case VHDX_FULLY_PRESENT:
		out->state = VHD_BLOCK_FULL;
		break;
	case VHDX_PARTIALLY_PRESENT:
		out->state = VHD_BLOCK_PARTIAL;
		break;
	default:
		return vhd_fail_value(m->diag, VHD_E_CORRUPT, bat_name,
				      out->entry, "block state % is reserved",
				      vhdx_entry_state(out->raw));
	}
	if (out->state == VHD_BLOCK_PARTIAL && !m->map->has_parent)
		return vhd_fail(m->diag, VHD_E_CORRUPT, bat_name, out->entry,
				"a block is partially present, but the disk "
				"has no parent");
	out->data = vhdx_entry_offset(out->raw);
	rc = check_place(m, out->entry, out->data,
			 vhd_map_block_need(m->map, block));
	if (!rc && out->state == VHD_BLOCK_PARTIAL)
		rc = vhdx_bitmap(m, block, out);
	return rc;
}

static int get_block(struct mapping *m, uint64_t block, struct vhd_block *out)
{
	*out = (struct vhd_block){
		.entry = vhd_map_entry_offset(m->map, block),
	};
	return m->map->kind == VHD_MAP_VHD1 ? vhd1_block(m, block, out)
					    : vhdx_block(m, block, out);
}

int vhd_map_block(const struct vhd_map *map, struct vhd_window *window,
		  uint64_t block, struct vhd_block *out, struct vhd_diag *diag)
{
	struct mapping m = {map, window, diag, {0, 0, {0}}};

	return get_block(&m, block, out);
}

/* VHD counts bits from the most significant, VHDX from the least */
static bool bit_of(uint8_t byte, uint64_t bit, bool msb_first)
{
	unsigned shift = (unsigned)(bit & 7);

	return byte >> (msb_first ? 7 - shift : shift) & 1;
}

/*
 * Bits equal to the first, within one loaded piece. Whole bytes are compared
 * first: nearly all bitmaps are all ones or all zeros for long stretches.
 */
static uint64_t equal_bits(const uint8_t *bytes, uint64_t bit, uint64_t end,
			   bool value, bool msb_first)
{
	uint8_t uniform = value ? 0xFF : 0x00;
	uint64_t at = bit;

	while (at < end) {
		if (!(at & 7) && end - at >= 8 && bytes[at >> 3] == uniform)
			at += 8;
		else if (bit_of(bytes[at >> 3], at, msb_first) == value)
			at++;
		else
			break;
	}
	return at - bit;
}

/*
 * The run of equal bits that starts at bit `first` of the bitmap at file
 * offset `base`, at most `count` bits.
 */
static int bitmap_run(struct mapping *m, uint64_t base, uint64_t first,
		      uint64_t count, bool *value, uint64_t *run)
{
	bool msb_first = m->map->kind == VHD_MAP_VHD1;
	uint8_t piece[64];

	*run = 0;
	while (*run < count) {
		uint64_t at = first + *run, skip = at & 511;
		uint64_t end = vhd_min(512, skip + count - *run), equal;
		uint64_t from = skip / 8, bytes = (end + 7) / 8 - from;
		int rc = m->window->load(m->window,
					 base + (at - skip) / 8 + from,
					 piece + from, (size_t)bytes);

		if (rc)
			return vhd_fail(m->diag, rc, "sector bitmap",
					base + at / 8, "cannot be read");
		if (!*run)
			*value = bit_of(piece[skip / 8], skip, msb_first);
		equal = equal_bits(piece, skip, end, *value, msb_first);
		*run += equal;
		if (skip + equal < end)
			break;
	}
	return 0;
}

/* how one piece, within one block, is stored */
static int map_piece(struct mapping *m, uint64_t offset, uint64_t length,
		     struct vhd_extent *out)
{
	const struct vhd_map *map = m->map;
	uint64_t block = offset >> map->block_shift;
	uint64_t inside = offset - (block << map->block_shift);
	uint64_t rest = ((uint64_t)1 << map->block_shift) - inside, first, run;
	struct vhd_block b;
	bool here = true;
	int rc = get_block(m, block, &b);

	if (rc)
		return rc;
	*out = (struct vhd_extent){
		.start = offset,
		.length = vhd_min(length, rest),
		.kind = VHD_EXTENT_ZERO,
	};
	if (b.state == VHD_BLOCK_PARTIAL) {
		first = inside >> map->sector_shift;
		rc = bitmap_run(
			m, b.bitmap, first,
			vhd_shift_up(inside + out->length, map->sector_shift) -
				first,
			&here, &run);
		if (rc)
			return rc;
		out->length =
			vhd_min(out->length,
				((first + run) << map->sector_shift) - inside);
	}
	if (b.state == VHD_BLOCK_FULL ||
	    (b.state == VHD_BLOCK_PARTIAL && here)) {
		out->kind = VHD_EXTENT_DATA;
		out->offset = b.data + inside;
	} else if (b.state != VHD_BLOCK_ZERO && map->has_parent) {
		out->kind = VHD_EXTENT_PARENT;
	}
	return 0;
}

static bool merges(const struct vhd_extent *a, const struct vhd_extent *b)
{
	return a->kind == b->kind && (a->kind != VHD_EXTENT_DATA ||
				      a->offset + a->length == b->offset);
}

int vhd_map_extent(const struct vhd_map *map, struct vhd_window *window,
		   uint64_t offset, uint64_t length, struct vhd_extent *out,
		   struct vhd_diag *diag)
{
	struct mapping m = {map, window, diag, {0, 0, {0}}};
	struct vhd_extent more;
	int rc;

	if (map->kind == VHD_MAP_LINEAR) {
		*out = (struct vhd_extent){offset, length, offset,
					   VHD_EXTENT_DATA, 0};
		return 0;
	}
	rc = map_piece(&m, offset, length, out);
	m.diag = NULL; /* an error further on is reported when it is reached */
	while (!rc && out->length < length) {
		if (map_piece(&m, offset + out->length, length - out->length,
			      &more) ||
		    !merges(out, &more))
			break;
		out->length += more.length;
	}
	return rc;
}

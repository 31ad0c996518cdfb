/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of vhd.md 13: the end footer first, always. A fixed disk has
 * guest data at offset 0, so what lies there is looked at only when the end
 * footer says dynamic or differencing, or is lost altogether; and then it must
 * itself say dynamic or differencing.
 */
#include "vhd1_open.h"

#include "checked.h"
#include "diag.h"
#include "mem.h"
#include "vhd1_locator.h"

static const char footer_name[] = "VHD footer";
static const char header_name[] = "VHD dynamic header";

/* everything the steps below share */
struct opening {
	const struct vhd_source *source;
	uint8_t *scratch;
	struct vhd1_meta *meta;
	struct vhd_diag *diag;
};

static int read_footer(const struct opening *o, uint64_t offset, uint32_t size,
		       struct vhd1_footer *out, struct vhd_diag *diag)
{
	int rc;

	memset(o->scratch, 0, VHD1_FOOTER_SIZE);
	rc = vhd_source_read(o->source, offset, o->scratch, size);
	if (rc)
		return vhd_fail(diag, rc, footer_name, offset,
				"cannot be read");
	return vhd1_footer_decode(o->scratch, offset, out, diag);
}

/* tapdisk overwrites the end footer while it has the image open. 17.4 */
static bool is_tapdisk_mark(const uint8_t *bytes)
{
	for (uint32_t i = 0; i < VHD1_FOOTER_SIZE; i++)
		if (bytes[i] != 0xC7)
			return false;
	return true;
}

/* The footer at the end of the file, in either length. */
static int primary_footer(const struct opening *o)
{
	struct vhd1_meta *meta = o->meta;
	uint64_t size = o->source->size, at;
	int rc = VHD_E_FORMAT;

	if (size < VHD1_FOOTER_OLD_SIZE)
		return vhd_fail_value(o->diag, VHD_E_FORMAT, footer_name, 0,
				      "a file of % bytes holds no footer",
				      size);
	if (size >= VHD1_FOOTER_SIZE) {
		at = size - VHD1_FOOTER_SIZE;
		rc = read_footer(o, at, VHD1_FOOTER_SIZE, &meta->footer,
				 o->diag);
		meta->footer_offset = at;
		if (is_tapdisk_mark(o->scratch))
			meta->conditions |= VHD_COND_TAPDISK_OPEN;
	}
	if (rc == VHD_E_FORMAT && size % VHD1_SECTOR == VHD1_FOOTER_OLD_SIZE) {
		at = size - VHD1_FOOTER_OLD_SIZE;
		rc = read_footer(o, at, VHD1_FOOTER_OLD_SIZE, &meta->footer,
				 o->diag);
		meta->footer_offset = at;
		if (!rc)
			meta->conditions |= VHD_COND_FOOTER_511;
	}
	return rc;
}

/* No usable end footer: the copy of a sparse image may stand in. */
static int fallback_footer(const struct opening *o, int primary_error)
{
	struct vhd1_footer copy = {0};

	if (primary_error != VHD_E_FORMAT && primary_error != VHD_E_CORRUPT)
		return primary_error;
	if (o->source->size < VHD1_FOOTER_SIZE ||
	    read_footer(o, 0, VHD1_FOOTER_SIZE, &copy, NULL) ||
	    copy.type == VHD_TYPE_FIXED)
		return primary_error;
	o->meta->footer = copy;
	o->meta->footer_offset = 0;
	o->meta->conditions |= VHD_COND_FOOTER_LOST;
	return 0;
}

/* differences that have no meaning for the content: 20.4 */
static bool footers_agree(struct vhd1_footer a, struct vhd1_footer b)
{
	return a.data_offset == b.data_offset &&
	       a.current_size == b.current_size && a.type == b.type &&
	       memcmp(a.id.b, b.id.b, 16) == 0;
}

static void compare_copy(const struct opening *o)
{
	struct vhd1_footer copy = {0};

	if (o->meta->conditions & VHD_COND_FOOTER_LOST)
		return;
	if (read_footer(o, 0, VHD1_FOOTER_SIZE, &copy, NULL))
		o->meta->conditions |= VHD_COND_FOOTER_COPY_BAD;
	else if (!footers_agree(copy, o->meta->footer))
		o->meta->conditions |= VHD_COND_FOOTERS_DIFFER;
	o->meta->copy_is_stale =
		(o->meta->conditions & VHD_COND_FOOTERS_DIFFER) &&
		copy.type == o->meta->footer.type &&
		memcmp(copy.id.b, o->meta->footer.id.b, 16) == 0;
}

static void footer_conditions(struct vhd1_meta *meta)
{
	const struct vhd1_footer *f = &meta->footer;
	const struct vhd1_creator *creator = vhd1_creator_find(f->creator);
	uint32_t known = VHD1_FEATURE_TEMPORARY | VHD1_FEATURE_RESERVED;

	if (f->saved_state)
		meta->conditions |= VHD_COND_SAVED_STATE;
	if (f->features & VHD1_FEATURE_TEMPORARY)
		meta->conditions |= VHD_COND_TEMPORARY;
	if (f->features & ~known)
		meta->conditions |= VHD_COND_FEATURES;
	if (vhd1_footer_is_tap(f) && f->hidden)
		meta->conditions |= VHD_COND_HIDDEN;
	if (creator && creator->chs_in_guest &&
	    vhd1_disk_size(f, VHD1_SIZE_CHS) != f->current_size)
		meta->conditions |= VHD_COND_CHS_SIZE;
}

static int check_size(const struct opening *o, enum vhd1_size_rule rule)
{
	struct vhd1_meta *meta = o->meta;
	uint64_t at = meta->footer_offset +
		      offsetof(struct vhd1_footer_disk, current_size);

	if (vhd1_footer_is_tap(&meta->footer) &&
	    meta->footer.creator_version == 0x00000001)
		return vhd_fail(o->diag, VHD_E_UNSUPPORTED, footer_name,
				meta->footer_offset,
				"blktap 0.1 wrote bitmaps in another bit "
				"order; convert it with vhd-util");
	meta->size = vhd1_disk_size(&meta->footer, rule);
	if (!vhd_is_aligned(meta->size, VHD1_SECTOR)) {
		meta->size = vhd_round_down(meta->size, VHD1_SECTOR);
		meta->conditions |= VHD_COND_ODD_SIZE;
	}
	if (!meta->size)
		return vhd_fail(o->diag, VHD_E_CORRUPT, footer_name, at,
				"the current size is zero");
	return 0;
}

static int open_fixed(const struct opening *o, struct vhd_map *map)
{
	struct vhd1_meta *meta = o->meta;

	if (meta->size > meta->footer_offset)
		return vhd_fail_value(
			o->diag, VHD_E_CORRUPT, footer_name,
			meta->footer_offset +
				offsetof(struct vhd1_footer_disk, current_size),
			"a fixed disk of % bytes does not fit in front of its "
			"footer: the file was cut",
			meta->size);
	*map = (struct vhd_map){
		.kind = VHD_MAP_LINEAR,
		.size = meta->size,
		.limit = meta->footer_offset,
		.sector_shift = 9,
	};
	return 0;
}

static int read_header(const struct opening *o)
{
	uint64_t at = o->meta->footer.data_offset;
	int rc;

	if (at < VHD1_FOOTER_SIZE || !vhd_is_aligned(at, VHD1_SECTOR) ||
	    !vhd_inside(at, VHD1_HEADER_SIZE, o->source->size))
		return vhd_fail_value(
			o->diag, VHD_E_CORRUPT, footer_name,
			o->meta->footer_offset +
				offsetof(struct vhd1_footer_disk, data_offset),
			"data offset % leaves no room for a dynamic header",
			at);
	rc = vhd_source_read(o->source, at, o->scratch, VHD1_HEADER_SIZE);
	if (rc)
		return vhd_fail(o->diag, rc, header_name, at, "cannot be read");
	return vhd1_header_decode(o->scratch, at, &o->meta->header, o->diag);
}

static int check_table(const struct opening *o)
{
	const struct vhd1_header *h = &o->meta->header;
	uint64_t base = o->meta->footer.data_offset;
	uint64_t needed =
		vhd_shift_up(o->meta->size, vhd_shift_of(h->block_size));
	uint64_t bytes = (uint64_t)h->max_entries * 4;
	uint64_t at = base + offsetof(struct vhd1_header_disk, max_entries);

	if (o->meta->size > VHD1_SPARSE_MAX)
		return vhd_fail(o->diag, VHD_E_CORRUPT, footer_name,
				o->meta->footer_offset,
				"larger than 2040 GiB, the limit of dynamic "
				"and differencing disks");
	if (h->max_entries < needed)
		return vhd_fail_value(o->diag, VHD_E_CORRUPT, header_name, at,
				      "the block table has % entries, fewer "
				      "than the disk needs",
				      h->max_entries);
	if (!vhd_inside(h->table_offset, bytes, o->source->size))
		return vhd_fail_value(o->diag, VHD_E_CORRUPT, header_name, at,
				      "a block table of % entries does not "
				      "fit into the file",
				      h->max_entries);
	if (vhd_overlap(h->table_offset, h->table_offset + bytes, 0,
			VHD1_FOOTER_SIZE) ||
	    vhd_overlap(h->table_offset, h->table_offset + bytes, base,
			base + VHD1_HEADER_SIZE))
		return vhd_fail(
			o->diag, VHD_E_CORRUPT, header_name,
			base + offsetof(struct vhd1_header_disk, table_offset),
			"the block table overlaps the header");
	return 0;
}

static uint64_t table_end(const struct vhd1_header *h)
{
	return vhd_round_up(h->table_offset + (uint64_t)h->max_entries * 4,
			    VHD1_SECTOR);
}

static void find_batmap(const struct opening *o)
{
	struct vhd1_meta *meta = o->meta;
	uint64_t at = table_end(&meta->header);

	if (!vhd1_footer_is_tap(&meta->footer) ||
	    !vhd_inside(at, VHD1_BATMAP_HEADER_SIZE, o->source->size) ||
	    vhd_source_read(o->source, at, o->scratch, VHD1_BATMAP_HEADER_SIZE))
		return;
	meta->has_batmap = vhd1_batmap_decode(o->scratch, at, o->source->size,
					      &meta->batmap);
	if (meta->has_batmap && meta->batmap.encrypted)
		meta->conditions |= VHD_COND_ENCRYPTED;
}

/* The ranges no block may touch: 20.1 */
static void reserve_metadata(const struct vhd1_meta *meta, struct vhd_map *map)
{
	const struct vhd1_header *h = &meta->header;

	vhd_map_reserve(map, 0, VHD1_FOOTER_SIZE);
	vhd_map_reserve(map, meta->footer.data_offset, VHD1_HEADER_SIZE);
	vhd_map_reserve(map, h->table_offset, table_end(h) - h->table_offset);
	if (meta->has_batmap) {
		vhd_map_reserve(map, meta->batmap.header_offset,
				VHD1_BATMAP_HEADER_SIZE);
		vhd_map_reserve(map, meta->batmap.offset, meta->batmap.bytes);
	}
	if (meta->footer.type != VHD_TYPE_DIFFERENCING)
		return;
	for (int i = 0; i < VHD1_LOCATORS; i++)
		if (vhd1_locator_usable(&h->locators[i]))
			vhd_map_reserve(map, h->locators[i].offset,
					h->locators[i].length);
}

static int open_sparse(const struct opening *o, struct vhd_map *map)
{
	struct vhd1_meta *meta = o->meta;
	bool differencing = meta->footer.type == VHD_TYPE_DIFFERENCING;
	int rc = read_header(o);

	if (!rc)
		rc = check_table(o);
	if (!rc && differencing)
		rc = vhd1_locators_check(&meta->header,
					 meta->footer.data_offset,
					 o->source->size, o->diag);
	if (rc)
		return rc;
	compare_copy(o);
	find_batmap(o);
	*map = (struct vhd_map){
		.kind = VHD_MAP_VHD1,
		.size = meta->size,
		.blocks = vhd_shift_up(meta->size,
				       vhd_shift_of(meta->header.block_size)),
		.bat_offset = meta->header.table_offset,
		.limit = meta->conditions & VHD_COND_FOOTER_LOST
				 ? o->source->size
				 : meta->footer_offset,
		.bitmap_bytes = vhd1_bitmap_bytes(meta->header.block_size),
		.sector_shift = 9,
		.block_shift = vhd_shift_of(meta->header.block_size),
		.has_parent = differencing,
	};
	reserve_metadata(meta, map);
	return 0;
}

int vhd1_open(const struct vhd_source *source, enum vhd1_size_rule rule,
	      uint8_t scratch[VHD1_HEADER_SIZE], struct vhd1_meta *meta,
	      struct vhd_map *map, struct vhd_diag *diag)
{
	const struct opening o = {source, scratch, meta, diag};
	int rc;

	*meta = (struct vhd1_meta){0};
	rc = primary_footer(&o);
	if (rc)
		rc = fallback_footer(&o, rc);
	if (!rc)
		rc = check_size(&o, rule);
	if (rc)
		return rc;
	footer_conditions(meta);
	if (meta->footer.type == VHD_TYPE_FIXED)
		return open_fixed(&o, map);
	return open_sparse(&o, map);
}

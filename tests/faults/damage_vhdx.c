/* SPDX-License-Identifier: BSD-2-Clause */
#include "damage_vhdx.h"

#include "core/bytes.h"
#include "core/vhdx_bat.h"
#include "images.h"

static uint64_t raw_entry(const struct vhdx_image *i, uint64_t at)
{
	le64 raw;

	sparse_get(i->file, at, &raw, sizeof(raw));
	return le64_get(raw);
}

static uint64_t block_at(const struct vhdx_image *i, uint64_t block)
{
	return vhdx_entry_offset(raw_entry(i, vhdx_entry_at(i, block)));
}

/* -- headers and tables ------------------------------------------------------
 */

/* the newer one */
struct sparse *damage_header_new(void)
{
	struct vhdx_image i = faults_vhdx();

	sparse_fill(i.file, VHDX_HEADER_AT(2) + 100, 1, 1);
	return i.file;
}

struct sparse *damage_header_old(void)
{
	struct vhdx_image i = faults_vhdx_child();

	sparse_fill(i.file, VHDX_HEADER_AT(1), 0, 4096);
	return i.file;
}

struct sparse *damage_headers_equal(void)
{
	struct vhdx_image i = faults_vhdx();

	vhdx_put_header(&i, 1, 7, NULL);
	vhdx_put_header(&i, 2, 7, NULL);
	return i.file;
}

struct sparse *damage_headers_differ(void)
{
	struct vhdx_image i = faults_vhdx();

	vhdx_put_header(&i, 1, 6, vhdx_guid_log);
	vhdx_put_header(&i, 2, 7, NULL);
	return i.file;
}

struct sparse *damage_both_headers(void)
{
	struct vhdx_image i = faults_vhdx();

	sparse_fill(i.file, VHDX_HEADER_AT(1) + 100, 1, 1);
	sparse_fill(i.file, VHDX_HEADER_AT(2) + 100, 1, 1);
	return i.file;
}

/* two that claim the same number */
struct sparse *damage_headers_clash(void)
{
	struct vhdx_image i = faults_vhdx();

	vhdx_put_header(&i, 1, 7, vhdx_guid_log);
	vhdx_put_header(&i, 2, 7, NULL);
	return i.file;
}

struct sparse *damage_regions_1(void)
{
	struct vhdx_image i = faults_vhdx();

	sparse_fill(i.file, VHDX_REGIONS_AT(1) + 100, 1, 1);
	return i.file;
}

struct sparse *damage_regions_2(void)
{
	struct vhdx_image i = faults_vhdx();

	sparse_fill(i.file, VHDX_REGIONS_AT(2), 0, 65536);
	return i.file;
}

/* both whole; the second says that BAT is not required */
struct sparse *damage_regions_differ(void)
{
	struct vhdx_image i = faults_vhdx();

	sparse_fill(i.file, VHDX_REGIONS_AT(2) + 16 + 28, 0, 1);
	vhdx_seal(i.file);
	return i.file;
}

struct sparse *damage_item_flags(void)
{
	struct vhdx_image i = faults_vhdx_child();

	for (enum vhdx_place p = VHDX_PLACE_PARAMETERS; p <= VHDX_PLACE_ID; p++)
		sparse_put_le32(i.file, vhdx_item_entry(&i, p) + 24, 4);
	return i.file;
}

/* an item that must be understood, and is not */
struct sparse *damage_unsupported(void)
{
	struct vhdx_image i = faults_vhdx();
	uint64_t at = vhdx_item_entry(&i, VHDX_PLACE_LOCATOR);

	sparse_put_le16(i.file, i.metadata + 10, 6);
	sparse_fill(i.file, at, 0x77, 16);
	sparse_put_le32(i.file, at + 24, 4);
	return i.file;
}

struct sparse *damage_limit(void)
{
	struct vhdx_image i = faults_vhdx();

	i.spec.log_length = 2u << 30;
	i.log = 1u << 30;
	sparse_resize(i.file, (uint64_t)4 << 30);
	vhdx_put_header(&i, 1, 8, NULL);
	vhdx_put_header(&i, 2, 9, NULL);
	return i.file;
}

/* -- the log -----------------------------------------------------------------
 */

/* block 4 is stored, but only the log says so */
static struct sparse *with_log(bool whole, bool is_short)
{
	struct vhdx_image i = faults_vhdx();
	uint64_t data = vhdx_add_block(&i, 4, VHDX_FULLY_PRESENT);
	uint8_t page[4096];
	const struct vhdx_change change = {i.bat, page, 0};
	struct vhdx_entry_spec entry = {
		.sequence = 5,
		.flushed = data,
		.last = data + (1u << 20),
		.changes = &change,
		.count = 1,
	};

	faults_fill(i.file, data, 4, 1u << 20);
	sparse_get(i.file, i.bat, page, sizeof(page));
	vhdx_put_entry(&i, 4, 0);
	vhdx_put_header(&i, 1, 8, vhdx_guid_log);
	vhdx_put_header(&i, 2, 9, vhdx_guid_log);
	vhdx_put_log(&i, 0, &entry);
	if (!whole)
		sparse_fill(i.file, i.log + 4096 + 100, 0x99, 1);
	if (is_short)
		sparse_resize(i.file, data + 4096);
	return i.file;
}

struct sparse *damage_log_dirty(void)
{
	return with_log(true, false);
}

struct sparse *damage_log_short(void)
{
	return with_log(true, true);
}

struct sparse *damage_log_invalid(void)
{
	return with_log(false, false);
}

/* -- the block table ---------------------------------------------------------
 */

static struct sparse *with_entry(struct vhdx_image i, uint64_t block,
				 uint64_t value)
{
	vhdx_put_entry(&i, block, value);
	return i.file;
}

struct sparse *damage_vhdx_past_end(void)
{
	return with_entry(faults_vhdx(), 1,
			  ((uint64_t)1 << 40) | VHDX_FULLY_PRESENT);
}

struct sparse *damage_vhdx_far_end(void)
{
	return with_entry(faults_vhdx_child(), 1,
			  0xFFFFFFFFFFF00000u | VHDX_FULLY_PRESENT);
}

struct sparse *damage_vhdx_into_log(void)
{
	struct vhdx_image i = faults_vhdx();

	return with_entry(i, 3, i.log | VHDX_FULLY_PRESENT);
}

struct sparse *damage_vhdx_into_head(void)
{
	return with_entry(faults_vhdx(), 3, VHDX_FULLY_PRESENT);
}

struct sparse *damage_vhdx_state_4(void)
{
	return with_entry(faults_vhdx(), 3, 4);
}

struct sparse *damage_vhdx_state_5(void)
{
	return with_entry(faults_vhdx_child(), 3, 5);
}

struct sparse *damage_vhdx_reserved(void)
{
	struct vhdx_image i = faults_vhdx();

	return with_entry(i, 2, block_at(&i, 2) | 0x80 | VHDX_FULLY_PRESENT);
}

struct sparse *damage_vhdx_reserved_empty(void)
{
	return with_entry(faults_vhdx(), 3, 0x80 | VHDX_ZERO);
}

struct sparse *damage_vhdx_partial(void)
{
	struct vhdx_image i = faults_vhdx();

	return with_entry(i, 2, block_at(&i, 2) | VHDX_PARTIALLY_PRESENT);
}

struct sparse *damage_vhdx_no_bitmap(void)
{
	struct vhdx_image i = faults_vhdx_child();

	sparse_put_le64(i.file, vhdx_bitmap_entry_at(&i, 0), 0);
	return i.file;
}

struct sparse *damage_vhdx_bad_bitmap(void)
{
	struct vhdx_image i = faults_vhdx_child();

	sparse_put_le64(i.file, vhdx_bitmap_entry_at(&i, 0),
			i.metadata | VHDX_BITMAP_PRESENT);
	return i.file;
}

struct sparse *damage_vhdx_bitmap_reserved(void)
{
	struct vhdx_image i = faults_vhdx_child();
	uint64_t at = vhdx_bitmap_entry_at(&i, 0);

	sparse_put_le64(i.file, at, raw_entry(&i, at) | 0x40);
	return i.file;
}

/* the file ends in the block that lies last */
struct sparse *damage_vhdx_cut(void)
{
	struct vhdx_image i = faults_vhdx();
	uint64_t at = vhdx_add_block(&i, 3, VHDX_FULLY_PRESENT);

	faults_fill(i.file, at, 3, 1u << 20);
	sparse_resize(i.file, at + 5000);
	return i.file;
}

struct sparse *damage_vhdx_overlap(void)
{
	struct vhdx_image i = faults_vhdx();

	return with_entry(i, 3, block_at(&i, 2) | VHDX_FULLY_PRESENT);
}

/* a block lies where the bitmap is */
struct sparse *damage_vhdx_overlap_bitmap(void)
{
	struct vhdx_image i = faults_vhdx_child();
	uint64_t bitmap =
		vhdx_entry_offset(raw_entry(&i, vhdx_bitmap_entry_at(&i, 0)));

	return with_entry(i, 3, bitmap | VHDX_FULLY_PRESENT);
}

struct sparse *damage_vhdx_anchor_far(void)
{
	return with_entry(faults_vhdx(), 3,
			  ((uint64_t)200 << 40) | VHDX_UNMAPPED);
}

/* it comes before the block whose place it names */
struct sparse *damage_vhdx_anchor_shared(void)
{
	struct vhdx_image i = faults_vhdx_child();

	return with_entry(i, 1, block_at(&i, 6) | VHDX_UNDEFINED);
}

struct sparse *damage_vhdx_stale_place(void)
{
	struct vhdx_image i = faults_vhdx_child();

	with_entry(i, 1, ((uint64_t)9 << 20) | VHDX_NOT_PRESENT);
	return with_entry(i, 3, ((uint64_t)9 << 20) | VHDX_ZERO);
}

struct sparse *damage_vhdx_short(void)
{
	struct vhdx_image i = faults_vhdx();

	sparse_resize(i.file, block_at(&i, 6) + (512u << 10));
	return i.file;
}

struct sparse *damage_vhdx_too_far(void)
{
	struct vhdx_image i = faults_vhdx();

	sparse_resize(i.file, (uint64_t)130 << 40);
	return with_entry(i, 3, ((uint64_t)129 << 40) | VHDX_FULLY_PRESENT);
}

/* -- space -------------------------------------------------------------------
 */

struct sparse *damage_vhdx_leak(void)
{
	return with_entry(faults_vhdx(), 2, 0);
}

struct sparse *damage_vhdx_tail(void)
{
	struct vhdx_image i = faults_vhdx();
	uint64_t end = i.file->size;

	sparse_fill(i.file, end + (3u << 20), 0x44, 2u << 20);
	return i.file;
}

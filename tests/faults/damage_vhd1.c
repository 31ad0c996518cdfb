/* SPDX-License-Identifier: BSD-2-Clause */
#include "damage_vhd1.h"

#include "core/vhd1_batmap.h"
#include "core/vhd1_footer.h"
#include "core/vhd1_header.h"
#include "images.h"

static struct vhd1_image dynamic(void)
{
	return faults_vhd(VHD_TYPE_DYNAMIC, "lvhd", 0);
}

static struct vhd1_image child(void)
{
	return faults_vhd(VHD_TYPE_DIFFERENCING, "lvhd", 0);
}

static uint64_t block_at(const struct vhd1_image *i, uint64_t block)
{
	be32 entry;

	sparse_get(i->file, vhd1_entry_at(i, block), &entry, sizeof(entry));
	return (uint64_t)be32_get(entry) * VHD1_SECTOR;
}

/* -- footers -----------------------------------------------------------------
 */

struct sparse *damage_footer_lost(void)
{
	struct vhd1_image i = dynamic();

	sparse_fill(i.file, i.footer, 0, VHD1_FOOTER_SIZE);
	return i.file;
}

struct sparse *damage_footer_torn(void)
{
	struct vhd1_image i = child();

	sparse_resize(i.file, i.footer + 200);
	return i.file;
}

struct sparse *damage_footer_copy(void)
{
	struct vhd1_image i = dynamic();

	sparse_fill(i.file, 50, 0x55, 8);
	return i.file;
}

struct sparse *damage_footers_differ(void)
{
	struct vhd1_image i = child();

	sparse_put_be64(i.file, offsetof(struct vhd1_footer_disk, current_size),
			1u << 20);
	vhd1_seal(&i);
	return i.file;
}

struct sparse *damage_footer_511(void)
{
	struct vhd1_image i = dynamic();

	sparse_resize(i.file, i.file->size - 1);
	return i.file;
}

struct sparse *damage_fixed_511(void)
{
	struct vhd1_image i = faults_vhd(VHD_TYPE_FIXED, "lvhd", 0);

	sparse_resize(i.file, i.file->size - 1);
	return i.file;
}

/* a byte in both footers */
static struct sparse *with_byte(struct vhd1_image i, size_t field,
				uint8_t value)
{
	sparse_fill(i.file, field, value, 1);
	sparse_fill(i.file, i.footer + field, value, 1);
	vhd1_seal(&i);
	return i.file;
}

struct sparse *damage_saved_state(void)
{
	return with_byte(dynamic(),
			 offsetof(struct vhd1_footer_disk, saved_state), 1);
}

struct sparse *damage_odd_size(void)
{
	return with_byte(dynamic(),
			 offsetof(struct vhd1_footer_disk, current_size) + 7,
			 100);
}

struct sparse *damage_features(void)
{
	return with_byte(dynamic(), offsetof(struct vhd1_footer_disk, features),
			 1);
}

struct sparse *damage_temporary(void)
{
	return with_byte(dynamic(),
			 offsetof(struct vhd1_footer_disk, features) + 3, 3);
}

struct sparse *damage_hidden(void)
{
	return with_byte(faults_tap(),
			 offsetof(struct vhd1_footer_disk, hidden), 1);
}

struct sparse *damage_chs_size(void)
{
	return faults_vhd(VHD_TYPE_DYNAMIC, "vpc ", 0x00050003).file;
}

struct sparse *damage_tapdisk(void)
{
	struct vhd1_image i = faults_tap();

	sparse_fill(i.file, i.footer, 0xC7, VHD1_FOOTER_SIZE);
	return i.file;
}

/* -- the batmap --------------------------------------------------------------
 */

struct sparse *damage_encrypted(void)
{
	struct vhd1_image i = faults_tap();

	sparse_fill(i.file,
		    2048 + offsetof(struct vhd1_batmap_disk, has_key_hash), 1,
		    1);
	return i.file;
}

struct sparse *damage_batmap(void)
{
	struct vhd1_image i = faults_tap();

	sparse_put_be32(i.file,
			2048 + offsetof(struct vhd1_batmap_disk, checksum), 7);
	return i.file;
}

struct sparse *damage_batmap_stale(void)
{
	struct vhd1_image i = faults_tap();

	vhd1_set_sectors(&i, 2, 1000, 24, false);
	sparse_fill(i.file, block_at(&i, 2) + i.bitmap_bytes + 1000 * 512, 0,
		    24 * 512);
	return i.file;
}

struct sparse *damage_hides_data(void)
{
	struct vhd1_image i = dynamic();

	vhd1_set_sectors(&i, 2, 10, 20, false);
	return i.file;
}

/* -- the block table ---------------------------------------------------------
 */

static struct sparse *with_entry(struct vhd1_image i, uint64_t block,
				 uint32_t value)
{
	sparse_put_be32(i.file, vhd1_entry_at(&i, block), value);
	return i.file;
}

struct sparse *damage_vhd_past_end(void)
{
	return with_entry(dynamic(), 1, 0x7FFFFFFF);
}

struct sparse *damage_vhd_child_past_end(void)
{
	return with_entry(child(), 1, 0xFFFFFFFE);
}

struct sparse *damage_vhd_into_header(void)
{
	return with_entry(dynamic(), 3, 1);
}

struct sparse *damage_vhd_zero_entry(void)
{
	return with_entry(dynamic(), 3, 0);
}

struct sparse *damage_vhd_overlap(void)
{
	struct vhd1_image i = dynamic();

	return with_entry(i, 3, (uint32_t)(block_at(&i, 2) / VHD1_SECTOR));
}

/* three at nearly one place, in a child */
struct sparse *damage_vhd_overlaps(void)
{
	struct vhd1_image i = child();
	uint32_t at = (uint32_t)(block_at(&i, 2) / VHD1_SECTOR);

	with_entry(i, 1, at + 1);
	return with_entry(i, 3, at + 2);
}

/* the file ends in the last block, and there is no footer */
struct sparse *damage_vhd_cut(void)
{
	struct vhd1_image i = dynamic();

	sparse_resize(i.file,
		      block_at(&i, 4) + i.bitmap_bytes + 100 * 512 + 77);
	return i.file;
}

/* the same, but somebody has put a footer there */
struct sparse *damage_vhd_cut_footer(void)
{
	struct vhd1_image i = child();
	uint8_t footer[VHD1_FOOTER_SIZE];
	uint64_t end = block_at(&i, 4) + i.bitmap_bytes + 50 * 512;

	sparse_get(i.file, i.footer, footer, sizeof(footer));
	sparse_resize(i.file, end);
	sparse_put(i.file, end, footer, sizeof(footer));
	return i.file;
}

/* only what is behind the disk's end is missing */
struct sparse *damage_vhd_short(void)
{
	struct vhd1_image i = dynamic();
	uint8_t footer[VHD1_FOOTER_SIZE];
	uint64_t end = block_at(&i, 4) + i.bitmap_bytes + (256u << 10);

	sparse_get(i.file, i.footer, footer, sizeof(footer));
	sparse_resize(i.file, end);
	sparse_put(i.file, end, footer, sizeof(footer));
	return i.file;
}

/* -- space -------------------------------------------------------------------
 */

struct sparse *damage_vhd_leak(void)
{
	struct vhd1_image i = dynamic();

	return with_entry(i, 2, UINT32_MAX);
}

struct sparse *damage_vhd_tail(void)
{
	struct vhd1_image i = dynamic();

	with_entry(i, 2, UINT32_MAX);
	return with_entry(i, 4, UINT32_MAX);
}

/* a table as long as a block behind block 0, as a program leaves it that gave
 * the disk a longer one; no fault */
static struct vhd1_image table_between(void)
{
	const struct vhd1_spec spec = {
		.type = VHD_TYPE_DYNAMIC,
		.size = (2u << 20) + (256u << 10),
		.block_size = 512u << 10,
		.table = 2u << 20,
		.max_entries = 150000,
	};
	struct vhd1_image i = vhd1_image_new(&spec);

	with_entry(i, 0, 4);
	sparse_fill(i.file, 4 * VHD1_SECTOR, 0xFF, i.bitmap_bytes);
	faults_fill(i.file, 4 * VHD1_SECTOR + i.bitmap_bytes, 0, 512u << 10);
	faults_fill(i.file, vhd1_add_block(&i, 2), 2, 512u << 10);
	return i;
}

struct sparse *damage_vhd_table_between(void)
{
	return table_between().file;
}

/* in front of the table, up to its first byte */
struct sparse *damage_vhd_leak_at_table(void)
{
	struct vhd1_image i = table_between();

	faults_fill(i.file, 1u << 20, 1, 1u << 20);
	return i.file;
}

/* -- what does not open ------------------------------------------------------
 */

struct sparse *damage_both_footers(void)
{
	struct vhd1_image i = dynamic();

	sparse_fill(i.file, i.footer, 0x11, VHD1_FOOTER_SIZE);
	sparse_fill(i.file, 0, 0x22, VHD1_FOOTER_SIZE);
	return i.file;
}

struct sparse *damage_dynamic_header(void)
{
	struct vhd1_image i = dynamic();

	sparse_fill(i.file, i.header + 900, 0x33, 50);
	return i.file;
}

struct sparse *damage_whole_header(void)
{
	struct vhd1_image i = dynamic();

	sparse_fill(i.file, i.header, 0x33, VHD1_HEADER_SIZE);
	return i.file;
}

struct sparse *damage_child_header(void)
{
	struct vhd1_image i = child();

	sparse_fill(i.file, i.header + 900, 0x33, 50);
	return i.file;
}

struct sparse *damage_fixed_cut(void)
{
	struct vhd1_image i = faults_vhd(VHD_TYPE_FIXED, "lvhd", 0);
	uint8_t footer[VHD1_FOOTER_SIZE];

	sparse_get(i.file, i.footer, footer, sizeof(footer));
	sparse_resize(i.file, 1u << 20);
	sparse_put(i.file, 1u << 20, footer, sizeof(footer));
	return i.file;
}

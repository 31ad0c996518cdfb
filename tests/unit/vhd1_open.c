/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "core/checked.h"
#include "core/vhd1_locator.h"
#include "core/vhd1_open.h"
#include "support/vhd1_image.h"

static struct vhd1_meta meta;
static struct vhd_map map;

static int open_file(struct sparse *file)
{
	struct vhd_source source = sparse_source(file);
	static uint8_t scratch[VHD1_HEADER_SIZE];

	return vhd1_open(&source, VHD1_SIZE_CURRENT, scratch, &meta, &map,
			 NULL);
}

static struct vhd1_image dynamic(void)
{
	return vhd1_image_new(&(struct vhd1_spec){.type = VHD_TYPE_DYNAMIC,
						  .size = 5u << 20});
}

static struct vhd1_image fixed(void)
{
	return vhd1_image_new(
		&(struct vhd1_spec){.type = VHD_TYPE_FIXED, .size = 1u << 20});
}

Test(vhd1_open, valid_images_of_all_types)
{
	static const uint32_t types[] = {VHD_TYPE_FIXED, VHD_TYPE_DYNAMIC,
					 VHD_TYPE_DIFFERENCING};

	for (size_t i = 0; i < 3; i++) {
		struct vhd1_image image = vhd1_image_new(&(struct vhd1_spec){
			.type = types[i],
			.size = 5u << 20,
			.parent_name = i == 2 ? "base.vhd" : NULL});

		cr_expect_eq(open_file(image.file), 0, "type %u", types[i]);
		cr_expect_eq(meta.conditions, 0);
		cr_expect_eq(map.size, 5u << 20);
		cr_expect_eq(map.has_parent, i == 2);
		vhd1_image_drop(&image);
	}
}

/* vhd.md 20.2: a guest must not turn its fixed disk into another image */
Test(vhd1_open, a_fixed_disk_stays_fixed_whatever_its_guest_wrote)
{
	struct vhd1_image image = fixed(), trap = dynamic();
	uint8_t head[2048];

	sparse_get(trap.file, 0, head, sizeof(head));
	sparse_put(image.file, 0, head, sizeof(head));
	cr_assert_eq(open_file(image.file), 0);
	cr_expect_eq(map.kind, VHD_MAP_LINEAR);
	cr_expect_eq(map.size, 1u << 20);
	vhd1_image_drop(&image);
	vhd1_image_drop(&trap);
}

Test(vhd1_open, a_lost_end_footer_is_replaced_by_the_copy)
{
	struct vhd1_image image = dynamic();

	sparse_fill(image.file, image.footer, 0, 512);
	cr_assert_eq(open_file(image.file), 0);
	cr_expect(meta.conditions & VHD_COND_FOOTER_LOST);
	vhd1_image_drop(&image);
}

Test(vhd1_open, a_copy_that_says_fixed_never_stands_in)
{
	struct vhd1_image image = fixed();
	uint8_t footer[512];

	sparse_get(image.file, image.footer, footer, 512);
	sparse_put(image.file, 0, footer, 512);
	sparse_fill(image.file, image.footer, 0, 512);
	cr_expect_eq(open_file(image.file), VHD_E_FORMAT);
	vhd1_image_drop(&image);
}

Test(vhd1_open, a_bad_copy_is_only_a_condition)
{
	struct vhd1_image image = dynamic();

	sparse_fill(image.file, 64, 0xEE, 1);
	cr_assert_eq(open_file(image.file), 0);
	cr_expect_eq(meta.conditions, VHD_COND_FOOTER_COPY_BAD);
	vhd1_image_drop(&image);
}

Test(vhd1_open, the_end_footer_wins_over_a_different_copy)
{
	struct vhd1_image image = dynamic();

	sparse_put_be64(image.file, 48, 4u << 20);
	vhd1_seal(&image);
	cr_assert_eq(open_file(image.file), 0);
	cr_expect_eq(meta.conditions, VHD_COND_FOOTERS_DIFFER);
	cr_expect_eq(map.size, 5u << 20);
	vhd1_image_drop(&image);
}

/* before Virtual PC 2004 */
Test(vhd1_open, a_footer_of_511_bytes_is_read)
{
	struct vhd1_image image = fixed();

	sparse_resize(image.file, image.file->size - 1);
	cr_assert_eq(open_file(image.file), 0);
	cr_expect_eq(meta.conditions, VHD_COND_FOOTER_511);
	cr_expect_eq(map.size, 1u << 20);
	vhd1_image_drop(&image);
}

Test(vhd1_open, conditions_are_told)
{
	static const struct {
		size_t field;
		uint32_t value; /* be32 */
		const char *creator;
		uint32_t condition;
	} rows[] = {
		{offsetof(struct vhd1_footer_disk, saved_state), 0x01000000,
		 "win ", VHD_COND_SAVED_STATE},
		{offsetof(struct vhd1_footer_disk, saved_state), 0x00010000,
		 "tap\0", VHD_COND_HIDDEN},
		{offsetof(struct vhd1_footer_disk, saved_state), 0x00010000,
		 "win ", 0},
		{offsetof(struct vhd1_footer_disk, features), 3, "win ",
		 VHD_COND_TEMPORARY},
		{offsetof(struct vhd1_footer_disk, features), 6, "win ",
		 VHD_COND_FEATURES},
		{offsetof(struct vhd1_footer_disk, features), 0, "win ", 0},
		{offsetof(struct vhd1_footer_disk, features), 2, "vpc ",
		 VHD_COND_CHS_SIZE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhd1_image image = fixed();

		sparse_put(image.file, image.footer + 28, rows[i].creator, 4);
		sparse_put_be32(image.file, image.footer + rows[i].field,
				rows[i].value);
		vhd1_seal(&image);
		cr_expect_eq(open_file(image.file), 0);
		cr_expect_eq(meta.conditions, rows[i].condition, "row %zu", i);
		vhd1_image_drop(&image);
	}
}

Test(vhd1_open, tapdisks_mark_is_recognised)
{
	struct vhd1_image image = dynamic();

	sparse_fill(image.file, image.footer, 0xC7, 512);
	cr_assert_eq(open_file(image.file), 0);
	cr_expect_eq(meta.conditions,
		     VHD_COND_TAPDISK_OPEN | VHD_COND_FOOTER_LOST);
	vhd1_image_drop(&image);
}

/* One field of a valid dynamic image bent, checksums right again: vhd.md 20 */
struct mutation {
	const char *name;
	bool in_header; /* else in both footers */
	size_t field;
	int size;
	uint64_t value;
	int error;
};

#define FOOTER(field) false, offsetof(struct vhd1_footer_disk, field)
#define HEADER(field) true, offsetof(struct vhd1_header_disk, field)

static const struct mutation mutations[] = {
	{"nothing", FOOTER(features), 4, 2, 0},
	{"size 0", FOOTER(current_size), 8, 0, VHD_E_CORRUPT},
	{"size 511", FOOTER(current_size), 8, 511, VHD_E_CORRUPT},
	{"size odd", FOOTER(current_size), 8, (5u << 20) - 1, 0},
	{"size all ones", FOOTER(current_size), 8, UINT64_MAX, VHD_E_CORRUPT},
	{"size past the table", FOOTER(current_size), 8, (6u << 20) + 512,
	 VHD_E_CORRUPT},
	{"size 2040 GiB and more", FOOTER(current_size), 8,
	 (2040 * VHD_GIB) + 512, VHD_E_CORRUPT},
	{"data offset 0", FOOTER(data_offset), 8, 0, VHD_E_CORRUPT},
	{"data offset in the copy", FOOTER(data_offset), 8, 511, VHD_E_CORRUPT},
	{"data offset unaligned", FOOTER(data_offset), 8, 513, VHD_E_CORRUPT},
	{"data offset all ones", FOOTER(data_offset), 8, UINT64_MAX,
	 VHD_E_CORRUPT},
	{"data offset near the top", FOOTER(data_offset), 8, UINT64_MAX - 511,
	 VHD_E_CORRUPT},
	{"data offset past the end", FOOTER(data_offset), 8, 1u << 30,
	 VHD_E_CORRUPT},
	{"data offset elsewhere", FOOTER(data_offset), 8, 1024, VHD_E_CORRUPT},
	{"type 0", FOOTER(type), 4, 0, VHD_E_UNSUPPORTED},
	{"type 7", FOOTER(type), 4, 7, VHD_E_UNSUPPORTED},
	{"type fixed, file too short", FOOTER(type), 4, 2, VHD_E_CORRUPT},
	{"version 2", FOOTER(version), 4, 0x20000, VHD_E_UNSUPPORTED},
	{"table too small", HEADER(max_entries), 4, 2, VHD_E_CORRUPT},
	{"table of 0 entries", HEADER(max_entries), 4, 0, VHD_E_CORRUPT},
	{"table of 2^32 - 1 entries", HEADER(max_entries), 4, 0xFFFFFFFF,
	 VHD_E_CORRUPT},
	{"table of 2^30 entries", HEADER(max_entries), 4, 1u << 30,
	 VHD_E_CORRUPT},
	{"table larger than needed", HEADER(max_entries), 4, 128, 0},
	{"table at the copy", HEADER(table_offset), 8, 0, VHD_E_CORRUPT},
	{"table on the header", HEADER(table_offset), 8, 512, VHD_E_CORRUPT},
	{"table on the header's end", HEADER(table_offset), 8, 1024,
	 VHD_E_CORRUPT},
	{"table past the end", HEADER(table_offset), 8, 1u << 30,
	 VHD_E_CORRUPT},
	{"table near the top", HEADER(table_offset), 8, UINT64_MAX - 511,
	 VHD_E_CORRUPT},
	{"table unaligned", HEADER(table_offset), 8, 1537, VHD_E_CORRUPT},
	{"block size 0", HEADER(block_size), 4, 0, VHD_E_CORRUPT},
	{"block size 3 MiB", HEADER(block_size), 4, 3u << 20, VHD_E_CORRUPT},
	{"block size 2 GiB", HEADER(block_size), 4, 1u << 31, VHD_E_CORRUPT},
	{"header version 2", HEADER(version), 4, 0x20000, VHD_E_UNSUPPORTED},
	{"header's own data offset", HEADER(data_offset), 8, 512, 0},
};

static void put(struct sparse *f, uint64_t at, uint64_t v, int size)
{
	if (size == 4)
		sparse_put_be32(f, at, (uint32_t)v);
	else
		sparse_put_be64(f, at, v);
}

Test(vhd1_open, hostile_fields_give_their_error)
{
	for (size_t i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++) {
		const struct mutation *m = &mutations[i];
		struct vhd1_image image = dynamic();

		put(image.file,
		    (m->in_header ? image.header : image.footer) + m->field,
		    m->value, m->size);
		if (!m->in_header)
			put(image.file, m->field, m->value, m->size);
		vhd1_seal(&image);
		cr_expect_eq(open_file(image.file), m->error, "%s", m->name);
		vhd1_image_drop(&image);
	}
}

/* nothing shorter than the file may be read past, at any length */
Test(vhd1_open, files_cut_anywhere_are_refused_or_recovered)
{
	struct vhd1_image image = dynamic();

	for (uint64_t size = image.file->size; size-- > 0;) {
		struct sparse *cut = sparse_copy(image.file);

		sparse_resize(cut, size);
		cr_expect_leq(open_file(cut), 0);
		sparse_free(cut);
	}
	vhd1_image_drop(&image);
}

Test(vhd1_open, read_errors_are_passed_on)
{
	struct vhd1_image image = dynamic();

	for (uint64_t n = 1; n <= 2; n++) {
		image.file->fail_at = n;
		cr_expect_eq(open_file(image.file), VHD_E_IO, "read %d",
			     (int)n);
	}
	vhd1_image_drop(&image);
}

/* vhd.md 20.1: locators may not claim what they like */
Test(vhd1_open, a_huge_locator_is_refused_in_a_differencing_image)
{
	struct vhd1_image image = vhd1_image_new(
		&(struct vhd1_spec){.type = VHD_TYPE_DIFFERENCING,
				    .size = 5u << 20,
				    .parent_name = "base.vhd"});
	uint64_t slot = VHD1_HEADER(&image, locators);

	cr_expect_eq(open_file(image.file), 0);
	sparse_put_be32(image.file, slot + 8, 0x7FFFFFFF);
	vhd1_seal(&image);
	cr_expect_eq(open_file(image.file), VHD_E_CORRUPT);
	sparse_put_be32(image.file, slot, 0); /* unused: contents irrelevant */
	vhd1_seal(&image);
	cr_expect_eq(open_file(image.file), 0);
	vhd1_image_drop(&image);
}

Test(vhd1_open, blktap_0_1_is_refused)
{
	struct vhd1_image image =
		vhd1_image_new(&(struct vhd1_spec){.type = VHD_TYPE_DYNAMIC,
						   .size = 5u << 20,
						   .creator = "tap",
						   .creator_version = 1});

	cr_expect_eq(open_file(image.file), VHD_E_UNSUPPORTED);
	vhd1_image_drop(&image);
}

/* blktap's bitmap cache lies behind the BAT: blocks must not use its place */
Test(vhd1_open, a_batmap_is_found_and_reserved)
{
	struct vhd1_image image = vhd1_image_new(
		&(struct vhd1_spec){.type = VHD_TYPE_DYNAMIC,
				    .size = 5u << 20,
				    .creator = "tap",
				    .creator_version = 0x00010003});

	image.file->size += 2048;
	uint64_t at = image.footer;
	uint8_t footer[512];

	sparse_get(image.file, at, footer, 512);
	image.footer = image.file->size - 512;
	sparse_put(image.file, image.footer, footer, 512);
	sparse_fill(image.file, at, 0, 512);
	sparse_put(image.file, at, "tdbatmap", 8);
	sparse_put_be64(image.file, at + 8, at + 512);
	sparse_put_be32(image.file, at + 16, 1);
	cr_assert_eq(open_file(image.file), 0);
	cr_expect(meta.has_batmap);
	cr_expect_eq(meta.batmap.offset, at + 512);
	cr_expect_eq(map.reserved_count, 5);
	vhd1_image_drop(&image);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "core/crc32c.h"
#include "core/vhdx_region.h"
#include "support/vhdx_image.h"

static struct vhdx_regions regions;

static struct vhdx_image small(void)
{
	return vhdx_image_new(&(struct vhdx_spec){.size = 16u << 20});
}

static int read_regions(struct vhdx_image *image)
{
	static const struct vhdx_header header = {.log_offset = 1u << 20,
						  .log_length = 1u << 20};
	static uint8_t scratch[VHDX_REGION_TABLE_SIZE];
	struct vhd_source source = sparse_source(image->file);

	return vhdx_regions_read(&source, &header, scratch, &regions, NULL);
}

/* vhdx.md 19.5 */
Test(vhdx_region, table_of_the_small_image)
{
	static const uint8_t expected[80] = {
		0x72, 0x65, 0x67, 0x69, 0xAE, 0x8C, 0x6B, 0xC6, 0x02, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x66, 0x77, 0xC2, 0x2D,
		0x23, 0xF6, 0x00, 0x42, 0x9D, 0x64, 0x11, 0x5E, 0x9B, 0xFD,
		0x4A, 0x08, 0x00, 0x00, 0x30, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x10, 0x00, 0x01, 0x00, 0x00, 0x00, 0x06, 0xA2,
		0x7C, 0x8B, 0x90, 0x47, 0x9A, 0x4B, 0xB8, 0xFE, 0x57, 0x5F,
		0x05, 0x0F, 0x88, 0x6E, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00, 0x00, 0x00};
	struct vhdx_image image = small();
	uint8_t bytes[80];

	sparse_get(image.file, VHDX_REGIONS_AT(1), bytes, sizeof(bytes));
	cr_expect_arr_eq(bytes, expected, sizeof(bytes));
	cr_assert_eq(read_regions(&image), 0);
	cr_expect_eq(regions.bat.offset, 3u << 20);
	cr_expect_eq(regions.metadata.offset, 2u << 20);
	cr_expect_not(regions.first_bad);
	vhdx_image_drop(&image);
}

Test(vhdx_region, checksum_with_the_entries_swapped)
{
	struct vhdx_image image = small();
	uint64_t at = VHDX_REGIONS_AT(1);
	uint8_t bat[32], metadata[32];
	le32 checksum;

	sparse_get(image.file, at + 16, bat, 32);
	sparse_get(image.file, at + 48, metadata, 32);
	sparse_put(image.file, at + 16, metadata, 32);
	sparse_put(image.file, at + 48, bat, 32);
	vhdx_seal(image.file);
	sparse_get(image.file, at + 4, &checksum, 4);
	cr_expect_eq(le32_get(checksum), 0x1C142859);
	cr_expect_eq(read_regions(&image), 0);
	vhdx_image_drop(&image);
}

Test(vhdx_region, the_second_copy_stands_in_for_the_first)
{
	struct vhdx_image image = small();

	sparse_fill(image.file, VHDX_REGIONS_AT(1) + 3000, 1, 1);
	cr_assert_eq(read_regions(&image), 0);
	cr_expect(regions.first_bad);
	cr_expect_eq(regions.table, VHDX_REGIONS_AT(2));
	sparse_fill(image.file, VHDX_REGIONS_AT(2), 0, 4);
	cr_expect_eq(read_regions(&image), VHD_E_CORRUPT);
	vhdx_image_drop(&image);
}

/* QEMU has always left the Required bit clear */
Test(vhdx_region, known_regions_need_not_be_required)
{
	struct vhdx_image image = small();

	sparse_put_le32(image.file, VHDX_REGIONS_AT(1) + 44, 0);
	sparse_put_le32(image.file, VHDX_REGIONS_AT(1) + 76, 0);
	vhdx_seal(image.file);
	cr_expect_eq(read_regions(&image), 0);
	vhdx_image_drop(&image);
}

/* vhdx.md 16.8, region table; offsets in the table: BAT at 16 */
Test(vhdx_region, hostile_fields_give_their_error)
{
	static const struct {
		const char *name;
		uint64_t at;
		int size;
		uint64_t value;
		int error;
	} rows[] = {
		{"no entries", 8, 4, 0, VHD_E_CORRUPT},
		{"no metadata", 8, 4, 1, VHD_E_CORRUPT},
		{"2048 entries", 8, 4, 2048, VHD_E_CORRUPT},
		{"2^32 - 1 entries", 8, 4, 0xFFFFFFFF, VHD_E_CORRUPT},
		{"third entry empty", 8, 4, 3, VHD_E_CORRUPT},
		{"unknown and required", 16, 4, 1, VHD_E_UNSUPPORTED},
		{"listed twice", 48, 8, 0x4200F6232DC27766u, VHD_E_CORRUPT},
		{"at 0", 32, 8, 0, VHD_E_CORRUPT},
		{"unaligned", 32, 8, (3u << 20) + 512, VHD_E_CORRUPT},
		{"at the top", 32, 8, 0xFFFFFFFFFFF00000u, VHD_E_CORRUPT},
		{"past the end", 32, 8, 64u << 20, VHD_E_CORRUPT},
		{"on the log", 32, 8, 1u << 20, VHD_E_CORRUPT},
		{"on the metadata", 32, 8, 2u << 20, VHD_E_CORRUPT},
		{"length 0", 40, 4, 0, VHD_E_CORRUPT},
		{"length unaligned", 40, 4, 4096, VHD_E_CORRUPT},
		{"length past the end", 40, 4, 16u << 20, VHD_E_CORRUPT},
		{"length huge", 40, 4, 0xFFF00000, VHD_E_CORRUPT},
		{"reserved bits beside Required", 44, 4, 0xFFFFFFFF, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhdx_image image = small();

		for (int copy = 1; copy <= 2; copy++) {
			uint64_t at = VHDX_REGIONS_AT(copy) + rows[i].at;

			if (rows[i].size == 4)
				sparse_put_le32(image.file, at,
						(uint32_t)rows[i].value);
			else
				sparse_put_le64(image.file, at, rows[i].value);
		}
		/* the second half of the BAT's id for "listed twice" */
		if (rows[i].at == 48)
			for (int copy = 1; copy <= 2; copy++)
				sparse_put(image.file,
					   VHDX_REGIONS_AT(copy) + 56,
					   vhdx_region_bat.b + 8, 8);
		vhdx_seal(image.file);
		cr_expect_eq(read_regions(&image), rows[i].error, "%s",
			     rows[i].name);
		vhdx_image_drop(&image);
	}
}

static void add_unknown(struct vhdx_image *image, uint32_t index)
{
	uint64_t at = VHDX_REGIONS_AT(1) + 16 + 32 * (uint64_t)index;

	sparse_put_le32(image->file, at, index + 100);
	sparse_put_le64(image->file, at + 16, (100 + index) * (1ull << 20));
	sparse_put_le32(image->file, at + 24, 1u << 20);
	sparse_put_le32(image->file, VHDX_REGIONS_AT(1) + 8, index + 1);
}

Test(vhdx_region, unknown_optional_regions_are_kept_up_to_a_limit)
{
	struct vhdx_image image = small();

	for (uint32_t i = 2; i < VHDX_REGIONS_MAX; i++)
		add_unknown(&image, i);
	vhdx_seal(image.file);
	cr_expect_eq(read_regions(&image), 0);
	cr_expect_eq(regions.other_count, VHDX_REGIONS_MAX - 2);
	add_unknown(&image, VHDX_REGIONS_MAX);
	vhdx_seal(image.file);
	cr_expect_eq(read_regions(&image), VHD_E_LIMIT);
	vhdx_image_drop(&image);
}

/* most tables hold two entries: 60 KiB of zeros need not be read */
Test(vhdx_region, a_short_table_costs_one_page_to_read)
{
	struct vhdx_image image = small();

	cr_assert_eq(read_regions(&image), 0);
	cr_expect_eq(image.file->bytes_read, 4096);
	vhdx_image_drop(&image);
}

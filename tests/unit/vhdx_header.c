/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "core/guid.h"
#include "core/vhdx_header.h"
#include "support/vhdx_image.h"

static struct vhdx_headers headers;

static struct vhdx_image small(void)
{
	return vhdx_image_new(&(struct vhdx_spec){.size = 16u << 20});
}

static int choose(struct vhdx_image *image)
{
	struct vhd_source source = sparse_source(image->file);
	static uint8_t scratch[VHDX_HEADER_SIZE];

	return vhdx_header_choose(&source, scratch, &headers, NULL);
}

/* vhdx.md 19.5 */
Test(vhdx_header, checksums_of_the_small_image)
{
	static const struct {
		uint64_t sequence;
		bool log;
		uint32_t checksum;
	} rows[] = {
		{0, false, 0xAAF7F8D2}, {1, false, 0x280F64A5},
		{2, false, 0xAAEAB6CD}, {1, true, 0x36F830ED},
		{2, true, 0xB41DE285},
	};
	struct vhdx_image image = small();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhdx_header header;
		uint8_t bytes[VHDX_HEADER_SIZE];

		vhdx_put_header(&image, 1, rows[i].sequence,
				rows[i].log ? vhdx_guid_log : NULL);
		sparse_get(image.file, VHDX_HEADER_AT(1), bytes, sizeof(bytes));
		cr_assert(vhdx_header_decode(bytes, &header));
		cr_expect_eq(header.checksum, rows[i].checksum, "row %zu", i);
		cr_expect_eq(header.sequence, rows[i].sequence);
	}
	vhdx_image_drop(&image);
}

Test(vhdx_header, first_80_bytes_of_the_small_image)
{
	static const uint8_t expected[80] = {
		0x68, 0x65, 0x61, 0x64, 0xA5, 0x64, 0x0F, 0x28, 0x01, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x11, 0x11, 0x11, 0x11,
		0x22, 0x22, 0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x55, 0x55,
		0x55, 0x55, 0x67, 0x45, 0x23, 0x01, 0xAB, 0x89, 0xEF, 0xCD,
		0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
		0x10, 0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00};
	struct vhdx_image image = small();
	uint8_t bytes[80];

	sparse_get(image.file, VHDX_HEADER_AT(2), bytes, sizeof(bytes));
	cr_expect_arr_eq(bytes, expected, sizeof(bytes));
	vhdx_image_drop(&image);
}

Test(vhdx_header, the_greater_sequence_number_is_current)
{
	struct vhdx_image image = small();

	cr_assert_eq(choose(&image), 0);
	cr_expect_eq(headers.offset, VHDX_HEADER2_OFFSET);
	cr_expect(headers.other_is_valid);
	vhdx_put_header(&image, 1, 7, NULL);
	cr_assert_eq(choose(&image), 0);
	cr_expect_eq(headers.offset, VHDX_HEADER1_OFFSET);
	cr_expect_eq(headers.current.sequence, 7);
	vhdx_image_drop(&image);
}

Test(vhdx_header, one_damaged_slot_leaves_the_other)
{
	for (int slot = 1; slot <= 2; slot++) {
		struct vhdx_image image = small();

		sparse_fill(image.file, VHDX_HEADER_AT(slot) + 4000, 1, 1);
		cr_assert_eq(choose(&image), 0);
		cr_expect_eq(headers.offset, VHDX_HEADER_AT(3 - slot));
		cr_expect_not(headers.other_is_valid);
		vhdx_image_drop(&image);
	}
}

Test(vhdx_header, two_damaged_slots_are_refused)
{
	struct vhdx_image image = small();

	sparse_fill(image.file, VHDX_HEADER_AT(1), 0, 1);
	sparse_fill(image.file, VHDX_HEADER_AT(2), 0, 1);
	cr_expect_eq(choose(&image), VHD_E_CORRUPT);
	vhdx_image_drop(&image);
}

/* Disk2vhd writes the same header twice: vhdx.md 4.2 rule 4 */
Test(vhdx_header, equal_sequence_numbers_need_equal_headers)
{
	struct vhdx_image image = small();

	vhdx_put_header(&image, 1, 1, NULL);
	cr_expect_eq(choose(&image), 0);
	vhdx_put_header(&image, 1, 1, vhdx_guid_log);
	cr_expect_eq(choose(&image), VHD_E_CORRUPT);
	vhdx_image_drop(&image);
}

/* an old header with a known version must not shadow a newer unknown one */
Test(vhdx_header, an_unknown_version_is_no_reason_to_fall_back)
{
	struct vhdx_image image = small();

	sparse_put_le16(image.file, VHDX_HEADER_AT(2) + 66, 2);
	vhdx_seal(image.file);
	cr_expect_eq(choose(&image), VHD_E_UNSUPPORTED);
	vhdx_image_drop(&image);
}

/* vhdx.md 16.8, header */
Test(vhdx_header, hostile_fields_give_their_error)
{
	static const struct {
		const char *name;
		bool has_log;
		uint16_t log_version;
		uint32_t length;
		uint64_t offset;
		int error;
	} rows[] = {
		{"valid", true, 0, 1u << 20, 1u << 20, 0},
		{"log version", true, 1, 1u << 20, 1u << 20, VHD_E_UNSUPPORTED},
		{"log version without a log", false, 1, 1u << 20, 1u << 20, 0},
		{"no log at all", false, 0, 0, 0, 0},
		{"log of 0 bytes", true, 0, 0, 1u << 20, VHD_E_CORRUPT},
		{"on the header section", true, 0, 1u << 20, 0, VHD_E_CORRUPT},
		{"unaligned offset", true, 0, 1u << 20, (1u << 20) + 4096,
		 VHD_E_CORRUPT},
		{"unaligned length", true, 0, (1u << 20) + 4096, 1u << 20,
		 VHD_E_CORRUPT},
		{"past the end", true, 0, 1u << 20, 64u << 20, VHD_E_CORRUPT},
		{"sum overflows", true, 0, 0xFFF00000, 0xFFFFFFFFFFF00000,
		 VHD_E_CORRUPT},
		{"longer than the file", true, 0, 0x40000000, 1u << 20,
		 VHD_E_CORRUPT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhdx_image image = small();
		uint64_t at = VHDX_HEADER_AT(2);

		vhdx_put_header(&image, 2, 1,
				rows[i].has_log ? vhdx_guid_log : NULL);
		sparse_put_le16(image.file, at + 64, rows[i].log_version);
		sparse_put_le32(image.file, at + 68, rows[i].length);
		sparse_put_le64(image.file, at + 72, rows[i].offset);
		vhdx_seal(image.file);
		cr_expect_eq(choose(&image), rows[i].error, "%s", rows[i].name);
		vhdx_image_drop(&image);
	}
}

Test(vhdx_header, a_log_over_the_limit_is_refused_as_such)
{
	struct vhdx_image image = vhdx_image_new(&(struct vhdx_spec){
		.size = 16u << 20, .log_length = (1u << 30) + (1u << 20)});

	vhdx_put_header(&image, 2, 1, vhdx_guid_log);
	cr_expect_eq(choose(&image), VHD_E_LIMIT);
	vhdx_image_drop(&image);
}

Test(vhdx_header, only_a_vhdx_is_a_vhdx)
{
	struct sparse *file = sparse_new(1 << 20);
	struct vhd_source source = sparse_source(file);
	uint8_t scratch[VHDX_IDENTIFIER_SIZE], creator[VHDX_CREATOR_BYTES];

	sparse_put(file, 0, "vhdxfilf", 8);
	cr_expect_eq(vhdx_identifier_read(&source, scratch, creator, NULL),
		     VHD_E_FORMAT);
	sparse_put(file, 0, "vhdxfile", 8);
	cr_expect_eq(vhdx_identifier_read(&source, scratch, creator, NULL), 0);
	source.size = 519;
	cr_expect_eq(vhdx_identifier_read(&source, scratch, creator, NULL),
		     VHD_E_FORMAT);
	sparse_free(file);
}

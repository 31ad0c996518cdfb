/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "core/vhd1_footer.h"

#define CHECKSUM offsetof(struct vhd1_footer_disk, checksum)

/* vhd.md 22.1: the first 0x54 bytes; the id and what follows is added */
/* clang-format off */
static const uint8_t head_a[0x44] = {
	0x63, 0x6f, 0x6e, 0x65, 0x63, 0x74, 0x69, 0x78, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01, 0x00, 0x00,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x30, 0x00, 0x00, 0x00, 0x77, 0x69, 0x6e, 0x20,
	0x00, 0x0a, 0x00, 0x00, 0x57, 0x69, 0x32, 0x6b, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x08, 0x20, 0x10, 0x3f, 0x00, 0x00, 0x00, 0x02,
	0xff, 0xff, 0xef, 0x31,
};
static const uint8_t head_b[0x44] = {
	0x63, 0x6f, 0x6e, 0x65, 0x63, 0x74, 0x69, 0x78, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00, 0x76, 0x70, 0x63, 0x20,
	0x00, 0x05, 0x00, 0x03, 0x57, 0x69, 0x32, 0x6b, 0x00, 0x00, 0x00, 0x1f, 0xc0, 0x00, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x1f, 0xc0, 0x00, 0x00, 0x00, 0xfe, 0xfe, 0x10, 0xff, 0x00, 0x00, 0x00, 0x03,
	0xff, 0xff, 0xf3, 0x8b,
};
static const uint8_t head_c[0x44] = {
	0x63, 0x6f, 0x6e, 0x65, 0x63, 0x74, 0x69, 0x78, 0x00, 0x00, 0x00, 0x02, 0x00, 0x01, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, 0x74, 0x61, 0x70, 0x00,
	0x00, 0x01, 0x00, 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00,
	0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x78, 0x04, 0x11, 0x00, 0x00, 0x00, 0x04,
	0xff, 0xff, 0xf8, 0xca,
};
/* clang-format on */

static uint8_t footer[512];

static void load(const uint8_t *head)
{
	memset(footer, 0, sizeof(footer));
	memcpy(footer, head, 0x44);
	for (uint8_t i = 0; i < 16; i++)
		footer[0x44 + i] = (uint8_t)(0x10 + i);
}

static void seal(void)
{
	uint32_t sum = vhd1_checksum(footer, 512, CHECKSUM);

	for (size_t i = 0; i < 4; i++)
		footer[CHECKSUM + i] = (uint8_t)(sum >> (24 - 8 * i));
}

static int decode(struct vhd1_footer *out)
{
	return vhd1_footer_decode(footer, 0, out, NULL);
}

Test(vhd1_footer, checksums_of_known_footers)
{
	load(head_a);
	cr_expect_eq(vhd1_checksum(footer, 512, CHECKSUM), 0xFFFFEF31);
	load(head_b);
	cr_expect_eq(vhd1_checksum(footer, 512, CHECKSUM), 0xFFFFF38B);
	load(head_c);
	cr_expect_eq(vhd1_checksum(footer, 512, CHECKSUM), 0xFFFFF8CA);
	footer[85] = 1;
	cr_expect_eq(vhd1_checksum(footer, 512, CHECKSUM), 0xFFFFF8C9);
}

Test(vhd1_footer, fixed_footer_is_decoded)
{
	struct vhd1_footer f;

	load(head_a);
	cr_assert_eq(decode(&f), 0);
	cr_expect_eq(f.type, VHD_TYPE_FIXED);
	cr_expect_eq(f.current_size, 1u << 30);
	cr_expect_eq(f.original_size, 1u << 30);
	cr_expect_eq(f.data_offset, UINT64_MAX);
	cr_expect_eq(f.timestamp, 0x30000000);
	cr_expect_eq(f.creator_version, 0x000A0000);
	cr_expect_arr_eq(f.creator, "win ", 4);
	cr_expect_arr_eq(f.creator_os, "Wi2k", 4);
	cr_expect_eq(f.geometry.cylinders, 2080);
	cr_expect_eq(f.geometry.heads, 16);
	cr_expect_eq(f.geometry.sectors, 63);
	cr_expect_eq(f.id.b[15], 0x1F);
}

Test(vhd1_footer, dynamic_and_differencing_footers_are_decoded)
{
	struct vhd1_footer f;

	load(head_b);
	cr_assert_eq(decode(&f), 0);
	cr_expect_eq(f.type, VHD_TYPE_DYNAMIC);
	cr_expect_eq(f.current_size, (uint64_t)127 << 30);
	cr_expect_eq(f.data_offset, 512);
	load(head_c);
	cr_assert_eq(decode(&f), 0);
	cr_expect_eq(f.type, VHD_TYPE_DIFFERENCING);
	cr_expect(vhd1_footer_is_tap(&f));
}

Test(vhd1_footer, any_flipped_bit_is_noticed)
{
	struct vhd1_footer f;

	load(head_a);
	for (size_t i = 0; i < 512; i++) {
		footer[i] ^= 0x10;
		cr_expect_lt(decode(&f), 0, "byte %zu", i);
		footer[i] ^= 0x10;
	}
}

Test(vhd1_footer, hostile_fields_give_their_error)
{
	static const struct {
		size_t at;
		uint8_t value;
		int error;
	} rows[] = {
		{0, 'C', VHD_E_FORMAT},     /* cookie */
		{13, 2, VHD_E_UNSUPPORTED}, /* version 2.0 */
		{13, 0, VHD_E_UNSUPPORTED}, /* version 0.0 */
		{63, 0, VHD_E_UNSUPPORTED}, /* types */
		{63, 1, VHD_E_UNSUPPORTED},
		{63, 5, VHD_E_UNSUPPORTED},
		{63, 7, VHD_E_UNSUPPORTED},
		{60, 1, VHD_E_UNSUPPORTED},
		{15, 9, 0},     /* minor version */
		{300, 0xAA, 0}, /* reserved bytes */
		{84, 1, 0},     /* saved state */
	};
	struct vhd1_footer f;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		load(head_a);
		footer[rows[i].at] = rows[i].value;
		seal();
		cr_expect_eq(decode(&f), rows[i].error, "row %zu", i);
	}
}

Test(vhd1_footer, xenservers_poison_is_named)
{
	struct vhd1_footer f;

	load(head_c);
	memcpy(footer, "v_poison", 8);
	cr_expect_eq(decode(&f), VHD_E_UNSUPPORTED);
}

/* early XenServer set the byte without renewing the sum: vhd.md 13 */
Test(vhd1_footer, hidden_without_new_checksum_passes_for_old_blktap_only)
{
	struct vhd1_footer f;

	load(head_c);
	footer[35] = 1; /* blktap 1.1 */
	seal();
	footer[85] = 1;
	cr_expect_eq(decode(&f), 0);
	cr_expect_eq(f.hidden, 1);

	load(head_c); /* blktap 1.3 */
	footer[85] = 1;
	cr_expect_eq(decode(&f), VHD_E_CORRUPT);
}

/* vhd.md 22.5: seconds since 2000 */
Test(vhd1_footer, timestamps_convert_to_unix_time)
{
	static const struct {
		uint32_t stored;
		uint64_t unix_time;
	} rows[] = {
		{0, 946684800},           {86400, 946771200},
		{439972842, 1386657642},  {509016516, 1455701316},
		{509185783, 1455870583},  {509734287, 1456419087},
		{655986203, 1602671003},  {805306368, 1751991168},
		{2147483648, 3094168448}, {4294967295, 5241652095},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq((uint64_t)VHD1_EPOCH + rows[i].stored,
			     rows[i].unix_time, "row %zu", i);
}

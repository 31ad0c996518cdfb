/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "core/vhd1_locator.h"
#include "support/utf16.h"
#include "support/vhd1_image.h"

static uint8_t scratch[65536];
static char path[256];

/* decodes locator data of `code` through a header with one slot */
static int decode(uint32_t code, const void *data, uint32_t length)
{
	struct sparse *file = sparse_new(1 << 20);
	struct vhd_source source = sparse_source(file);
	struct vhd1_header header = {.locators = {{code, 512, length, 4096}}};
	int rc;

	sparse_put(file, 4096, data, length);
	rc = vhd1_locator_path(&source, &header, 0, scratch, sizeof(scratch),
			       path, sizeof(path));
	sparse_free(file);
	return rc;
}

Test(vhd1_locator, platform_codes_are_decoded)
{
	uint8_t text[64];
	uint32_t n = (uint32_t)utf16_le(".\\base.vhd", text, sizeof(text));

	cr_assert_eq(decode(VHD1_LOCATOR_W2RU, text, n), 0);
	cr_expect_str_eq(path, ".\\base.vhd");
	cr_assert_eq(decode(VHD1_LOCATOR_W2KU, text, n), 0);
	cr_expect_str_eq(path, ".\\base.vhd");
	cr_assert_eq(decode(VHD1_LOCATOR_WI2R, "base.vhd\0\0", 10), 0);
	cr_expect_str_eq(path, "base.vhd");
	cr_assert_eq(decode(VHD1_LOCATOR_MACX, "file://./b%20.vhd", 17), 0);
	cr_expect_str_eq(path, "./b .vhd");
}

/* writers exist that stored the wrong byte order */
Test(vhd1_locator, swapped_utf16_is_recognised)
{
	uint8_t text[64];
	uint32_t n = (uint32_t)utf16_be(".\\base.vhd", text, sizeof(text));

	cr_assert_eq(decode(VHD1_LOCATOR_W2RU, text, n), 0);
	cr_expect_str_eq(path, ".\\base.vhd");
}

Test(vhd1_locator, useless_slots_are_skipped_not_errors)
{
	uint8_t nul[] = {'a', 0, 0, 0, 'b', 0};

	cr_expect_eq(decode(0, "x", 1), VHD_E_NOENT);
	cr_expect_eq(decode(0x12345678, "x", 1), VHD_E_NOENT);
	cr_expect_eq(decode(VHD1_LOCATOR_MAC, "alias", 5), VHD_E_NOENT);
	cr_expect_eq(decode(VHD1_LOCATOR_W2RU, nul, 6), VHD_E_NOENT);
	cr_expect_eq(decode(VHD1_LOCATOR_WI2R, "a\0b", 3), VHD_E_NOENT);
	cr_expect_eq(decode(VHD1_LOCATOR_MACX, "http://x/a", 10), VHD_E_NOENT);
	cr_expect_eq(decode(VHD1_LOCATOR_W2RU, "\0\0\0\0", 4), VHD_E_NOENT);
}

Test(vhd1_locator, a_small_scratch_is_a_limit)
{
	struct vhd1_header header = {
		.locators = {{VHD1_LOCATOR_W2RU, 512, 100, 0}}};
	struct vhd_source none = {0};

	cr_expect_eq(vhd1_locator_path(&none, &header, 0, scratch, 99, path,
				       sizeof(path)),
		     VHD_E_LIMIT);
}

/* vhd.md 20.1: absurd offsets and lengths */
Test(vhd1_locator, slots_that_cannot_be_true_are_refused)
{
	static const struct {
		uint32_t code;
		uint32_t length;
		uint64_t offset;
		int error;
	} rows[] = {
		{VHD1_LOCATOR_W2RU, 512, 4096, 0},
		{VHD1_LOCATOR_W2RU, 512, 7680, 0},
		{VHD1_LOCATOR_W2RU, 512, 7681, VHD_E_CORRUPT},
		{VHD1_LOCATOR_W2RU, 512, UINT64_MAX, VHD_E_CORRUPT},
		{VHD1_LOCATOR_W2RU, 0x7FFFFFFF, 512, VHD_E_CORRUPT},
		{VHD1_LOCATOR_MAC, 65537, 0, VHD_E_CORRUPT},
		{VHD1_LOCATOR_NONE, 0xFFFFFFFF, UINT64_MAX, 0},
		{0x12345678, 0xFFFFFFFF, UINT64_MAX, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhd1_header h = {0};

		h.locators[7] = (struct vhd1_locator){
			rows[i].code, 512, rows[i].length, rows[i].offset};
		cr_expect_eq(vhd1_locators_check(&h, 512, 8192, NULL),
			     rows[i].error, "row %zu", i);
	}
}

Test(vhd1_locator, parent_name_is_big_endian_and_needs_no_terminator)
{
	struct vhd1_header h = {0};
	char name[257];

	cr_expect_not(vhd1_parent_name(&h, name, sizeof(name)));
	utf16_be("base.vhd", h.parent_name, sizeof(h.parent_name));
	cr_assert(vhd1_parent_name(&h, name, sizeof(name)));
	cr_expect_str_eq(name, "base.vhd");
	for (size_t i = 0; i < sizeof(h.parent_name); i++)
		h.parent_name[i] = i & 1 ? 'x' : 0;
	cr_assert(vhd1_parent_name(&h, name, sizeof(name)));
	cr_expect_eq(strlen(name), 256);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "core/guid.h"

/* vhdx.md 19.2 */
static const struct {
	const char *text;
	uint8_t bytes[16];
} rows[] = {
	{"01234567-89ab-cdef-0123-456789abcdef",
	 {0x67, 0x45, 0x23, 0x01, 0xAB, 0x89, 0xEF, 0xCD, 0x01, 0x23, 0x45,
	  0x67, 0x89, 0xAB, 0xCD, 0xEF}},
	{"83ed0ec3-24c8-49a6-a959-5e4bf1288bfb",
	 {0xC3, 0x0E, 0xED, 0x83, 0xC8, 0x24, 0xA6, 0x49, 0xA9, 0x59, 0x5E,
	  0x4B, 0xF1, 0x28, 0x8B, 0xFB}},
};

Test(guid, text_and_bytes_in_microsofts_order)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhd_guid guid;
		char text[VHD_GUID_TEXT];

		cr_assert(vhd_guid_parse(rows[i].text, 36, &guid));
		cr_expect_arr_eq(guid.b, rows[i].bytes, 16);
		vhd_guid_text(&guid, text);
		cr_expect_str_eq(text, rows[i].text);
	}
}

Test(guid, braces_and_upper_case_are_read)
{
	static const char text[] = "{83ED0EC3-24C8-49A6-A959-5E4BF1288BFB}";
	struct vhd_guid guid;

	cr_assert(vhd_guid_parse(text, strlen(text), &guid));
	cr_expect_arr_eq(guid.b, rows[1].bytes, 16);
}

Test(guid, malformed_text_is_refused_and_leaves_the_output)
{
	static const char *const bad[] = {
		"",
		"83ed0ec3-24c8-49a6-a959-5e4bf1288bf",
		"83ed0ec3-24c8-49a6-a959-5e4bf1288bfbb",
		"83ed0ec3 24c8-49a6-a959-5e4bf1288bfb",
		"83ed0ec3-24c8-49a6-a959-5e4bf1288bfg",
		"{83ed0ec3-24c8-49a6-a959-5e4bf1288bfb",
		"83ed0ec3-24c8-49a6-a9595-e4bf1288bfb",
		"(83ed0ec3-24c8-49a6-a959-5e4bf1288bfb)",
	};
	struct vhd_guid guid = {{42}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_not(vhd_guid_parse(bad[i], strlen(bad[i]), &guid),
			      "%s", bad[i]);
	cr_expect_eq(guid.b[0], 42);
}

Test(guid, null_is_all_zero_bytes)
{
	struct vhd_guid guid = {{0}};

	cr_expect(vhd_guid_is_null(&guid));
	guid.b[15] = 1;
	cr_expect_not(vhd_guid_is_null(&guid));
}

/* VHD ids exist in both byte orders; display guesses by version bits */
Test(guid, vhd_id_is_shown_in_the_order_that_makes_sense)
{
	struct vhd_guid ms,
		be = {{0x83, 0xed, 0x0e, 0xc3, 0x24, 0xc8, 0x49, 0xa6, 0xa9,
		       0x59, 0x5e, 0x4b, 0xf1, 0x28, 0x8b, 0xfb}};
	char text[VHD_GUID_TEXT];

	memcpy(ms.b, rows[1].bytes, 16);
	vhd1_id_text(&ms, text);
	cr_expect_str_eq(text, rows[1].text);
	vhd1_id_text(&be, text);
	cr_expect_str_eq(text, rows[1].text);
}

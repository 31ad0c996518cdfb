/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "core/utf16.h"

#define STRICT(bytes, order, out)                                              \
	vhd_utf16_strict(bytes, sizeof(bytes), order, out, sizeof(out))

Test(utf16, both_byte_orders_give_the_same_text)
{
	static const uint8_t le[] = {'a', 0, 0xE4, 0, 0xAC, 0x20, 0, 0};
	static const uint8_t be[] = {0, 'a', 0, 0xE4, 0x20, 0xAC, 0, 0};
	char out[16];

	cr_assert(STRICT(le, VHD_UTF16_LE, out));
	cr_expect_str_eq(out, "a\xC3\xA4\xE2\x82\xAC");
	cr_assert(STRICT(be, VHD_UTF16_BE, out));
	cr_expect_str_eq(out, "a\xC3\xA4\xE2\x82\xAC");
}

Test(utf16, surrogate_pairs_become_four_bytes)
{
	static const uint8_t pair[] = {0x3D, 0xD8, 0xBE, 0xDC};
	char out[8];

	cr_assert(STRICT(pair, VHD_UTF16_LE, out));
	cr_expect_str_eq(out, "\xF0\x9F\x92\xBE");
}

/* a NUL inside would let one path be checked and another be opened */
Test(utf16, names_with_traps_are_refused)
{
	static const uint8_t nul[] = {'a', 0, 0, 0, 'b', 0};
	static const uint8_t high[] = {0x3D, 0xD8, 'a', 0};
	static const uint8_t low[] = {0xBE, 0xDC};
	static const uint8_t cut[] = {'a', 0, 0x3D, 0xD8};
	char out[16];

	cr_expect_not(STRICT(nul, VHD_UTF16_LE, out));
	cr_expect_not(STRICT(high, VHD_UTF16_LE, out));
	cr_expect_not(STRICT(low, VHD_UTF16_LE, out));
	cr_expect_not(STRICT(cut, VHD_UTF16_LE, out));
}

Test(utf16, text_that_does_not_fit_is_refused_not_cut)
{
	static const uint8_t abc[] = {'a', 0, 'b', 0, 'c', 0};
	char out[4], small[3];

	cr_expect(STRICT(abc, VHD_UTF16_LE, out));
	cr_expect_not(STRICT(abc, VHD_UTF16_LE, small));
	cr_expect_not(vhd_utf16_strict(abc, 6, VHD_UTF16_LE, out, 0));
}

Test(utf16, an_odd_last_byte_is_dropped)
{
	static const uint8_t odd[] = {'a', 0, 'b'};
	char out[4];

	cr_assert(STRICT(odd, VHD_UTF16_LE, out));
	cr_expect_str_eq(out, "a");
}

Test(utf16, display_never_lets_control_characters_through)
{
	static const uint8_t text[] = {'a',  0,   0x1B, 0, 0x9B, 0,   0x3D,
				       0xD8, 'z', 0,    0, 0,    'q', 0};
	char out[16], cut[3];

	vhd_utf16_display(text, sizeof(text), VHD_UTF16_LE, out, sizeof(out));
	cr_expect_str_eq(out, "a??\xEF\xBF\xBDz");
	vhd_utf16_display(text, sizeof(text), VHD_UTF16_LE, cut, sizeof(cut));
	cr_expect_str_eq(cut, "a?");
}

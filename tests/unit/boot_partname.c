/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "core/utf16.h"
#include "partname.h"

#define NAME 72 /* where the name is */

static uint8_t info[PARTNAME_INFO];
static char text[PARTNAME_SIZE];

static bool get(uint8_t type, const char *name)
{
	memset(info, 0, sizeof(info));
	info[4] = type;
	vhd_utf16_encode(name, VHD_UTF16_LE, info + NAME, sizeof(info) - NAME);
	return partname_get(info, text);
}

Test(boot_partname, a_partition_of_a_gpt_has_a_name)
{
	cr_assert(get(2, "My images"));
	cr_expect_str_eq(text, "My images");
	cr_assert(get(2, "\u00c4"));
	cr_expect_str_eq(text, "\u00c4");
}

Test(boot_partname, a_name_may_take_all_the_room)
{
	static const char longest[] = "\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac"
				      "\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac"
				      "\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac"
				      "\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac"
				      "\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac"
				      "\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac";

	cr_assert(get(2, longest));
	cr_expect_str_eq(text, longest);
}

Test(boot_partname, what_has_no_name_or_no_text_matches_nothing)
{
	cr_expect_not(get(2, ""));
	cr_expect_not(get(1, "MBR"));
	cr_expect_not(get(0, "other"));
	get(2, "x");
	info[NAME + 1] = 0xd8; /* a surrogate alone */
	cr_expect_not(partname_get(info, text));
}

Test(boot_partname, what_stands_behind_the_end_does_not_count)
{
	get(2, "short");
	info[NAME + 14] = 'x';
	cr_assert(partname_get(info, text));
	cr_expect_str_eq(text, "short");
}

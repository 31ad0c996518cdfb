/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "text.h"

Test(boot_text, paths_become_those_the_kernel_is_told)
{
	static const char *const rows[][2] = {
		{"\\images\\a.vhd", "/images/a.vhd"},
		{"a.vhd", "/a.vhd"},
		{"//a\\\\b.vhd", "/a/b.vhd"},
		{"/", "/"},
		{"", "/"},
	};
	char out[32];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(text_path(out, sizeof(out), rows[i][0]));
		cr_expect_str_eq(out, rows[i][1]);
	}
	cr_expect(text_path(out, 6, "/abcd"));
	cr_expect_not(text_path(out, 5, "/abcd"));
	cr_expect_not(text_path(out, 5, "abcd"));
}

Test(boot_text, a_name_beside_a_file_is_in_its_folder)
{
	char out[16];

	cr_expect(text_beside(out, sizeof(out), "/a/b.vhd", "c/d.vhd"));
	cr_expect_str_eq(out, "/a/c/d.vhd");
	cr_expect(text_beside(out, sizeof(out), "/b.vhd", "c.vhd"));
	cr_expect_str_eq(out, "/c.vhd");
	cr_expect_not(text_beside(out, 8, "/a/b.vhd", "c.vhd"));
}

Test(boot_text, numbers_are_written_in_full)
{
	char out[TEXT_NUMBER];

	text_number(UINT64_MAX, out);
	cr_expect_str_eq(out, "18446744073709551615");
	text_number(0, out);
	cr_expect_str_eq(out, "0");
	text_hex(0xbadf00d, 8, out);
	cr_expect_str_eq(out, "0badf00d");
}

Test(boot_text, case_does_not_matter_in_ascii)
{
	cr_expect(text_same("PartUUID=Ab", "partuuid=aB"));
	cr_expect_not(text_same("a", "ab"));
	cr_expect(text_ends("a.VHDX", "vhdx"));
	cr_expect_not(text_ends("x", "vhdx"));
	cr_expect(text_begins("loader=x", "LOADER="));
	cr_expect_not(text_begins("load", "loader="));
}

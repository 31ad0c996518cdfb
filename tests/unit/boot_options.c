/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "core/utf16.h"
#include "options.h"

static struct conf_entry entry;

/* as UTF-16, with or without the NUL that some boot menus leave out */
static bool parse(const char *text, bool nul)
{
	uint8_t units[1024] = {0};
	size_t n = vhd_utf16_encode(text, VHD_UTF16_LE, units, sizeof(units));

	return options_parse(units, n + (nul ? 2 : 0), &entry);
}

Test(boot_options, the_program_s_own_name_is_left_out)
{
	static const char *const rows[] = {
		"\\a.vhdx",
		"vhdboot.efi \\a.vhdx",
		"FS0:\\EFI\\vhdboot\\VHDBOOT.EFI \\a.vhdx",
		"\"fs0:\\a b\\vhdboot.efi\"  \\a.vhdx ",
		"  vhdboot \\a.vhdx",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect(parse(rows[i], i & 1), "%s", rows[i]);
		cr_expect_str_eq(entry.image, "\\a.vhdx", "%s", rows[i]);
		cr_expect_str_empty(entry.options);
		cr_expect_str_empty(entry.loader);
	}
}

Test(boot_options, volume_loader_and_the_rest_are_told_apart)
{
	cr_assert(parse("\"PARTUUID=12:/a b.vhd\" loader=\\x.efi root=y  z",
			true));
	cr_expect_str_eq(entry.volume, "PARTUUID=12");
	cr_expect_str_eq(entry.image, "/a b.vhd");
	cr_expect_str_eq(entry.loader, "\\x.efi");
	cr_expect_str_eq(entry.options, "root=y  z");
	cr_expect_str_eq(entry.title, "/a b.vhd");
}

Test(boot_options, no_options_and_bytes_that_are_no_text_name_no_image)
{
	static const uint8_t junk[] = {0x42, 0, 0x4f, 0, 1, 0, 0x54, 0};
	static const uint8_t odd[] = {0x42};

	cr_expect_not(options_parse(NULL, 0, &entry));
	cr_expect_not(options_parse(junk, sizeof(junk), &entry));
	cr_expect_not(options_parse(odd, sizeof(odd), &entry));
	cr_expect_not(parse(" ", true));
	cr_expect_not(parse("vhdboot.efi", true));
	cr_expect_not(parse("UUID=12:", true));
}

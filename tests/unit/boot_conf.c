/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "conf.h"

static struct conf conf;
static struct vhd_diag diag;

static int parse(const char *text)
{
	memset(&conf, 0xa5, sizeof(conf)); /* nothing relies on zeros */
	memset(&diag, 0, sizeof(diag));
	return conf_parse(&conf, text, strlen(text), &diag);
}

Test(boot_conf, every_word_has_its_place)
{
	cr_assert_eq(parse("\xef\xbb\xbf# a comment\r\n"
			   "timeout 7\r\n"
			   "\r\n"
			   "default Two words\n"
			   "title One\n"
			   "\timage   \\images\\a b.vhd  \n"
			   "title Two words\n"
			   "image PARTUUID=12-34:/c.vhdx\n"
			   "loader \\EFI\\x.efi\n"
			   "options root=/dev/x  quiet"),
		     0, "%s", diag.text);
	cr_expect_eq(conf.timeout, 7u);
	cr_expect_eq(conf.count, 2u);
	cr_expect_eq(conf.chosen, 1u);
	cr_expect_str_eq(conf.entries[0].title, "One");
	cr_expect_str_eq(conf.entries[0].image, "\\images\\a b.vhd");
	cr_expect_str_empty(conf.entries[0].volume);
	cr_expect_str_empty(conf.entries[0].loader);
	cr_expect_str_eq(conf.entries[1].volume, "PARTUUID=12-34");
	cr_expect_str_eq(conf.entries[1].image, "/c.vhdx");
	cr_expect_str_eq(conf.entries[1].loader, "\\EFI\\x.efi");
	cr_expect_str_eq(conf.entries[1].options, "root=/dev/x  quiet");
}

Test(boot_conf, one_entry_needs_no_title_and_has_no_menu)
{
	cr_assert_eq(parse("image /a.vhd\nvolume UUID=1-2\n"), 0);
	cr_expect_eq(conf.count, 1u);
	cr_expect_eq(conf.timeout, 0u);
	cr_expect_str_eq(conf.entries[0].title, "/a.vhd");
	cr_expect_str_eq(conf.entries[0].volume, "UUID=1-2");
}

Test(boot_conf, several_entries_have_a_menu_and_the_default_may_be_a_number)
{
	cr_assert_eq(parse("title A\nimage /a\ntitle B\nimage /b\ndefault 2"),
		     0);
	cr_expect_eq(conf.chosen, 1u);
	cr_expect_eq(conf.timeout, 5u);
}

Test(boot_conf, mistakes_name_their_line)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{"", "no entry"},
		{"# nothing\n", "no entry in its 1 lines"},
		{"title A\n", "the entry above line 1 names no image"},
		{"title A\ntitle B\nimage /b\n", "above line 2"},
		{"image /a\nimage /b\n", "line 2: a second image"},
		{"image /a\n\nimages /b\n", "line 3: unknown word"},
		{"loader x\n", "line 1: this belongs below a title"},
		{"image /a\nloader x\nloader y\n", "line 3: said twice"},
		{"image\n", "line 1: a word without a value"},
		{"image UUID=1:\n", "line 1: no path"},
		{"timeout -1\nimage /a\n", "line 1: no number"},
		{"timeout 99999999999\nimage /a\n", "line 1: no number"},
		{"image /a\ndefault B\n", "default names no entry"},
		{"image /a\ndefault 2\n", "default names no entry"},
		{"image /a\ndefault 0\n", "default names no entry"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(parse(rows[i].text), VHD_E_INVALID);
		cr_expect(strstr(diag.text, rows[i].said), "%s: %s",
			  rows[i].text, diag.text);
	}
}

Test(boot_conf, a_value_that_is_too_long_or_binary_is_refused)
{
	static char text[2 * CONF_TEXT];

	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "image ", 6);
	cr_expect_eq(parse(text), VHD_E_INVALID);
	cr_expect_eq(conf_parse(&conf, "image a\0b", 9, &diag), VHD_E_INVALID);
}

Test(boot_conf, there_is_room_for_so_many_entries_and_no_more)
{
	static char text[64 * (CONF_ENTRIES + 1)];

	for (unsigned i = 0; i < CONF_ENTRIES; i++)
		strcat(text, "title A\nimage /a\n");
	cr_expect_eq(parse(text), 0);
	strcat(text, "title A\nimage /a\n");
	cr_expect_eq(parse(text), VHD_E_INVALID);
	cr_expect(strstr(diag.text, "too many"));
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "core/candidate.h"
#include "core/path.h"

static char buf[256];

static int normalise(const char *path)
{
	strcpy(buf, path);
	return vhd_path_normalise(buf);
}

Test(path, windows_and_posix_forms_are_told_apart)
{
	static const struct {
		const char *in;
		int kind;
		const char *out;
	} rows[] = {
		{"a.vhd", VHD_PATH_RELATIVE, "a.vhd"},
		{".\\a.vhd", VHD_PATH_RELATIVE, "a.vhd"},
		{"./././a.vhd", VHD_PATH_RELATIVE, "a.vhd"},
		{"sub\\\\dir\\.\\a.vhd", VHD_PATH_RELATIVE, "sub/dir/a.vhd"},
		{"..\\up\\a.vhd", VHD_PATH_RELATIVE, "../up/a.vhd"},
		{"/abs//a.vhd", VHD_PATH_ABSOLUTE, "/abs/a.vhd"},
		{"C:\\x\\a.vhd", VHD_PATH_FOREIGN, "C:/x/a.vhd"},
		{"c:a.vhd", VHD_PATH_FOREIGN, "c:a.vhd"},
		{"\\\\server\\share\\a.vhd", VHD_PATH_FOREIGN, NULL},
		{"\\\\?\\C:\\a.vhd", VHD_PATH_FOREIGN, NULL},
		{"\\\\.\\PhysicalDrive0", VHD_PATH_FOREIGN, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(normalise(rows[i].in), rows[i].kind, "%s",
			     rows[i].in);
		if (rows[i].out)
			cr_expect_str_eq(buf, rows[i].out);
	}
}

Test(path, what_names_no_file_is_refused)
{
	static const char *const rows[] = {"",    ".",    "..", "/",  "a/",
					   "a\\", "a/..", "./", "a/."};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_expect_eq(normalise(rows[i]), 0, "%s", rows[i]);
}

Test(path, urls_with_host_or_broken_escapes_are_refused)
{
	static const struct {
		const char *in;
		const char *out; /* NULL: refused */
	} rows[] = {
		{"file://localhost/dir/a.vhd", "/dir/a.vhd"},
		{"file:///dir/a%20b.vhd", "/dir/a b.vhd"},
		{"file://./a.vhd", "./a.vhd"},
		{"file://./%61.vhd", "./a.vhd"},
		{"file://evil/a.vhd", NULL},
		{"http://localhost/a.vhd", NULL},
		{"file:///a%00b", NULL},
		{"file:///a%", NULL},
		{"file:///a%2", NULL},
		{"file:///a%zz", NULL},
		{"file://", NULL},
		{"", NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(buf, rows[i].in);
		cr_expect_eq(vhd_path_from_url(buf), rows[i].out != NULL, "%s",
			     rows[i].in);
		if (rows[i].out)
			cr_expect_str_eq(buf, rows[i].out);
	}
}

Test(path, base_is_the_last_component)
{
	cr_expect_str_eq(vhd_path_base("a.vhd"), "a.vhd");
	cr_expect_str_eq(vhd_path_base("C:/x/a.vhd"), "a.vhd");
	cr_expect_str_eq(vhd_path_base("a/"), "");
}

Test(path, climbing_is_seen_wherever_it_stands)
{
	static const char *const climbs[] = {"..", "../a", "a/../b", "a/..",
					     "/../a"};
	static const char *const stays[] = {"a",     "..a", "a..", "a/..b",
					    "a/b..", "...", ""};

	for (size_t i = 0; i < sizeof(climbs) / sizeof(climbs[0]); i++)
		cr_expect(vhd_path_climbs(climbs[i]), "%s", climbs[i]);
	for (size_t i = 0; i < sizeof(stays) / sizeof(stays[0]); i++)
		cr_expect_not(vhd_path_climbs(stays[i]), "%s", stays[i]);
}

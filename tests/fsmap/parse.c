/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsmap_parse: the answer of a helper that may have been taken over. Each case
 * is a fault that, if let through, would have free space invented outside of a
 * file system or of the disk.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "fsmap_parse.h"

static const struct fsmap_expected expected = {
	.device = 7,
	.inode = 9,
	.disk_size = 1 << 20,
	.sector_size = 512,
};

#define HEAD "vhd-fsmap 1\nfile 7 9\ndisk 1048576 512 gpt\n"
#define FS   "fs 1 4096 65536 65536 ext4 clean - -\n"

static char text[FSMAP_NAME_MAX + 1];

static const char *parse(const char *answer, struct fsmap *out)
{
	/* fmemopen() refuses an empty buffer */
	FILE *in = fmemopen((void *)(uintptr_t)answer, strlen(answer), "r");
	const char *wrong;

	cr_assert(in || !*answer);
	if (!in)
		return "empty";
	wrong = fsmap_parse(in, &expected, text, out);
	fclose(in);
	return wrong;
}

static void refused(const char *answer)
{
	struct fsmap map = {0};

	cr_assert(parse(answer, &map) != NULL, "let through: %s", answer);
	cr_assert(map.fs == NULL && map.unused.items == NULL);
}

static void taken(const char *answer)
{
	struct fsmap map = {0};
	const char *wrong = parse(answer, &map);

	cr_assert(wrong == NULL, "%s: %s", wrong, answer);
	fsmap_free(&map);
}

Test(fsmap_parse, a_complete_answer_is_taken)
{
	struct fsmap map;

	cr_assert(!parse(HEAD "fs 1 4096 65536 60000 ext4 clean r%20%C3%A4 "
			      "%2D\n"
			      "unused 8192 1024\nunused 9216 512\n"
			      "unused 20480 512\n"
			      "fs 2 69632 4096 0 - unknown - data\n"
			      "gap 90112 1024\nend\n",
			 &map));
	cr_assert_str_eq(map.table, "gpt");
	cr_assert_eq(map.fs_count, 2);
	cr_assert_str_eq(map.fs[0].label, "r \xc3\xa4");
	cr_assert_str_eq(map.fs[0].name, "-");
	cr_assert_eq(map.fs[0].size, 60000);
	cr_assert_eq(map.fs[1].state, FSMAP_UNKNOWN);
	cr_assert_str_eq(map.fs[1].type, "");
	cr_assert_str_eq(map.fs[1].name, "data");
	cr_assert_eq(map.gaps.count, 1);
	fsmap_free(&map);
}

Test(fsmap_parse, touching_ranges_become_one)
{
	struct fsmap map;

	cr_assert(!parse(HEAD FS "unused 8192 1024\nunused 9216 512\n"
				 "unused 20480 512\nend\n",
			 &map));
	cr_assert_eq(map.unused.count, 2);
	cr_assert_eq(map.unused.items[0].start, 8192);
	cr_assert_eq(map.unused.items[0].length, 1536);
	fsmap_free(&map);
}

Test(fsmap_parse, the_helpers_own_words_are_passed_on)
{
	struct fsmap map;

	cr_assert(parse("error no%20such%20file\n", &map) == text);
	cr_assert_str_eq(text, "no such file");
	cr_assert(parse(HEAD FS "error out%20of%20memory\n", &map) == text);
	cr_assert_str_eq(text, "out of memory");
}

Test(fsmap_parse, an_answer_that_ends_early_is_refused)
{
	const char *whole = HEAD FS "unused 8192 1024\nend\n";
	char part[256];

	taken(whole);
	for (size_t len = 0; len < strlen(whole); len++) {
		snprintf(part, sizeof(part), "%.*s", (int)len, whole);
		refused(part);
	}
}

Test(fsmap_parse, nothing_may_follow_the_end)
{
	refused(HEAD FS "end\nunused 8192 1024\n");
	refused(HEAD FS "end\nend\n");
	refused(HEAD FS "end\n\n");
}

Test(fsmap_parse, another_disk_is_refused)
{
	refused("vhd-fsmap 1\nfile 7 8\ndisk 1048576 512 gpt\nend\n");
	refused("vhd-fsmap 1\nfile 8 9\ndisk 1048576 512 gpt\nend\n");
	refused("vhd-fsmap 1\nfile 7 9\ndisk 1048577 512 gpt\nend\n");
	refused("vhd-fsmap 1\nfile 7 9\ndisk 1048576 4096 gpt\nend\n");
	refused("vhd-fsmap 2\nfile 7 9\ndisk 1048576 512 gpt\nend\n");
}

Test(fsmap_parse, unused_must_lie_in_its_file_system)
{
	taken(HEAD FS "unused 4096 65536\nend\n");
	refused(HEAD FS "unused 3584 1024\nend\n");
	refused(HEAD FS "unused 4096 66048\nend\n");
	refused(HEAD FS "unused 69632 512\nend\n");
	refused(HEAD "unused 4096 512\nend\n");
}

Test(fsmap_parse, only_a_clean_file_system_has_unused_ranges)
{
	static const char *const states[] = {
		"dirty",     "suspended", "unknown",   "damaged",
		"ambiguous", "overlap",   "truncated", "container",
	};
	char answer[256];

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		snprintf(answer, sizeof(answer),
			 HEAD "fs 1 4096 65536 0 ext4 %s - -\nend\n",
			 states[i]);
		taken(answer);
		snprintf(answer, sizeof(answer),
			 HEAD "fs 1 4096 65536 0 ext4 %s - -\n"
			      "unused 8192 512\nend\n",
			 states[i]);
		refused(answer);
	}
	refused(HEAD "fs 1 4096 65536 0 ext4 Clean - -\nend\n");
}

Test(fsmap_parse, ranges_rise_and_do_not_overlap)
{
	refused(HEAD FS "unused 8192 1024\nunused 8704 512\nend\n");
	refused(HEAD FS "unused 8192 1024\nunused 4096 512\nend\n");
	/* also over the borders of file systems that overlap */
	refused(HEAD FS "unused 8192 1024\n"
			"fs 2 4096 65536 0 ext4 clean - -\n"
			"unused 8192 1024\nend\n");
	refused(HEAD FS "gap 80384 1024\ngap 80384 1024\nend\n");
}

Test(fsmap_parse, file_systems_rise_and_come_before_gaps)
{
	refused(HEAD FS "fs 2 0 4096 0 - unknown - -\nend\n");
	refused(HEAD FS "gap 80384 512\nfs 2 81920 512 0 - unknown - -\nend\n");
	refused(HEAD FS "gap 80384 512\nunused 8192 512\nend\n");
}

Test(fsmap_parse, everything_lies_on_the_disk)
{
	taken(HEAD "fs 1 1048064 512 0 - unknown - -\nend\n");
	refused(HEAD "fs 1 1048064 1024 0 - unknown - -\nend\n");
	refused(HEAD "fs 1 1048577 0 0 - unknown - -\nend\n");
	refused(HEAD "fs 1 4096 512 513 - unknown - -\nend\n");
	refused(HEAD "fs 1 18446744073709551104 1024 0 - unknown - -\nend\n");
	refused(HEAD "fs 1 512 18446744073709551104 0 - unknown - -\nend\n");
	refused(HEAD FS "gap 1048064 1024\nend\n");
	refused(HEAD FS "unused 18446744073709551104 1024\nend\n");
	refused(HEAD FS "unused 8192 18446744073709547520\nend\n");
}

Test(fsmap_parse, ranges_are_whole_sectors_and_not_empty)
{
	refused(HEAD FS "unused 8193 512\nend\n");
	refused(HEAD FS "unused 8192 513\nend\n");
	refused(HEAD FS "unused 8192 0\nend\n");
	refused(HEAD FS "gap 80384 1\nend\n");
}

Test(fsmap_parse, numbers_are_plain_decimal)
{
	static const char *const bad[] = {
		"+8192",  "-8192", " 8192",
		"0x2000", "08192", "8192.",
		"8192a",  "",      "18446744073709559808",
		"\t8192", "8 192", "8192\r",
	};
	char answer[256];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(answer, sizeof(answer), HEAD FS "unused %s 512\nend\n",
			 bad[i]);
		refused(answer);
	}
}

Test(fsmap_parse, names_are_escaped_well)
{
	refused(HEAD "fs 1 4096 512 0 %G1 unknown - -\nend\n");
	refused(HEAD "fs 1 4096 512 0 a% unknown - -\nend\n");
	refused(HEAD "fs 1 4096 512 0 a%1 unknown - -\nend\n");
	refused(HEAD "fs 1 4096 512 0 a%00b unknown - -\nend\n");
	refused(HEAD "fs 1 4096 512 0 %c3 unknown - -\nend\n");
	refused(HEAD "fs 1 4096 512 0  unknown - -\nend\n");
	refused("error\n");
	refused("error \n");
}

Test(fsmap_parse, lines_and_names_are_bounded)
{
	char name[1024], answer[2 * FSMAP_LINE_MAX];

	memset(name, 'x', sizeof(name));
	name[FSMAP_NAME_MAX] = '\0';
	snprintf(answer, sizeof(answer),
		 HEAD "fs 1 4096 512 0 - unknown %s -\nend\n", name);
	taken(answer);
	name[FSMAP_NAME_MAX] = 'x';
	name[FSMAP_NAME_MAX + 1] = '\0';
	snprintf(answer, sizeof(answer),
		 HEAD "fs 1 4096 512 0 - unknown %s -\nend\n", name);
	refused(answer);
	snprintf(answer, sizeof(answer), HEAD "fs %*d\nend\n", FSMAP_LINE_MAX,
		 1);
	refused(answer);
}

Test(fsmap_parse, the_number_of_file_systems_is_bounded)
{
	static const char line[] = "fs 1 4096 512 0 - unknown - -\n";
	char *answer = malloc(sizeof(HEAD) + 8 +
			      (FSMAP_FS_MAX + 1) * (sizeof(line) - 1));
	char *end;

	cr_assert(answer != NULL);
	end = stpcpy(answer, HEAD);
	for (int i = 0; i < FSMAP_FS_MAX; i++)
		end = stpcpy(end, line);
	strcpy(end, "end\n");
	taken(answer);
	strcpy(stpcpy(end, line), "end\n");
	refused(answer);
	free(answer);
}

Test(fsmap_parse, unknown_lines_and_wrong_word_counts_are_refused)
{
	refused(HEAD "hello\nend\n");
	refused(HEAD FS "unused 8192 512 512\nend\n");
	refused(HEAD FS "unused 8192\nend\n");
	refused(HEAD "fs 1 4096 512 0 - unknown - - -\nend\n");
	refused(HEAD FS "end \n");
	refused(HEAD "\nend\n");
	refused(HEAD HEAD "end\n");
}

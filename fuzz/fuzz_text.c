/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parsers of texts: sizes, a command's options (a word a line), the
 * kernel's command line, the EFI variable, and what vhd-fsmap says. The first
 * byte chooses. What they accept is what they say they accept.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command.h"
#include "fsmap_parse.h"
#include "settings.h"
#include "size.h"
#include "words.h"

#define WORDS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* messages are not looked at, and would fill the log */
static void mute(void)
{
	static bool muted;

	if (!muted && !(stderr = fopen("/dev/null", "w")))
		abort();
	muted = true;
}

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* -- sizes -------------------------------------------------------------------
 */

/* the shift of a suffix, or -1 */
static int shift_of(const char *suffix)
{
	static const char units[] = "KMGTP";
	static const char *const tails[] = {"", "B", "iB"};
	char name[4];

	if (!*suffix || strcasecmp(suffix, "B") == 0)
		return 0;
	for (int i = 0; units[i]; i++) {
		for (int k = 0; k < 3; k++) {
			snprintf(name, sizeof(name), "%c%s", units[i],
				 tails[k]);
			if (strcasecmp(suffix, name) == 0)
				return 10 * (i + 1);
		}
	}
	return -1;
}

static void try_size(const char *text)
{
	uint64_t bytes = 77;
	const char *wrong = size_parse(text, &bytes);
	size_t digits = strspn(text, "0123456789");
	int shift = digits ? shift_of(text + digits) : -1;
	char back[SIZE_TEXT_SIZE];

	if (wrong) {
		require(bytes == 77);
		require(shift < 0 || strcmp(wrong, "too large") == 0);
		return;
	}
	require(shift >= 0);
	require((bytes >> shift) << shift == bytes);
	require((bytes >> shift) == strtoull(text, NULL, 10));
	require(strlen(size_text(bytes, back)) < sizeof(back));
}

/* -- options -----------------------------------------------------------------
 */

static bool a_flag;
static const char *a_text, *a_maybe;
static struct option_size a_size;
static unsigned a_count;
static int a_format, a_choice, a_level;
static struct option_list a_list;
static const char *const choices[] = {"one", "two", NULL};

static const struct tool_option options[] = {
	{"flag", 'f', OPTION_FLAG, &a_flag, NULL, "", NULL},
	{"text", 't', OPTION_TEXT, &a_text, "TEXT", "", NULL},
	{"maybe", 0, OPTION_MAYBE, &a_maybe, "TEXT", "", NULL},
	{"size", 's', OPTION_SIZE, &a_size, "SIZE", "", NULL},
	{"count", 'c', OPTION_COUNT, &a_count, "N", "", NULL},
	{"format", 'F', OPTION_FORMAT, &a_format, "FORMAT", "", NULL},
	{"choice", 0, OPTION_CHOICE, &a_choice, "WORD", "", choices},
	{"list", 'l', OPTION_LIST, &a_list, "TEXT", "", NULL},
	{"level", 'v', OPTION_LEVEL, &a_level, "WORD", "", choices},
	{0},
};

static int no_run(const char *const *arguments)
{
	(void)arguments;
	return TOOL_DONE;
}

static const struct command command = {
	.name = "fuzz",
	.arguments = "ANY",
	.argument_count = COMMAND_ANY_COUNT,
	.options = options,
	.run = no_run,
};

static void try_options(char *text)
{
	char *argv[WORDS_MAX + 1] = {0};
	struct option_result result;
	int argc = 0, rc;

	for (char *word; argc < WORDS_MAX && (word = strsep(&text, "\n"));)
		argv[argc++] = word;
	a_choice = a_level = 0;
	a_text = a_maybe = "";
	rc = options_parse(&command, argc, argv, &result);
	require(rc == TOOL_DONE || rc == TOOL_USAGE);
	require(a_choice >= 0 && a_choice < 2 && a_level >= 0 && a_level <= 3);
	require(a_text && a_maybe);
	if (!rc) {
		require(result.count <= (size_t)argc);
		free(result.arguments);
	}
	free(a_list.items);
	a_list = (struct option_list){0};
}

/* -- what to boot from -------------------------------------------------------
 */

static void check_root(const struct root_name *root)
{
	require(memchr(root->tag, 0, sizeof(root->tag)) != NULL);
	require(memchr(root->volume, 0, sizeof(root->volume)) != NULL);
	require(memchr(root->path, 0, sizeof(root->path)) != NULL);
	require(root->volume[0] && root->path[0] == '/');
	require(!strstr(root->path, "/../"));
	require(root->tag[0] || strncmp(root->volume, "/dev/", 5) == 0);
}

static void try_line(const char *line)
{
	struct settings s = {0};
	char value[16];
	int rc = words_get(line, "vhdroot", value, sizeof(value));

	require(rc >= -1 && rc <= 1 && strlen(value) < sizeof(value));
	require(rc == 1 || !value[0] || rc == -1);
	rc = settings_from_line(line, &s);
	require(rc == TOOL_DONE || rc == TOOL_NO || rc == TOOL_FAILED);
	if (rc)
		return;
	check_root(&s.root);
	require(s.mode <= ATTACH_DM && s.timeout <= 86400);
	require(memchr(s.flags, 0, sizeof(s.flags)) != NULL);
	require(memchr(s.overlay, 0, sizeof(s.overlay)) != NULL);
}

static void try_efi(const char *bytes, size_t size)
{
	struct root_name root = {0};

	if (!root_name_from_efi(bytes, size, &root))
		check_root(&root);
}

/* -- what vhd-fsmap says -----------------------------------------------------
 */

#define DISK ((uint64_t)1 << 20)

static void check_ranges(const struct fsmap_ranges *ranges)
{
	uint64_t end = 0;

	for (size_t i = 0; i < ranges->count; i++) {
		const struct fsmap_range *r = &ranges->items[i];

		require(r->length && !(r->start % 512) && !(r->length % 512));
		require(!i || r->start > end);
		require(r->start <= DISK && r->length <= DISK - r->start);
		end = r->start + r->length;
	}
}

static void try_fsmap(char *text, size_t size)
{
	static const struct fsmap_expected expected = {7, 9, DISK, 512};
	char words[FSMAP_NAME_MAX + 1];
	struct fsmap map = {0};
	FILE *in = size ? fmemopen(text, size, "r") : NULL;

	if (!in)
		return;
	if (!fsmap_parse(in, &expected, words, &map)) {
		require(map.fs_count <= FSMAP_FS_MAX);
		for (size_t i = 0; i < map.fs_count; i++)
			require(map.fs[i].start <= DISK &&
				map.fs[i].length <= DISK - map.fs[i].start);
		check_ranges(&map.unused);
		check_ranges(&map.gaps);
		fsmap_free(&map);
	} else {
		require(!map.fs && !map.unused.items && !map.gaps.items);
	}
	fclose(in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size)
		return 0;
	mute();
	text = malloc(size);
	if (!text)
		abort();
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	switch (data[0] % 5) {
	case 0:
		try_size(text);
		break;
	case 1:
		try_options(text);
		break;
	case 2:
		try_line(text);
		break;
	case 3:
		try_efi(text, size - 1);
		break;
	default:
		try_fsmap(text, size - 1);
	}
	free(text);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "fsmap_parse.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

#define WORDS_MAX 9

static const char malformed[] = "its answer is malformed";

/* A line, cut into words, and what was read so far. */
struct parser {
	const struct fsmap_expected *expected;
	struct fsmap map;
	char line[FSMAP_LINE_MAX + 1];
	char *words[WORDS_MAX];
	size_t count;
	char *text; /* for the helper's own words */
};

/* -- words ----------------------------------------------------------------- */

/* Decimal digits without a sign or leading zeros, at most `max`. */
static bool get_number(const char *word, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!*word || (word[0] == '0' && word[1]))
		return false;
	for (; *word; word++) {
		unsigned digit = (unsigned)(*word - '0');

		if (digit > 9 || value > (UINT64_MAX - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes a name in place; a name cannot hold a NUL. */
static bool get_name(char *word)
{
	char *out = word;
	size_t len = 0;

	if (strcmp(word, "-") == 0) {
		*word = '\0';
		return true;
	}
	for (const char *in = word; *in; in++, len++) {
		int high, low;

		if (*in != '%') {
			*out++ = *in;
			continue;
		}
		high = hex_digit(in[1]);
		low = high < 0 ? -1 : hex_digit(in[2]);
		if (low < 0 || high + low == 0)
			return false;
		*out++ = (char)(high << 4 | low);
		in += 2;
	}
	*out = '\0';
	return len > 0 && len <= FSMAP_NAME_MAX;
}

static bool get_state(const char *word, enum fsmap_state *out)
{
	for (int i = 0; i < FSMAP_STATES; i++) {
		if (strcmp(fsmap_state_word((enum fsmap_state)i), word) == 0) {
			*out = (enum fsmap_state)i;
			return true;
		}
	}
	return false;
}

/* -- lines ----------------------------------------------------------------- */

/* Reads a line without its newline; false at the end, or if it is too long. */
static bool read_line(struct parser *p, FILE *in)
{
	size_t len;

	if (!fgets(p->line, sizeof(p->line), in))
		return false;
	len = strlen(p->line);
	if (len == 0 || p->line[len - 1] != '\n')
		return false;
	p->line[len - 1] = '\0';
	return true;
}

/* Exactly one blank between words; empty words are refused where they count. */
static void split(struct parser *p)
{
	char *rest = p->line;

	p->count = 0;
	while (rest && p->count < WORDS_MAX) {
		p->words[p->count++] = rest;
		rest = strchr(rest, ' ');
		if (rest)
			*rest++ = '\0';
	}
	if (rest)
		p->count = 0;
}

static bool is_line(const struct parser *p, const char *word, size_t count)
{
	return p->count == count && strcmp(p->words[0], word) == 0;
}

static const char *next_line(struct parser *p, FILE *in)
{
	if (!read_line(p, in))
		return "its answer ends early";
	split(p);
	if (!is_line(p, "error", 2))
		return NULL;
	if (!get_name(p->words[1]))
		return malformed;
	snprintf(p->text, FSMAP_NAME_MAX + 1, "%s", p->words[1]);
	return p->text;
}

/* A place inside the disk, from words `at` and `at` + 1. */
static bool get_place(const struct parser *p, size_t at, uint64_t *start,
		      uint64_t *length)
{
	uint64_t size = p->expected->disk_size;

	return get_number(p->words[at], size, start) &&
	       get_number(p->words[at + 1], size - *start, length);
}

static const char *take_file(struct parser *p)
{
	uint64_t device, inode;

	if (!is_line(p, "file", 3) ||
	    !get_number(p->words[1], UINT64_MAX, &device) ||
	    !get_number(p->words[2], UINT64_MAX, &inode))
		return malformed;
	if (device != p->expected->device || inode != p->expected->inode)
		return "it has opened another file";
	return NULL;
}

static const char *take_disk(struct parser *p)
{
	uint64_t size, sector_size;

	if (!is_line(p, "disk", 4) ||
	    !get_number(p->words[1], UINT64_MAX, &size) ||
	    !get_number(p->words[2], UINT32_MAX, &sector_size) ||
	    !get_name(p->words[3]))
		return malformed;
	if (size != p->expected->disk_size ||
	    sector_size != p->expected->sector_size)
		return "it has found a disk of another size";
	p->map.table = tool_must(strdup(p->words[3]));
	return NULL;
}

static const char *take_fs(struct parser *p)
{
	struct fsmap_fs fs = {0};
	const struct fsmap_fs *last =
		p->map.fs_count ? &p->map.fs[p->map.fs_count - 1] : NULL;
	uint64_t number;

	if (p->map.gaps.count || p->map.fs_count == FSMAP_FS_MAX ||
	    !get_number(p->words[1], UINT32_MAX, &number) ||
	    !get_place(p, 2, &fs.start, &fs.length) ||
	    !get_number(p->words[4], fs.length, &fs.size) ||
	    !get_name(p->words[5]) || !get_state(p->words[6], &fs.state) ||
	    !get_name(p->words[7]) || !get_name(p->words[8]) ||
	    (last && fs.start < last->start))
		return malformed;
	fs.number = (unsigned)number;
	fs.type = tool_must(strdup(p->words[5]));
	fs.label = tool_must(strdup(p->words[7]));
	fs.name = tool_must(strdup(p->words[8]));
	fs.uuid = tool_must(strdup(""));
	p->map.fs = tool_resize(p->map.fs,
				(p->map.fs_count + 1) * sizeof(p->map.fs[0]));
	p->map.fs[p->map.fs_count++] = fs;
	return NULL;
}

/* Appends the range of this line, which must lie behind the last one. */
static const char *take_range(const struct parser *p,
			      struct fsmap_ranges *ranges,
			      struct fsmap_range *out)
{
	const struct fsmap_range *last =
		ranges->count ? &ranges->items[ranges->count - 1] : NULL;
	uint32_t sector = p->expected->sector_size;

	if (!get_place(p, 1, &out->start, &out->length) || out->length == 0 ||
	    out->start % sector || out->length % sector ||
	    (last && out->start < last->start + last->length))
		return malformed;
	if (ranges->count == FSMAP_RANGES_MAX)
		return "there are too many unused ranges";
	if (!ranges->items || ranges->count == ranges->room) {
		ranges->room = ranges->room ? 2 * ranges->room : 64;
		ranges->items = tool_resize(
			ranges->items, ranges->room * sizeof(ranges->items[0]));
	}
	ranges->items[ranges->count++] = *out;
	return NULL;
}

static const char *take_unused(struct parser *p)
{
	const struct fsmap_fs *fs =
		p->map.fs_count ? &p->map.fs[p->map.fs_count - 1] : NULL;
	struct fsmap_range range;
	const char *wrong;

	if (!fs || fs->state != FSMAP_CLEAN || p->map.gaps.count)
		return malformed;
	wrong = take_range(p, &p->map.unused, &range);
	if (!wrong && (range.start < fs->start ||
		       range.start + range.length > fs->start + fs->length))
		return malformed;
	return wrong;
}

static const char *take_gap(struct parser *p)
{
	struct fsmap_range range;

	return take_range(p, &p->map.gaps, &range);
}

static const char *take_uuid(struct parser *p)
{
	struct fsmap_fs *fs =
		p->map.fs_count ? &p->map.fs[p->map.fs_count - 1] : NULL;

	if (!fs || fs->uuid[0] || p->map.gaps.count || !get_name(p->words[1]))
		return malformed;
	free(fs->uuid);
	fs->uuid = tool_must(strdup(p->words[1]));
	return NULL;
}

static const char *take_line(struct parser *p)
{
	if (is_line(p, "unused", 3))
		return take_unused(p);
	if (is_line(p, "fs", 9))
		return take_fs(p);
	if (is_line(p, "uuid", 2))
		return take_uuid(p);
	if (is_line(p, "gap", 3))
		return take_gap(p);
	return malformed;
}

/* -- the whole ------------------------------------------------------------- */

static const char *take_head(struct parser *p, FILE *in)
{
	const char *wrong = next_line(p, in);

	if (!wrong && (!is_line(p, "vhd-fsmap", 2) ||
		       strcmp(p->words[1], FSMAP_PROTOCOL_VERSION) != 0))
		wrong = "it is of another version";
	if (!wrong)
		wrong = next_line(p, in);
	if (!wrong)
		wrong = take_file(p);
	if (!wrong)
		wrong = next_line(p, in);
	return wrong ? wrong : take_disk(p);
}

static const char *take_body(struct parser *p, FILE *in)
{
	const char *wrong = next_line(p, in);

	while (!wrong && !is_line(p, "end", 1)) {
		wrong = take_line(p);
		if (!wrong)
			wrong = next_line(p, in);
	}
	if (!wrong && fgetc(in) != EOF)
		wrong = malformed;
	return wrong;
}

/* Touching ranges become one. */
static void merge(struct fsmap_ranges *ranges)
{
	size_t kept = 0;

	for (size_t i = 1; i < ranges->count; i++) {
		struct fsmap_range *last = &ranges->items[kept];

		if (last->start + last->length == ranges->items[i].start)
			last->length += ranges->items[i].length;
		else
			ranges->items[++kept] = ranges->items[i];
	}
	ranges->count = ranges->count ? kept + 1 : 0;
}

const char *fsmap_parse(FILE *in, const struct fsmap_expected *expected,
			char text[FSMAP_NAME_MAX + 1], struct fsmap *out)
{
	struct parser *p = tool_zalloc(sizeof(*p));
	const char *wrong;

	p->expected = expected;
	p->text = text;
	wrong = take_head(p, in);
	if (!wrong)
		wrong = take_body(p, in);
	if (wrong) {
		fsmap_free(&p->map);
	} else {
		merge(&p->map.unused);
		*out = p->map;
	}
	free(p);
	return wrong;
}

void fsmap_free(struct fsmap *map)
{
	for (size_t i = 0; i < map->fs_count; i++) {
		free(map->fs[i].type);
		free(map->fs[i].label);
		free(map->fs[i].uuid);
		free(map->fs[i].name);
	}
	free(map->fs);
	free(map->table);
	free(map->unused.items);
	free(map->gaps.items);
	*map = (struct fsmap){0};
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "words.h"

#include <ctype.h>
#include <string.h>

/* what the kernel takes for a blank, which is more than blanks and tabs */
static bool is_blank(char c)
{
	return isspace((unsigned char)c);
}

/* Copies the next word without its quotes; false: it does not fit. */
static bool take_word(const char **line, char *out, size_t size)
{
	bool quoted = false;
	size_t length = 0;
	const char *at = *line;

	for (; *at && (quoted || !is_blank(*at)); at++) {
		if (*at == '"')
			quoted = !quoted;
		else if (length + 1 < size)
			out[length++] = *at;
		else
			size = 0; /* too long: read on, keep nothing */
	}
	*line = at;
	if (size)
		out[length] = '\0';
	return size != 0;
}

int words_get(const char *line, const char *name, char *out, size_t size)
{
	size_t length = strlen(name);
	char word[4096];
	int found = 0;

	out[0] = '\0';
	for (;;) {
		while (is_blank(*line))
			line++;
		if (!*line)
			return found;
		if (!take_word(&line, word, sizeof(word)) ||
		    strncmp(word, name, length) != 0 || word[length] != '=')
			continue;
		if (strlen(word + length + 1) >= size)
			return -1;
		strcpy(out, word + length + 1);
		found = 1;
	}
}

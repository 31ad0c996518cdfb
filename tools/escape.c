/* SPDX-License-Identifier: BSD-2-Clause */
#include "escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"

/* Continuation bytes that a lead byte announces, or -1. */
static int tail_length(unsigned char lead)
{
	if (lead < 0x80)
		return 0;
	if (lead >= 0xc2 && lead <= 0xdf)
		return 1;
	if (lead >= 0xe0 && lead <= 0xef)
		return 2;
	if (lead >= 0xf0 && lead <= 0xf4)
		return 3;
	return -1;
}

/*
 * Decodes one character; returns its bytes, or 0 if it is no UTF-8 (too long
 * forms and surrogates included).
 */
static size_t decode(const char *text, uint32_t *out)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	unsigned char lead = (unsigned char)text[0];
	int tail = tail_length(lead);
	uint32_t c;

	if (tail < 0)
		return 0;
	c = tail == 0 ? lead : lead & (0x3fu >> tail);
	for (int i = 1; i <= tail; i++) {
		unsigned char byte = (unsigned char)text[i];

		if ((byte & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (byte & 0x3f);
	}
	if (c < least[tail] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*out = c;
	return (size_t)tail + 1;
}

/* Control characters, and those that turn the direction of writing. */
static bool harmful(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	       (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

/* four bytes of a character, each of them escaped */
#define PIECE_MAX 16

/* The next character as it is shown, without a 0; its length. */
static size_t next_piece(const char **text, bool for_terminal,
			 char out[PIECE_MAX + 1])
{
	uint32_t c = 0;
	size_t n = decode(*text, &c), length = 0;
	bool bad = n == 0 || (for_terminal && harmful(c));

	for (n = n ? n : 1; n > 0; n--, ++*text) {
		unsigned char byte = (unsigned char)**text;

		if (bad)
			length +=
				(size_t)sprintf(out + length, "\\x%02x", byte);
		else
			out[length++] = (char)byte;
	}
	return length;
}

static char *escape_with(const char *text, bool for_terminal)
{
	char *out = tool_resize(NULL, 4 * strlen(text) + 1), *p = out;
	char piece[PIECE_MAX + 1];

	while (*text) {
		size_t n = next_piece(&text, for_terminal, piece);

		memcpy(p, piece, n);
		p += n;
	}
	*p = '\0';
	return out;
}

void escape_print(const char *text, FILE *to)
{
	char piece[PIECE_MAX + 1];

	while (*text)
		fwrite(piece, 1, next_piece(&text, true, piece), to);
}

char *escape(const char *text)
{
	return escape_with(text, true);
}

char *escape_utf8(const char *text)
{
	return escape_with(text, false);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include "core/mem.h"
#include "core/utf16.h"
#include "text.h"

static const char *skip_blanks(const char *at)
{
	while (*at == ' ' || *at == '\t')
		at++;
	return at;
}

/* takes a word, or what stands between quotes; returns what follows, or NULL */
static const char *take_word(const char *at, char *out, size_t size)
{
	char end = ' ';
	size_t n = 0;

	if (*at == '"') {
		end = '"';
		at++;
	}
	while (at[n] && at[n] != end)
		n++;
	if (!text_take(out, size, at, n))
		return NULL;
	at += n;
	return skip_blanks(*at == '"' ? at + 1 : at);
}

/* a shell passes the name of the program, too */
static bool is_program(const char *word)
{
	const char *name = word;

	for (; *word; word++)
		if (*word == '\\' || *word == '/' || *word == ':')
			name = word + 1;
	return text_ends(name, ".efi") || text_same(name, "vhdboot");
}

static bool is_text(const char *text)
{
	for (; *text; text++)
		if ((uint8_t)*text < ' ' && *text != '\t')
			return false;
	return true;
}

static bool take_all(const char *at, struct conf_entry *out)
{
	char word[CONF_TEXT];

	at = take_word(skip_blanks(at), word, sizeof(word));
	if (at && is_program(word))
		at = take_word(at, word, sizeof(word));
	if (!at || !conf_set_image(out, word) || !out->image[0])
		return false;
	memcpy(out->title, out->image, sizeof(out->title));
	if (text_begins(at, "loader=")) {
		at = take_word(at + text_length("loader="), out->loader,
			       sizeof(out->loader));
		if (!at)
			return false;
	}
	return text_take(out->options, sizeof(out->options), at,
			 text_length(at));
}

bool options_parse(const void *raw, size_t bytes, struct conf_entry *out)
{
	char text[CONF_TEXT];

	memset(out, 0, sizeof(*out));
	return vhd_utf16_strict(raw, bytes, VHD_UTF16_LE, text, sizeof(text)) &&
	       is_text(text) && take_all(text, out);
}

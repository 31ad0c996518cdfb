/* SPDX-License-Identifier: BSD-2-Clause */
#include "conf.h"

#include "core/diag.h"
#include "core/mem.h"
#include "text.h"

#define TIMEOUT     5u
#define TIMEOUT_MAX 86400u
#define UNSET       UINT32_MAX

struct parser {
	struct conf *conf;
	struct conf_entry *entry;
	char chosen[CONF_TEXT];
	unsigned line;
};

/* a piece of the text */
struct piece {
	const char *start;
	size_t length;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct piece trim(struct piece p)
{
	while (p.length && is_blank(p.start[0])) {
		p.start++;
		p.length--;
	}
	while (p.length && is_blank(p.start[p.length - 1]))
		p.length--;
	return p;
}

/* the first word; *rest gets what follows it */
static struct piece first_word(struct piece line, struct piece *rest)
{
	size_t n = 0;

	while (n < line.length && !is_blank(line.start[n]))
		n++;
	*rest = trim((struct piece){line.start + n, line.length - n});
	return (struct piece){line.start, n};
}

static bool is_word(struct piece p, const char *word)
{
	return p.length == text_length(word) &&
	       !memcmp(p.start, word, p.length);
}

static bool number(const char *text, unsigned max, unsigned *out)
{
	unsigned n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (unsigned)(*text - '0');
		if (n > max)
			return false;
	}
	*out = n;
	return true;
}

/* -- entries -----------------------------------------------------------------
 */

static const char *begin_entry(struct parser *p)
{
	if (p->entry && !p->entry->image[0])
		return "the entry above line % names no image";
	if (p->conf->count == CONF_ENTRIES)
		return "line %: there are too many entries";
	p->entry = &p->conf->entries[p->conf->count++];
	memset(p->entry, 0, sizeof(*p->entry));
	return NULL;
}

bool conf_set_image(struct conf_entry *entry, const char *text)
{
	size_t n = 0;

	while (text[n] && text[n] != ':')
		n++;
	if (!text[n])
		return text_take(entry->image, sizeof(entry->image), text, n);
	return text_take(entry->volume, sizeof(entry->volume), text, n) &&
	       text_take(entry->image, sizeof(entry->image), text + n + 1,
			 text_length(text + n + 1));
}

static const char *set_image(struct parser *p, const char *value)
{
	const char *wrong;

	if (p->entry && p->entry->image[0])
		return "line %: a second image; an entry begins with title";
	if (!p->entry) {
		wrong = begin_entry(p);
		if (wrong)
			return wrong;
	}
	conf_set_image(p->entry, value); /* it fits: value has that size */
	if (!p->entry->image[0])
		return "line %: no path";
	if (!p->entry->title[0])
		memcpy(p->entry->title, p->entry->image, CONF_TEXT);
	return NULL;
}

static const char *set_title(struct parser *p, const char *value)
{
	const char *wrong = begin_entry(p);

	if (!wrong)
		memcpy(p->entry->title, value, CONF_TEXT);
	return wrong;
}

static const char *set_field(struct parser *p, struct piece word,
			     const char *value)
{
	char *field;

	if (!p->entry)
		return "line %: this belongs below a title";
	if (is_word(word, "volume"))
		field = p->entry->volume;
	else if (is_word(word, "loader"))
		field = p->entry->loader;
	else if (is_word(word, "options"))
		field = p->entry->options;
	else
		return "line %: unknown word";
	if (field[0])
		return "line %: said twice";
	memcpy(field, value, CONF_TEXT);
	return NULL;
}

/* -- lines -------------------------------------------------------------------
 */

/* a sentence about what is wrong, or NULL */
static const char *take_line(struct parser *p, struct piece line)
{
	char value[CONF_TEXT];
	struct piece rest, word = first_word(trim(line), &rest);

	if (!word.length || word.start[0] == '#')
		return NULL;
	if (!rest.length)
		return "line %: a word without a value";
	if (!text_take(value, sizeof(value), rest.start, rest.length))
		return "line %: too long";
	if (is_word(word, "title"))
		return set_title(p, value);
	if (is_word(word, "image"))
		return set_image(p, value);
	if (is_word(word, "timeout"))
		return number(value, TIMEOUT_MAX, &p->conf->timeout)
			       ? NULL
			       : "line %: no number of seconds";
	if (!is_word(word, "default"))
		return set_field(p, word, value);
	memcpy(p->chosen, value, CONF_TEXT);
	return NULL;
}

static struct piece next_line(struct piece *text)
{
	struct piece line = {text->start, 0};

	while (line.length < text->length && line.start[line.length] != '\n')
		line.length++;
	text->start += line.length;
	text->length -= line.length;
	if (text->length) {
		text->start++;
		text->length--;
	}
	return line;
}

/* the default is a title, or a number that counts from 1 */
static bool choose(struct conf *conf, const char *chosen)
{
	unsigned n;

	if (!chosen[0])
		return true;
	for (unsigned i = 0; i < conf->count; i++)
		if (text_same(conf->entries[i].title, chosen)) {
			conf->chosen = i;
			return true;
		}
	if (!number(chosen, conf->count, &n) || !n)
		return false;
	conf->chosen = n - 1;
	return true;
}

static const char *finish(struct parser *p)
{
	if (!p->conf->count)
		return "there is no entry in its % lines";
	if (!p->entry->image[0])
		return "the entry above line % names no image";
	if (!choose(p->conf, p->chosen))
		return "default names no entry (of % lines)";
	if (p->conf->timeout == UNSET)
		p->conf->timeout = p->conf->count > 1 ? TIMEOUT : 0;
	return NULL;
}

int conf_parse(struct conf *conf, const char *text, size_t length,
	       struct vhd_diag *diag)
{
	struct piece rest = {text, length};
	struct parser p = {.conf = conf};
	const char *wrong = NULL;

	conf->count = 0;
	conf->chosen = 0;
	conf->timeout = UNSET;
	if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		rest = (struct piece){text + 3, length - 3};
	while (!wrong && rest.length) {
		p.line++;
		wrong = take_line(&p, next_line(&rest));
	}
	if (!wrong)
		wrong = finish(&p);
	if (!wrong)
		return 0;
	return vhd_fail_value(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET, wrong,
			      p.line);
}

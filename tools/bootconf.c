/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootconf.h"

#include <stdlib.h>
#include <string.h>

#include "bootfiles.h"

#define BEGIN "# vhdtool boot-install: entry "
#define END   "# vhdtool boot-install: end of "

/* the line `mark``name` as a whole; or any line with `mark`, without a name */
static const char *find_line(const char *conf, const char *mark,
			     const char *name)
{
	size_t n = strlen(mark), m = name ? strlen(name) : 0;

	for (const char *at = conf; (at = strstr(at, mark)); at++) {
		bool begins = at == conf || at[-1] == '\n';

		if (begins && (!name || (strncmp(at + n, name, m) == 0 &&
					 at[n + m] == '\n')))
			return at;
	}
	return NULL;
}

bool boot_conf_has(const char *conf, const char *name)
{
	return find_line(conf, BEGIN, name);
}

bool boot_conf_is_empty(const char *conf)
{
	return conf[strspn(conf, " \t\r\n")] == '\0';
}

/* "" without a value; free() it */
static char *line(const char *word, const char *value)
{
	return value ? boot_text("%s%s\n", word, value) : boot_text("%s", "");
}

char *boot_conf_add(const char *conf, const struct boot_entry *e)
{
	size_t n = strlen(conf);
	const char *gap = n && conf[n - 1] != '\n' ? "\n" : "";

	char *volume = line("volume  ", e->volume);
	char *options = line("options ", e->options);
	char *text = boot_text("%s%s" BEGIN
			       "%s\ntitle   %s\n%simage   %s\n%s" END "%s\n",
			       conf, gap, e->name, e->title, volume, e->image,
			       options, e->name);

	free(options);
	free(volume);
	return text;
}

char *boot_conf_remove(const char *conf, const char *name)
{
	const char *begin = find_line(conf, BEGIN, name);
	const char *end = begin ? find_line(begin, END, name) : NULL;

	if (!end)
		return NULL;
	return boot_text("%.*s%s", (int)(begin - conf), conf,
			 strchr(end, '\n') + 1);
}

unsigned boot_conf_count(const char *conf)
{
	unsigned count = 0;

	for (; *conf; conf += strcspn(conf, "\n"), conf += *conf == '\n') {
		const char *word = conf + strspn(conf, " \t");

		count += strncmp(word, "image", 5) == 0 &&
			 (word[5] == ' ' || word[5] == '\t');
	}
	return count;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_end(const char *text)
{
	return *text == '\0' || *text == ';' ||
	       (text[0] == ':' && text[1] == '\n');
}

void text_print(const char *help, const char *special)
{
	for (; !is_end(help); help++) {
		if (*help == '\'') {
			fputs("'\\''", stdout);
			continue;
		}
		if (strchr(special, *help))
			putchar('\\');
		putchar(*help == '\n' ? ' ' : *help);
	}
}

const char *text_next(const char **list, char *word, int size)
{
	const char *start = *list + strspn(*list, " ");
	int n = (int)strcspn(start, " ");

	if (n == 0)
		return NULL;
	snprintf(word, (size_t)size, "%.*s", n, start);
	*list = start + n;
	return word;
}

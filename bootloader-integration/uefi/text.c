/* SPDX-License-Identifier: BSD-2-Clause */
#include "text.h"

#include "core/mem.h"

size_t text_length(const char *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

bool text_same(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return lower(*a) == lower(*b);
}

bool text_ends(const char *text, const char *end)
{
	size_t n = text_length(text), m = text_length(end);

	return n >= m && text_same(text + n - m, end);
}

bool text_begins(const char *text, const char *start)
{
	while (*start && lower(*text) == lower(*start)) {
		text++;
		start++;
	}
	return !*start;
}

bool text_add(char *out, size_t size, const char *text)
{
	size_t have = text_length(out), more = text_length(text);

	if (have + more >= size)
		return false;
	memcpy(out + have, text, more + 1);
	return true;
}

bool text_take(char *out, size_t size, const char *from, size_t length)
{
	if (length >= size)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!from[i])
			return false;
	memcpy(out, from, length);
	out[length] = '\0';
	return true;
}

void text_number(uint64_t value, char out[TEXT_NUMBER])
{
	char digits[TEXT_NUMBER];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (n)
		*out++ = digits[--n];
	*out = '\0';
}

void text_hex(uint64_t value, unsigned digits, char *out)
{
	out[digits] = '\0';
	while (digits--) {
		out[digits] = "0123456789abcdef"[value & 15];
		value >>= 4;
	}
}

bool text_path(char *out, size_t size, const char *path)
{
	size_t n = 0;
	char last = '\0';

	for (bool first = true; *path || first; first = false) {
		char c = *path == '\\' ? '/' : *path;

		if (first && c != '/')
			c = '/';
		else
			path++;
		if (c == '/' && last == '/')
			continue;
		if (n + 1 >= size)
			return false;
		out[n++] = last = c;
	}
	out[n] = '\0';
	return true;
}

bool text_beside(char *out, size_t size, const char *path, const char *name)
{
	size_t folder = 0;

	for (size_t i = 0; path[i]; i++)
		if (path[i] == '/')
			folder = i + 1;
	return text_take(out, size, path, folder) && text_add(out, size, name);
}

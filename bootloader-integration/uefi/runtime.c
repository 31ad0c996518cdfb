/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The four functions a compiler may call. Loops over single bytes would be
 * slow, and must not be turned into calls of these functions again: the words
 * are moved by hand, the build forbids the rest.
 */
#include "core/mem.h"

#include <stdint.h>

#define WORD sizeof(uint64_t)

typedef uint64_t __attribute__((may_alias, aligned(1))) word;

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	uint8_t *to = dst;
	const uint8_t *from = src;

	for (; n >= WORD; n -= WORD, to += WORD, from += WORD)
		*(word *)(void *)to = *(const word *)(const void *)from;
	while (n--)
		*to++ = *from++;
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	uint8_t *to = dst;
	const uint8_t *from = src;

	if (to <= from || to >= from + n)
		return memcpy(dst, src, n);
	while (n--)
		to[n] = from[n];
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	uint64_t pattern = (uint8_t)c * 0x0101010101010101u;
	uint8_t *to = dst;

	for (; n >= WORD; n -= WORD, to += WORD)
		*(word *)(void *)to = pattern;
	while (n--)
		*to++ = (uint8_t)c;
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

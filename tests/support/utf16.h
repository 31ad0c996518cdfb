/* SPDX-License-Identifier: BSD-2-Clause */
/* ASCII as UTF-16, for building names inside images. */
#ifndef TESTS_SUPPORT_UTF16_H
#define TESTS_SUPPORT_UTF16_H

#include <stddef.h>
#include <stdint.h>

static inline size_t utf16_put(const char *text, uint8_t *out, size_t size,
			       size_t low)
{
	size_t n = 0;

	for (; *text && n + 2 <= size; text++, n += 2) {
		out[n + low] = (uint8_t)*text;
		out[n + 1 - low] = 0;
	}
	return n;
}

/* Both return the length in bytes; no terminator. */
static inline size_t utf16_le(const char *text, uint8_t *out, size_t size)
{
	return utf16_put(text, out, size, 0);
}

static inline size_t utf16_be(const char *text, uint8_t *out, size_t size)
{
	return utf16_put(text, out, size, 1);
}

#endif

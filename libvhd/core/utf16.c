/* SPDX-License-Identifier: BSD-2-Clause */
#include "utf16.h"

#include "mem.h"

#define UNPAIRED    0xFFFFFFFFu
#define REPLACEMENT 0xFFFDu

static uint16_t unit_at(const uint8_t *p, enum vhd_utf16_order order)
{
	if (order == VHD_UTF16_LE)
		return (uint16_t)(p[0] | p[1] << 8);
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* the code point at unit *i of n; UNPAIRED for half a pair; advances *i */
static uint32_t next_code_point(const uint8_t *text, size_t n,
				enum vhd_utf16_order order, size_t *i)
{
	uint32_t high = unit_at(text + 2 * (*i)++, order), low;

	if (high < 0xD800 || high > 0xDFFF)
		return high;
	if (high > 0xDBFF || *i >= n)
		return UNPAIRED;
	low = unit_at(text + 2 * *i, order);
	if (low < 0xDC00 || low > 0xDFFF)
		return UNPAIRED;
	(*i)++;
	return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

size_t vhd_utf8_put(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xC0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3F));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xE0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3F));
		out[2] = (char)(0x80 | (c & 0x3F));
		return 3;
	}
	out[0] = (char)(0xF0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3F));
	out[2] = (char)(0x80 | (c >> 6 & 0x3F));
	out[3] = (char)(0x80 | (c & 0x3F));
	return 4;
}

/* appends if it fits beside the final NUL */
static bool append(char *out, size_t size, size_t *used, uint32_t c)
{
	char utf8[4];
	size_t n = vhd_utf8_put(c, utf8);

	if (*used + n >= size)
		return false;
	memcpy(out + *used, utf8, n);
	*used += n;
	return true;
}

bool vhd_utf16_strict(const uint8_t *text, size_t bytes,
		      enum vhd_utf16_order order, char *out, size_t size)
{
	size_t n = bytes / 2, used = 0;

	if (!size)
		return false;
	while (n && unit_at(text + 2 * (n - 1), order) == 0)
		n--;
	for (size_t i = 0; i < n;) {
		uint32_t c = next_code_point(text, n, order, &i);

		if (c == 0 || c == UNPAIRED || !append(out, size, &used, c))
			return false;
	}
	out[used] = '\0';
	return true;
}

void vhd_utf16_display(const uint8_t *text, size_t bytes,
		       enum vhd_utf16_order order, char *out, size_t size)
{
	size_t n = bytes / 2, used = 0;

	if (!size)
		return;
	for (size_t i = 0; i < n;) {
		uint32_t c = next_code_point(text, n, order, &i);

		if (c == 0)
			break;
		if (c == UNPAIRED)
			c = REPLACEMENT;
		else if (c < 0x20 || (c >= 0x7F && c < 0xA0))
			c = '?';
		if (!append(out, size, &used, c))
			break;
	}
	out[used] = '\0';
}

/* the code point at *s, advancing it; UNPAIRED if malformed */
static uint32_t next_utf8(const uint8_t **s)
{
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *p = *s;
	unsigned n = p[0] < 0x80       ? 1
		     : p[0] >> 5 == 6  ? 2
		     : p[0] >> 4 == 14 ? 3
		     : p[0] >> 3 == 30 ? 4
				       : 0;
	uint32_t c = n < 2 ? p[0] : p[0] & (0x7Fu >> n);

	if (!n)
		return UNPAIRED;
	for (unsigned i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return UNPAIRED;
		c = c << 6 | (p[i] & 0x3F);
	}
	*s = p + n;
	if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
		return UNPAIRED;
	return c;
}

static void put_unit(uint8_t *out, uint32_t unit, enum vhd_utf16_order order)
{
	out[order == VHD_UTF16_LE ? 0 : 1] = (uint8_t)unit;
	out[order == VHD_UTF16_LE ? 1 : 0] = (uint8_t)(unit >> 8);
}

size_t vhd_utf16_encode(const char *text, enum vhd_utf16_order order,
			uint8_t *out, size_t room)
{
	const uint8_t *in = (const uint8_t *)text;
	size_t used = 0;

	while (*in) {
		uint32_t c = next_utf8(&in);
		size_t bytes = c < 0x10000 ? 2 : 4;

		if (c == UNPAIRED || room - used < bytes)
			return 0;
		if (bytes == 4) {
			put_unit(out + used, 0xD800 + ((c - 0x10000) >> 10),
				 order);
			c = 0xDC00 + ((c - 0x10000) & 0x3FF);
			used += 2;
		}
		put_unit(out + used, c, order);
		used += 2;
	}
	return used;
}

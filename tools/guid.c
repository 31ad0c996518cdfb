/* SPDX-License-Identifier: BSD-2-Clause */
#include "guid.h"

#include <stdbool.h>
#include <string.h>

#define TEXT_LENGTH 36

/* for each stored byte of a VHDX, the byte in the order of reading */
static const unsigned char microsoft_order[16] = {
	3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15,
};

static int hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit = NULL;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	if (c)
		digit = strchr(digits, c);
	return digit ? (int)(digit - digits) : -1;
}

/* 16 bytes in the order of reading */
static bool parse_bytes(const char *text, unsigned char bytes[16])
{
	size_t count = 0;

	for (size_t i = 0; i < TEXT_LENGTH;) {
		bool hyphen = i == 8 || i == 13 || i == 18 || i == 23;
		int high, low;

		if (hyphen) {
			if (text[i++] != '-')
				return false;
			continue;
		}
		high = hex_value(text[i]);
		low = high < 0 ? -1 : hex_value(text[i + 1]);
		if (low < 0)
			return false;
		bytes[count++] = (unsigned char)(high << 4 | low);
		i += 2;
	}
	return true;
}

const char *guid_parse(const char *text, int format, struct vhd_guid *out)
{
	unsigned char bytes[16], any = 0;
	size_t length = strlen(text);

	if (length == TEXT_LENGTH + 2 && text[0] == '{' &&
	    text[length - 1] == '}') {
		text++;
		length -= 2;
	}
	if (length != TEXT_LENGTH || !parse_bytes(text, bytes))
		return "not a GUID; one looks like "
		       "12345678-9abc-4def-8123-456789abcdef";
	for (size_t i = 0; i < sizeof(bytes); i++)
		any |= bytes[i];
	if (!any)
		return "the null GUID is no identity";
	for (size_t i = 0; i < sizeof(bytes); i++)
		out->b[i] = format == VHD_FORMAT_VHDX
				    ? bytes[microsoft_order[i]]
				    : bytes[i];
	return NULL;
}

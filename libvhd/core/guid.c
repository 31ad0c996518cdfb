/* SPDX-License-Identifier: BSD-2-Clause */
#include "guid.h"

#include "mem.h"

/* which stored byte each pair of hex digits shows; -1 is a hyphen */
static const signed char order_ms[20] = {3,  2, 1, 0,  -1, 5,  4,  -1, 7,  6,
					 -1, 8, 9, -1, 10, 11, 12, 13, 14, 15};
static const signed char order_be[20] = {0,  1, 2, 3,  -1, 4,  5,  -1, 6,  7,
					 -1, 8, 9, -1, 10, 11, 12, 13, 14, 15};

bool vhd_guid_equal(const struct vhd_guid *a, const struct vhd_guid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool vhd_guid_is_null(const struct vhd_guid *guid)
{
	uint8_t any = 0;

	for (int i = 0; i < 16; i++)
		any |= guid->b[i];
	return !any;
}

static void put_text(const struct vhd_guid *guid, const signed char *order,
		     char *text)
{
	static const char hex[] = "0123456789abcdef";

	for (int i = 0; i < 20; i++) {
		if (order[i] < 0) {
			*text++ = '-';
			continue;
		}
		*text++ = hex[guid->b[order[i]] >> 4];
		*text++ = hex[guid->b[order[i]] & 15];
	}
	*text = '\0';
}

void vhd_guid_text(const struct vhd_guid *guid, char text[VHD_GUID_TEXT])
{
	put_text(guid, order_ms, text);
}

void vhd_guid_text_be(const struct vhd_guid *guid, char text[VHD_GUID_TEXT])
{
	put_text(guid, order_be, text);
}

static bool is_version(uint8_t byte)
{
	return byte >> 4 >= 1 && byte >> 4 <= 5;
}

void vhd1_id_text(const struct vhd_guid *id, char text[VHD_GUID_TEXT])
{
	bool ms = !is_version(id->b[6]) && is_version(id->b[7]) &&
		  id->b[8] >> 6 == 2;

	put_text(id, ms ? order_ms : order_be, text);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool vhd_guid_parse(const char *text, size_t len, struct vhd_guid *out)
{
	struct vhd_guid guid;

	if (len == 38 && text[0] == '{' && text[37] == '}') {
		text++;
		len -= 2;
	}
	if (len != 36)
		return false;
	for (int i = 0; i < 20; i++) {
		int hi, lo;

		if (order_ms[i] < 0) {
			if (*text++ != '-')
				return false;
			continue;
		}
		hi = hex_value(*text++);
		lo = hex_value(*text++);
		if (hi < 0 || lo < 0)
			return false;
		guid.b[order_ms[i]] = (uint8_t)(hi << 4 | lo);
	}
	*out = guid;
	return true;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "size.h"

#include <ctype.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char units[] = "KMGTP";

/* Bits to shift for a suffix, or -1 if it is none. */
static int suffix_shift(const char *suffix)
{
	const char *unit;

	if (!*suffix || strcasecmp(suffix, "B") == 0)
		return 0;
	unit = strchr(units, toupper((unsigned char)*suffix));
	if (!unit)
		return -1;
	suffix++;
	if (*suffix && strcasecmp(suffix, "B") != 0 &&
	    strcasecmp(suffix, "iB") != 0)
		return -1;
	return 10 * (int)(unit - units + 1);
}

const char *size_parse(const char *text, uint64_t *bytes)
{
	uint64_t value = 0;
	const char *p = text;
	int shift;

	for (; *p >= '0' && *p <= '9'; p++) {
		uint64_t digit = (uint64_t)(*p - '0');

		if (value > (UINT64_MAX - digit) / 10)
			return "too large";
		value = value * 10 + digit;
	}
	if (p == text)
		return "not a size";
	shift = suffix_shift(p);
	if (shift < 0)
		return "not a size; units are K, M, G, T and P";
	if (value > UINT64_MAX >> shift)
		return "too large";
	*bytes = value << shift;
	return NULL;
}

const char *size_text(uint64_t bytes, char buf[SIZE_TEXT_SIZE])
{
	size_t unit = strlen(units);
	uint64_t one;

	while (unit > 0 && bytes >> (10 * unit) == 0)
		unit--;
	one = (uint64_t)1 << (10 * unit);
	if (unit == 0)
		snprintf(buf, SIZE_TEXT_SIZE, "%" PRIu64 " bytes", bytes);
	else if (bytes % one == 0)
		snprintf(buf, SIZE_TEXT_SIZE, "%" PRIu64 " %ciB", bytes / one,
			 units[unit - 1]);
	else
		snprintf(buf, SIZE_TEXT_SIZE, "%.2f %ciB",
			 (double)bytes / (double)one, units[unit - 1]);
	return buf;
}

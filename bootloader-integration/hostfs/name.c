/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names are compared as UTF-16 in upper case. The table for that is short: the
 * alphabets whose two cases lie at a fixed distance. exFAT's own table is not
 * read; a name in another script has to be written as it is stored.
 */
#include "core/bytes.h"
#include "core/mem.h"
#include "core/utf16.h"
#include "parts.h"

uint16_t hostfs_fold(uint16_t u)
{
	static const struct {
		uint16_t first, last, distance;
	} ranges[] = {
		{'a', 'z', 0x20},     {0xe0, 0xf6, 0x20},
		{0xf8, 0xfe, 0x20},   {0x3b1, 0x3c1, 0x20},
		{0x3c3, 0x3cb, 0x20}, {0x430, 0x44f, 0x20},
		{0x450, 0x45f, 0x50},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (u >= ranges[i].first && u <= ranges[i].last)
			return (uint16_t)(u - ranges[i].distance);
	return u;
}

uint16_t hostfs_name_unit(const struct hostfs *fs, uint32_t i)
{
	le16 unit;

	if (i >= fs->name_units)
		return 0;
	memcpy(&unit, fs->name + (size_t)i * 2, 2);
	return hostfs_fold(le16_get(unit));
}

static bool is_separator(char c)
{
	return c == '/' || c == '\\';
}

static size_t component_length(const char *path)
{
	size_t n = 0;

	while (path[n] && !is_separator(path[n]))
		n++;
	return n;
}

/* past separators and "." */
static const char *component_start(const char *path)
{
	for (;;) {
		while (is_separator(*path))
			path++;
		if (path[0] != '.' || component_length(path) != 1)
			return path;
		path++;
	}
}

int hostfs_name_next(struct hostfs *fs, const char **path)
{
	const char *name = component_start(*path);
	size_t n = component_length(name);

	*path = name + n;
	if (!n)
		return 0;
	if (n >= sizeof(fs->text) || (n == 2 && !memcmp(name, "..", 2)))
		return VHD_E_INVALID;
	memcpy(fs->text, name, n);
	fs->text[n] = '\0';
	fs->name_units =
		(uint32_t)(vhd_utf16_encode(fs->text, VHD_UTF16_LE, fs->name,
					    sizeof(fs->name)) /
			   2);
	return fs->name_units ? 1 : VHD_E_INVALID;
}

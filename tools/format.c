/* SPDX-License-Identifier: BSD-2-Clause */
#include "format.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct name {
	const char *text;
	int format;
};

static const struct name names[] = {
	{"raw", VHD_FORMAT_RAW},
	{"vhd", VHD_FORMAT_VHD},
	{"vhdx", VHD_FORMAT_VHDX},
};

static const struct name extensions[] = {
	{".vhd", VHD_FORMAT_VHD},   {".avhd", VHD_FORMAT_VHD},
	{".vhdx", VHD_FORMAT_VHDX}, {".avhdx", VHD_FORMAT_VHDX},
	{".raw", VHD_FORMAT_RAW},   {".img", VHD_FORMAT_RAW},
};

int format_from_name(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].text, name) == 0)
			return names[i].format;
	}
	return 0;
}

const char *format_name(int format)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].format == format)
			return names[i].text;
	}
	return "unknown";
}

const char *format_type_name(int type)
{
	switch (type) {
	case VHD_TYPE_FIXED:
		return "fixed";
	case VHD_TYPE_DYNAMIC:
		return "dynamic";
	case VHD_TYPE_DIFFERENCING:
		return "differencing";
	}
	return "unknown";
}

int format_from_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *dot = strrchr(slash ? slash : path, '.');

	if (!dot)
		return 0;
	for (size_t i = 0; i < sizeof(extensions) / sizeof(extensions[0]);
	     i++) {
		if (strcasecmp(extensions[i].text, dot) == 0)
			return extensions[i].format;
	}
	return 0;
}

static bool has_magic(struct vhd_file *file, uint64_t offset,
		      const char magic[8])
{
	char found[8];

	return vhd_file_read(file, offset, found, sizeof(found)) == 0 &&
	       memcmp(found, magic, sizeof(found)) == 0;
}

int format_from_content(struct vhd_file *file)
{
	uint64_t size;

	if (vhd_file_size(file, &size) || size < 512)
		return 0;
	if (has_magic(file, 0, "vhdxfile"))
		return VHD_FORMAT_VHDX;
	/* 511 bytes: footers of programs before Virtual PC 2004 */
	if (has_magic(file, size - 512, "conectix") ||
	    has_magic(file, size - 511, "conectix") ||
	    has_magic(file, 0, "conectix"))
		return VHD_FORMAT_VHD;
	return 0;
}

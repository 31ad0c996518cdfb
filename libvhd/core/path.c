/* SPDX-License-Identifier: BSD-2-Clause */
#include "path.h"

static size_t length(const char *s)
{
	size_t n = 0;

	while (s[n])
		n++;
	return n;
}

static bool starts_with(const char *s, const char *prefix)
{
	while (*prefix)
		if (*s++ != *prefix++)
			return false;
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

const char *vhd_path_base(const char *path)
{
	const char *base = path;

	for (; *path; path++)
		if (*path == '/')
			base = path + 1;
	return base;
}

/* removes "." components and doubled separators; keeps a leading "/" or "//" */
static void squeeze(char *path, size_t keep)
{
	char *out = path + keep, *in = path + keep;

	while (*in) {
		if (*in == '/' && (out == path || out[-1] == '/')) {
			in++;
		} else if (in[0] == '.' && (in[1] == '/' || !in[1]) &&
			   (out == path || out[-1] == '/')) {
			in += in[1] ? 2 : 1;
		} else {
			*out++ = *in++;
		}
	}
	*out = '\0';
}

int vhd_path_normalise(char *path)
{
	const char *base;
	int kind = VHD_PATH_RELATIVE;

	for (char *p = path; *p; p++)
		if (*p == '\\')
			*p = '/';
	if (starts_with(path, "//") || (is_letter(path[0]) && path[1] == ':'))
		kind = VHD_PATH_FOREIGN;
	else if (path[0] == '/')
		kind = VHD_PATH_ABSOLUTE;
	squeeze(path, kind == VHD_PATH_RELATIVE ? 0 : 1);
	base = vhd_path_base(path);
	if (!*base ||
	    (base[0] == '.' && (!base[1] || (base[1] == '.' && !base[2]))))
		return 0;
	return kind;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool vhd_path_from_url(char *url)
{
	static const char scheme[] = "file://", host[] = "localhost/";
	char *in = url + sizeof(scheme) - 1, *out = url;

	if (!starts_with(url, scheme))
		return false;
	if (starts_with(in, host))
		in += sizeof(host) - 2;
	if (*in != '/' && *in != '.') /* another host */
		return false;
	while (*in) {
		int hi, lo;

		if (*in != '%') {
			*out++ = *in++;
			continue;
		}
		hi = hex_digit(in[1]);
		lo = hi < 0 ? -1 : hex_digit(in[2]);
		if (lo < 0 || !(hi | lo))
			return false;
		*out++ = (char)(hi << 4 | lo);
		in += 3;
	}
	*out = '\0';
	return length(url) > 0;
}

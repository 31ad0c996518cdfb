/* SPDX-License-Identifier: BSD-2-Clause */
#include "rootname.h"

#include <string.h>

#define ATTRIBUTES 4

static const char *const tags[] = {"PARTUUID", "UUID", "LABEL", "PARTLABEL"};

/* "TAG=value" or "/dev/...", up to `length` */
static const char *take_volume(const char *text, size_t length,
			       struct root_name *out)
{
	const char *value = text;

	out->tag[0] = '\0';
	if (strncmp(text, "/dev/", 5) != 0) {
		size_t i, n = strcspn(text, "=");

		for (i = 0; i < sizeof(tags) / sizeof(*tags); i++)
			if (strlen(tags[i]) == n &&
			    memcmp(tags[i], text, n) == 0)
				break;
		if (n >= length || i == sizeof(tags) / sizeof(*tags))
			return "names no volume: it begins with PARTUUID=, "
			       "UUID=, LABEL=, PARTLABEL= or /dev/";
		strcpy(out->tag, tags[i]);
		value += n + 1;
	}
	length -= (size_t)(value - text);
	if (!length || length >= sizeof(out->volume))
		return "names a volume by a text that is empty or too long";
	memcpy(out->volume, value, length);
	out->volume[length] = '\0';
	return NULL;
}

/* True if a component of the path is "..". */
static int climbs(const char *path)
{
	for (; path; path = strchr(path, '/')) {
		path += strspn(path, "/");
		if (strncmp(path, "..", 2) == 0 && (path[2] == '/' || !path[2]))
			return 1;
	}
	return 0;
}

const char *root_path_fault(const char *path)
{
	size_t length = strlen(path);

	if (path[0] != '/' || path[length - 1] == '/')
		return "is no path of a file: it begins with / and has a name "
		       "at its end";
	if (climbs(path))
		return "leaves the volume with ..";
	return NULL;
}

const char *root_name_parse(const char *text, struct root_name *out)
{
	const char *colon = strstr(text, ":/");
	const char *fault;

	if (!colon)
		return "has no :/ between volume and path";
	fault = take_volume(text, (size_t)(colon - text), out);
	if (fault)
		return fault;
	if (strlen(colon + 1) >= sizeof(out->path))
		return "has a path that is too long";
	strcpy(out->path, colon + 1);
	return root_path_fault(out->path);
}

const char *root_name_from_efi(const void *bytes, size_t size,
			       struct root_name *out)
{
	char text[sizeof(out->volume) + sizeof(out->path)];

	if (size < ATTRIBUTES || size - ATTRIBUTES >= sizeof(text))
		return "has an impossible size";
	size -= ATTRIBUTES;
	memcpy(text, (const char *)bytes + ATTRIBUTES, size);
	text[size] = '\0';
	if (strlen(text) != size)
		return "has a zero in it";
	return root_name_parse(text, out);
}

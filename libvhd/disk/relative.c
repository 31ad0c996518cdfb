/* SPDX-License-Identifier: BSD-2-Clause */
/* How one file names another relative to the folder it lies in. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libvhd/disk.h>

#include "file/file.h"

/* The folder a path lies in, absolute and resolved; NULL with errno. */
static char *real_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder, *real;

	if (!slash)
		folder = strdup(".");
	else
		folder = strndup(path,
				 slash == path ? 1 : (size_t)(slash - path));
	real = folder ? realpath(folder, NULL) : NULL;
	free(folder);
	return real;
}

static const char *last_component(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Length of the part two folders have in common, on whole components. */
static size_t common_length(const char *a, const char *b)
{
	size_t common = 0;

	for (size_t i = 0;; i++) {
		bool end_a = !a[i] || a[i] == '/', end_b = !b[i] || b[i] == '/';

		if (end_a && end_b)
			common = i;
		if (!a[i] || a[i] != b[i])
			return common;
	}
}

/* "../" for each component, put at `out`; returns where that ends */
static char *put_ups(char *out, const char *folder)
{
	while (*folder) {
		folder += strspn(folder, "/");
		if (!*folder)
			break;
		out = stpcpy(out, "../");
		folder += strcspn(folder, "/");
	}
	return out;
}

static char *join(const char *from, const char *to, const char *name)
{
	size_t common = common_length(from, to);
	/* a component of one letter becomes "../" */
	char *out = calloc(1, 2 * strlen(from) + strlen(to) + strlen(name) + 4);
	char *at;

	if (!out)
		return NULL;
	at = put_ups(out, from + common);
	to += common;
	to += strspn(to, "/");
	if (*to)
		at = stpcpy(stpcpy(at, to), "/");
	stpcpy(at, name);
	return out;
}

int vhd_relative_path(const char *from, const char *target, char **out)
{
	char *from_folder = real_folder(from), *to_folder = NULL, *name = NULL;
	int rc;

	if (from_folder)
		to_folder = real_folder(target);
	if (to_folder)
		name = join(from_folder, to_folder, last_component(target));
	rc = name ? 0 : vhd_error_of_errno(errno);
	free(from_folder);
	free(to_folder);
	if (name)
		*out = name;
	return rc;
}

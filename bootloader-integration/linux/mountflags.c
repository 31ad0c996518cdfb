/* SPDX-License-Identifier: BSD-2-Clause */
#include "mountflags.h"

#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>

static const struct word {
	const char *name;
	unsigned long set, clear;
} words[] = {
	{"ro", MS_RDONLY, 0},
	{"rw", 0, MS_RDONLY},
	{"sync", MS_SYNCHRONOUS, 0},
	{"async", 0, MS_SYNCHRONOUS},
	{"dirsync", MS_DIRSYNC, 0},
	{"noatime", MS_NOATIME, MS_RELATIME},
	{"atime", 0, MS_NOATIME},
	{"relatime", MS_RELATIME, MS_NOATIME},
	{"strictatime", MS_STRICTATIME, MS_NOATIME | MS_RELATIME},
	{"nodiratime", MS_NODIRATIME, 0},
	{"lazytime", MS_LAZYTIME, 0},
	{"nolazytime", 0, MS_LAZYTIME},
	{"nodev", MS_NODEV, 0},
	{"dev", 0, MS_NODEV},
	{"nosuid", MS_NOSUID, 0},
	{"suid", 0, MS_NOSUID},
	{"noexec", MS_NOEXEC, 0},
	{"exec", 0, MS_NOEXEC},
	{"defaults", 0, 0},
};

static bool take_flag(const char *word, size_t length, unsigned long *flags)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strlen(words[i].name) != length ||
		    memcmp(words[i].name, word, length) != 0)
			continue;
		*flags = (*flags & ~words[i].clear) | words[i].set;
		return true;
	}
	return false;
}

int mount_flags_parse(const char *options, unsigned long *flags, char *data,
		      size_t size)
{
	size_t used = strlen(data);

	while (*options) {
		size_t length = strcspn(options, ",");

		if (length && !take_flag(options, length, flags)) {
			if (used + length + 2 > size)
				return -1;
			if (used)
				data[used++] = ',';
			memcpy(data + used, options, length);
			used += length;
			data[used] = '\0';
		}
		options += length + (options[length] == ',');
	}
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device number is taken from the kernel's list of mounts: asking for the
 * mount point itself would be a request to ourselves, before anybody answers.
 */
#include "readahead.h"

#include <stdio.h>
#include <string.h>

#define KIB "1024"

/* "36 35 0:42 / /mnt/dir rw ..."; the last one of that name counts */
static int find_device(const char *mountpoint, char *device, size_t size)
{
	FILE *list = fopen("/proc/self/mountinfo", "re");
	char line[8192], number[32], path[4096];
	int found = 0;

	if (!list)
		return 0;
	while (fgets(line, sizeof(line), list)) {
		if (sscanf(line, "%*d %*d %31s %*s %4095s", number, path) !=
			    2 ||
		    strcmp(path, mountpoint) != 0)
			continue;
		snprintf(device, size, "%s", number);
		found = 1;
	}
	fclose(list);
	return found;
}

void readahead_raise(const char *mountpoint)
{
	char device[32], path[96];
	FILE *file;

	if (!find_device(mountpoint, device, sizeof(device)))
		return;
	snprintf(path, sizeof(path), "/sys/class/bdi/%s/read_ahead_kb", device);
	file = fopen(path, "we");
	if (!file)
		return;
	fputs(KIB, file);
	fclose(file);
}

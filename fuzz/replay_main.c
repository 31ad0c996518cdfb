/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target once over each file of the folders given, without
 * libFuzzer: what a fuzzer has found stays found, with any compiler.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"

#define INPUT_MAX (1u << 20)

/* no fuzzer, no mutation */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room)
{
	(void)data;
	return size < room ? size : room;
}

static bool run_file(const char *path)
{
	static uint8_t bytes[INPUT_MAX];
	FILE *file = fopen(path, "rb");
	size_t n;

	if (!file) {
		perror(path);
		return false;
	}
	n = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	printf("%s\n", path);
	fflush(stdout); /* the last line names the culprit of a crash */
	LLVMFuzzerTestOneInput(bytes, n);
	return true;
}

static int run_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[4096];
	int count = 0;

	if (!dir) {
		perror(folder);
		return -1;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		count += run_file(path);
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	int count = 0;

	for (int i = 1; i < argc; i++) {
		int n = run_folder(argv[i]);

		if (n < 0)
			return 1;
		count += n;
	}
	printf("%d inputs\n", count);
	return count ? 0 : 1; /* an empty corpus is no success */
}

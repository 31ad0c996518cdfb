/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Usage: fsmap-client PATH [--read] [--at-least N] [--parent PATH] [--layer]
 * Opens the disk for writing, as compact and trim do, asks fsmap_get() about
 * it, and prints what that gives.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "escape.h"
#include "fsmap_client.h"
#include "open.h"

struct call {
	const char *path;
	struct open_options open;
	uint64_t at_least;
	uint32_t flags;
};

static void parse(int argc, char **argv, struct call *call)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--read") == 0)
			call->flags = 0;
		else if (strcmp(argv[i], "--layer") == 0)
			call->open.layer = true;
		else if (strcmp(argv[i], "--parent") == 0 && i + 1 < argc)
			call->open.parent = argv[++i];
		else if (strcmp(argv[i], "--at-least") == 0 && i + 1 < argc)
			call->at_least = strtoull(argv[++i], NULL, 10);
		else
			call->path = argv[i];
	}
}

static void print_ranges(const char *word, const struct fsmap_ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++)
		printf("%s %" PRIu64 " %" PRIu64 "\n", word,
		       ranges->items[i].start, ranges->items[i].length);
	printf("%s total %" PRIu64 "\n", word, fsmap_total(ranges));
}

static void print(const struct fsmap *map)
{
	for (size_t i = 0; i < map->fs_count; i++) {
		const struct fsmap_fs *fs = &map->fs[i];
		char *name = fsmap_fs_text(fs), *safe = escape(name);

		printf("%s: %" PRIu64 " %" PRIu64 " %" PRIu64 ": %s\n", safe,
		       fs->start, fs->length, fs->size,
		       fsmap_state_text(fs->state));
		free(safe);
		free(name);
	}
	print_ranges("unused", &map->unused);
	print_ranges("gap", &map->gaps);
}

int main(int argc, char **argv)
{
	struct call call = {.flags = VHD_DISK_WRITE};
	struct vhd_disk *disk;
	struct fsmap map;
	int rc;

	parse(argc, argv, &call);
	rc = open_disk(call.path, &call.open, call.flags, &disk);
	if (rc)
		return rc;
	rc = fsmap_get(disk, call.path, &call.open, call.at_least, &map);
	if (!rc) {
		print(&map);
		fsmap_free(&map);
	}
	vhd_disk_close(disk);
	return rc;
}

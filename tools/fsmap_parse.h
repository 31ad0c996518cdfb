/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads what vhd-fsmap says. The helper may have been taken over by the file
 * system it looked at, so nothing it says is trusted: every line is bounded and
 * must follow fsmap/protocol.h to the letter, every number must fit the disk,
 * and the number of lines has a limit. The worst that a hostile guest achieves
 * is that parts of its own disk count as unused.
 */
#ifndef TOOLS_FSMAP_PARSE_H
#define TOOLS_FSMAP_PARSE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "fsmap/protocol.h"

/* Most ranges that are kept; 16 bytes each. */
#define FSMAP_RANGES_MAX ((size_t)1 << 24)

struct fsmap_range {
	uint64_t start;
	uint64_t length;
};

struct fsmap_ranges {
	struct fsmap_range *items;
	size_t count;
	size_t room;
};

/* A partition, or a disk without any, and the file system in it. */
struct fsmap_fs {
	unsigned number; /* of the partition; 0: the whole disk */
	uint64_t start;
	uint64_t length;
	uint64_t size; /* of the file system, from `start`; 0: not known */
	char *type;    /* "ext4"; "" if it has no known signature */
	enum fsmap_state state;
	char *label; /* of the file system, any bytes; "" if none */
	char *name;  /* of the partition, likewise */
	char *uuid;  /* of the file system; "" if none */
};

struct fsmap {
	char *table; /* "gpt", "dos", ... or "none" */
	/* by rising start; a container lies over others */
	struct fsmap_fs *fs;
	size_t fs_count;
	/* by rising start, whole sectors, none touching another */
	struct fsmap_ranges unused;
	/* likewise: in no partition; see fsmap/protocol.h */
	struct fsmap_ranges gaps;
};

/* What must be said of the disk. */
struct fsmap_expected {
	uint64_t device, inode; /* of the image's file */
	uint64_t disk_size;
	uint32_t sector_size;
};

/*
 * Reads to the end of `in`. Returns NULL, or what is wrong: a phrase owned by
 * nobody, or the helper's own words, in `text`. On failure *out is untouched.
 */
const char *fsmap_parse(FILE *in, const struct fsmap_expected *expected,
			char text[FSMAP_NAME_MAX + 1], struct fsmap *out);

/* Frees what fsmap_parse() filled. */
void fsmap_free(struct fsmap *map);

#endif

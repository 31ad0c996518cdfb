/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a FAT or exFAT volume: files are found on it or refused, what is
 * found lies on the volume, covers the file and can be read, and images in it
 * are opened with their parents.
 */
#include <stdlib.h>
#include <string.h>

#include "chain.h"
#include "input.h"

#define EXTENTS   64u
#define READ_MAX  ((uint64_t)1 << 20)
#define PIECE_MAX ((size_t)4096)

static const char *const paths[] = {
	"/a.vhd",
	"/DIR/A long name, of more than 13.vhdx",
	"/dir/sub/b.vhdx",
};

static void check_extents(const struct hostfs *fs, const struct hostfs_file *f)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < f->count; i++) {
		const struct hostfs_extent *e = f->extents + i;

		if (e->start != at || !e->length)
			abort();
		at += e->length;
		if (e->offset != HOSTFS_ZEROS &&
		    (e->offset > fs->volume.size ||
		     e->length > fs->volume.size - e->offset))
			abort();
	}
	if (at != f->size)
		abort();
}

static void read_some(const struct hostfs *fs, const struct hostfs_file *f)
{
	static uint8_t buf[PIECE_MAX];

	for (uint64_t at = 0; at < f->size && at < READ_MAX; at += PIECE_MAX) {
		uint64_t left = f->size - at;
		size_t n = left < PIECE_MAX ? (size_t)left : PIECE_MAX;

		if (hostfs_read(&fs->volume, f, at, buf, n))
			abort();
	}
}

static void try_path(struct hostfs *fs, const char *path)
{
	static struct hostfs_extent extents[EXTENTS];
	struct hostfs_file file = {.extents = extents, .room = EXTENTS};
	struct vhd_diag diag = {0};
	struct chain chain;

	if (!hostfs_find(fs, path, &file, &diag)) {
		check_extents(fs, &file);
		read_some(fs, &file);
	} else if (!diag.error) {
		abort();
	}
	if (!chain_open(fs, path, &chain, &diag))
		chain_close(&chain);
}

/* whatever it is, it ends */
static void try_label(struct hostfs *fs)
{
	char label[HOSTFS_LABEL];

	if (!hostfs_label(fs, label) && strlen(label) >= sizeof(label))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hostfs fs;
	struct vhd_source source;
	struct input in;

	if (!input_decode(data, size, &in))
		return 0;
	source = sparse_source(in.file);
	if (!hostfs_open(&fs, &source, NULL)) {
		try_label(&fs);
		for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
			try_path(&fs, paths[i]);
	}
	sparse_free(in.file);
	return 0;
}

static void no_sums(struct input *in)
{
	(void)in;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room,
			       unsigned seed)
{
	return input_mutate(data, size, room, seed, no_sums);
}

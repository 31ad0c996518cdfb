/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the UEFI loader reads, on the host:
 *
 *   loader_read BLOCK VOLUME PATH         a file, to stdout
 *   loader_read BLOCK VOLUME --disk PATH  the disk in an image, likewise
 *   loader_read BLOCK VOLUME --label      the volume's label
 *
 * through blocks of BLOCK bytes of the volume, which is a file. stderr has one
 * line: the number of the file's pieces, or what is wrong (exit status 1).
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blocks.h"
#include "chain.h"
#include "memory.h"

#define PIECE   ((size_t)300001) /* nothing is aligned to that */
#define EXTENTS 8u

static int file = -1;

static int read_blocks(void *ctx, uint64_t block, void *buf, size_t bytes)
{
	const struct blocks *b = ctx;
	ssize_t n = pread(file, buf, bytes, (off_t)(block * b->size));

	return n == (ssize_t)bytes ? 0 : VHD_E_IO;
}

static int start(struct blocks *b, const char *size, const char *path,
		 struct vhd_diag *diag)
{
	struct stat st;

	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0 || fstat(file, &st)) {
		perror(path);
		exit(2);
	}
	*b = (struct blocks){
		.ctx = b,
		.read = read_blocks,
		.size = (uint32_t)atoi(size),
		.align = 64,
	};
	b->count = (uint64_t)st.st_size / b->size;
	return blocks_start(b, diag);
}

static int put(const void *buf, size_t n)
{
	return fwrite(buf, 1, n, stdout) == n ? 0 : VHD_E_IO;
}

/* -- a file ------------------------------------------------------------------
 */

/* little room at first: the second question has to know how much */
static int find(struct hostfs *fs, const char *path, struct hostfs_file *f,
		struct vhd_diag *diag)
{
	int rc;

	f->room = EXTENTS;
	f->extents = memory_get(f->room * sizeof(*f->extents));
	rc = hostfs_find(fs, path, f, diag);
	if (rc != VHD_E_LIMIT)
		return rc;
	f->room = f->count;
	memory_put(f->extents);
	f->extents = memory_get(f->room * sizeof(*f->extents));
	return hostfs_find(fs, path, f, diag);
}

static int show_file(struct hostfs *fs, const char *path, struct vhd_diag *diag)
{
	struct hostfs_file f = {0};
	uint8_t *buf = memory_get(PIECE);
	int rc = find(fs, path, &f, diag);
	size_t n;

	for (uint64_t at = 0; !rc && at < f.size; at += n) {
		n = f.size - at < PIECE ? (size_t)(f.size - at) : PIECE;
		rc = hostfs_read(&fs->volume, &f, at, buf, n);
		if (!rc)
			rc = put(buf, n);
	}
	if (!rc)
		fprintf(stderr, "%u\n", f.count);
	memory_put(buf);
	memory_put(f.extents);
	return rc;
}

/* -- a disk ------------------------------------------------------------------
 */

static int show_chain(struct chain *chain)
{
	struct vhd_boot *boot = chain->leaf->boot;
	uint64_t size = vhd_boot_disk_size(boot);
	uint8_t *buf = memory_get(PIECE);
	size_t n;
	int rc = 0;

	for (uint64_t at = 0; !rc && at < size; at += n) {
		n = size - at < PIECE ? (size_t)(size - at) : PIECE;
		rc = vhd_boot_read(boot, at, buf, n);
		if (!rc)
			rc = put(buf, n);
	}
	if (!rc)
		fprintf(stderr, "%u layers\n", chain->depth);
	memory_put(buf);
	return rc;
}

static int show_disk(struct hostfs *fs, const char *path, struct vhd_diag *diag)
{
	struct chain chain;
	int rc = chain_open(fs, path, &chain, diag);

	if (rc)
		return rc;
	rc = show_chain(&chain);
	chain_close(&chain);
	return rc;
}

static int show_label(struct hostfs *fs)
{
	char label[HOSTFS_LABEL];
	int rc = hostfs_label(fs, label);

	if (!rc)
		rc = put(label, strlen(label));
	return rc;
}

/* what the last arguments ask for */
static int show(struct hostfs *fs, char **argv, struct vhd_diag *diag)
{
	if (strcmp(argv[0], "--label") == 0)
		return show_label(fs);
	return argv[1] ? show_disk(fs, argv[1], diag)
		       : show_file(fs, argv[0], diag);
}

int main(int argc, char **argv)
{
	static struct hostfs fs;
	struct vhd_diag diag = {0};
	struct vhd_source source;
	struct blocks blocks;
	int rc;

	if (argc < 4)
		return 2;
	rc = start(&blocks, argv[1], argv[2], &diag);
	if (!rc) {
		source = blocks_source(&blocks);
		rc = hostfs_open(&fs, &source, &diag);
	}
	if (!rc)
		rc = show(&fs, argv + 3, &diag);
	if (rc)
		fprintf(stderr, "%s%s%s\n", diag.path, diag.path[0] ? ": " : "",
			diag.text[0] ? diag.text : vhd_strerror(rc));
	blocks_stop(&blocks);
	close(file);
	return rc ? 1 : 0;
}

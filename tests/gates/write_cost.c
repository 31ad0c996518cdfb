/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest's flush costs: flushes of the file, and bytes that are not the
 * guest's. Both are counted, and both are exact.
 *
 *   flushes   with no new block 1; with N new blocks 1 if their space is known
 *             to be zeros, else 2, whatever N is
 *   VHDX      a log entry (4 KiB and the changed pages), the pages at home; in
 *             a child also the bitmaps' pages
 *   VHD       the sectors of the table that changed. Dynamic: a bitmap of 512
 *             bytes a new block, written when its space is reserved, 32 blocks
 *             at a time, with a new footer and zeros over the old one; none
 *             for a block that is all ones already, however often the guest
 *             goes from block to block. In a child: the bitmaps' sectors
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/player.h"
#include "support/vhd1_image.h"
#include "support/vhdx_image.h"

#define BLOCK ((uint64_t)1 << 20)
#define DISK  (512 * BLOCK)
#define PIECE 4096u

struct cost {
	uint64_t flushes;
	uint64_t metadata;
};

static struct powercut *power;
static struct vhd_disk *disk;

/* 4 KiB into each of `count` blocks from `first` on, and a flush */
static struct cost write_blocks(uint64_t first, uint64_t count)
{
	static const uint8_t data[PIECE] = {1};
	uint64_t flushes = powercut_flushes(power);
	uint64_t bytes = powercut_bytes(power);
	int rc = 0;

	for (uint64_t b = first; b < first + count && !rc; b++)
		rc = vhd_disk_write(disk, b * BLOCK, data, PIECE, NULL);
	if (rc || vhd_disk_flush(disk, NULL))
		exit(1);
	return (struct cost){
		powercut_flushes(power) - flushes,
		powercut_bytes(power) - bytes - count * PIECE,
	};
}

/* blocks of 1 MiB, so that a bitmap of a VHD has one sector */
static struct sparse *make_vhdx(bool child)
{
	static const struct vhdx_key keys[] = {
		{"parent_linkage", "{00112233-4455-4677-8899-AABBCCDDEEFF}"},
		{"relative_path", "parent.vhdx"},
	};
	const struct vhdx_spec spec = {
		.size = DISK,
		.block_size = BLOCK,
		.keys = child ? keys : NULL,
		.key_count = child ? 2 : 0,
	};

	return vhdx_image_new(&spec).file;
}

static struct sparse *make_vhd(bool child)
{
	const struct vhd1_spec spec = {
		.type = child ? VHD_TYPE_DIFFERENCING : VHD_TYPE_DYNAMIC,
		.size = DISK,
		.block_size = BLOCK,
		.parent_name = child ? "parent.vhd" : NULL,
	};

	return vhd1_image_new(&spec).file;
}

/* 4 KiB into each of these blocks and a flush, one row after the other */
struct row {
	const char *what;
	uint64_t first, count;
	struct cost cost;
};

/* of a child's bitmaps and of the log, in which they are too */
#define PAGE   4096u
#define SECTOR 512u
/* a VHD grows: footer, and zeros where it was */
#define GROWTH (2 * SECTOR)

static const struct row vhdx_rows[] = {
	{"no new block", 0, 1, {1, 0}},
	{"one new block", 1, 1, {1, 3 * PAGE}},
	{"8 new blocks", 2, 8, {1, 3 * PAGE}},
	{"64 new blocks", 10, 64, {1, 3 * PAGE}},
	{"64 more", 74, 64, {1, 3 * PAGE}},
	{"300 new blocks", 138, 300, {1, 3 * PAGE}},
	{"438 old blocks", 0, 438, {1, 0}},
};

/* all bits of a chunk of 4 GiB lie in one block, those of 16 blocks in a page;
 * entry: bitmap pages, table page; all of them home too */
static const struct row vhdx_child_rows[] = {
	{"no new block", 0, 1, {1, 0}},
	{"one new block", 1, 1, {2, 5 * PAGE}},
	{"64 new blocks", 16, 64, {2, (1 + 2 * 5) * PAGE}},
	{"64 more", 80, 64, {2, (1 + 2 * 5) * PAGE}},
	{"64 old blocks", 80, 64, {1, 0}},
};

/* table entries begin at byte 1536: 128 in a sector, from block 0 on */
static const struct row vhd_rows[] = {
	{"no new block", 0, 1, {1, 0}},
	{"one new block, reserved", 1, 1, {1, SECTOR}},
	{"8 new blocks, reserved", 2, 8, {1, SECTOR}},
	{"64 new blocks", 10, 64, {2, 64 * SECTOR + 2 * GROWTH + SECTOR}},
	{"64 more", 74, 64, {2, 64 * SECTOR + 2 * GROWTH + 2 * SECTOR}},
	{"300 new blocks", 138, 300, {2, (9 * 32 + 3) * SECTOR + 9 * GROWTH}},
	{"438 old blocks", 0, 438, {1, 0}},
};

static const struct row vhd_child_rows[] = {
	{"no new block", 0, 1, {1, 0}},
	{"one new block", 1, 1, {2, 2 * SECTOR}},
	{"64 new blocks", 80, 64, {2, (64 + 2) * SECTOR + 2 * GROWTH}},
	{"64 old blocks", 80, 64, {1, 0}},
};

/* 0 if the row's figures are what they must be */
static int judge(const char *name, const struct row *row)
{
	struct cost cost = write_blocks(row->first, row->count);
	bool good = cost.flushes == row->cost.flushes &&
		    cost.metadata == row->cost.metadata;

	printf("%s, %s: flushes %" PRIu64 " of %" PRIu64 ", metadata %" PRIu64
	       " of %" PRIu64 "%s\n",
	       name, row->what, cost.flushes, row->cost.flushes, cost.metadata,
	       row->cost.metadata, good ? "" : "   <<<");
	return !good;
}

static int measure(const char *name, int format, struct sparse *file,
		   const struct row *rows, size_t count)
{
	/* a child alone: what its parent would show does not matter */
	struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = format,
		.flags = VHD_DISK_WRITE | VHD_DISK_LAYER,
	};
	int bad = 0;

	power = powercut_new(cow_of_sparse(file));
	if (vhd_disk_open_file(powercut_file(power), name, &options, &disk,
			       NULL))
		return 1;
	write_blocks(0, 1); /* the session starts */
	for (size_t i = 0; i < count; i++)
		bad |= judge(name, &rows[i]);
	vhd_disk_close(disk);
	powercut_free(power);
	return bad;
}

#define ROWS(rows) rows, sizeof(rows) / sizeof((rows)[0])

int main(void)
{
	int bad = 0;

	bad |= measure("VHDX", VHD_FORMAT_VHDX, make_vhdx(false),
		       ROWS(vhdx_rows));
	bad |= measure("VHDX child", VHD_FORMAT_VHDX, make_vhdx(true),
		       ROWS(vhdx_child_rows));
	bad |= measure("VHD", VHD_FORMAT_VHD, make_vhd(false), ROWS(vhd_rows));
	bad |= measure("VHD child", VHD_FORMAT_VHD, make_vhd(true),
		       ROWS(vhd_child_rows));
	return bad;
}

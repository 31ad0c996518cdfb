/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest's flush costs: flushes of the file, and bytes that are not the
 * guest's. Counted, so that they hold on any machine.
 *
 *   N new blocks                 at most 2 flushes, whatever N is
 *   in space known to be zeros   1 flush
 *   no new block                 1 flush
 *   64 new blocks, metadata      VHDX 64 x 4 KiB + 8 KiB; VHD a bitmap and a
 *                                table entry each, and what one step of growth
 *                                takes (32 bitmaps ahead, two footers)
 */
#include <inttypes.h>
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

static int over(const char *format, const char *what, uint64_t value,
		uint64_t limit)
{
	printf("%s: %s: %" PRIu64 " of %" PRIu64 "\n", format, what, value,
	       limit);
	return value > limit;
}

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

static struct cow *make(int format)
{
	struct sparse *file;

	if (format == VHD_FORMAT_VHDX)
		file = vhdx_image_new(&(struct vhdx_spec){.size = DISK,
							  .block_size = BLOCK})
			       .file;
	else
		file = vhd1_image_new(
			       &(struct vhd1_spec){.type = VHD_TYPE_DYNAMIC,
						   .size = DISK,
						   .block_size = BLOCK})
			       .file;
	return cow_of_sparse(file);
}

static int measure(int format, const char *name, uint64_t most)
{
	struct vhd_disk_options options = {.size = sizeof(options),
					   .format = format,
					   .flags = VHD_DISK_WRITE};
	int bad = 0;

	power = powercut_new(make(format));
	if (vhd_disk_open_file(powercut_file(power), name, &options, &disk,
			       NULL))
		return 1;
	write_blocks(0, 1); /* the session starts */
	bad |= over(name, "flushes, no new block", write_blocks(0, 1).flushes,
		    1);
	bad |= over(name, "flushes, one new block in reserved space",
		    write_blocks(1, 1).flushes, 1);
	bad |= over(name, "flushes, 8 new blocks in reserved space",
		    write_blocks(2, 8).flushes, 1);
	bad |= over(name, "flushes, 64 new blocks",
		    write_blocks(10, 64).flushes, 2);
	bad |= over(name, "metadata of 64 new blocks",
		    write_blocks(74, 64).metadata, most);
	bad |= over(name, "flushes, 300 new blocks",
		    write_blocks(138, 300).flushes, 2);
	vhd_disk_close(disk);
	powercut_free(power);
	return bad;
}

int main(void)
{
	int bad = measure(VHD_FORMAT_VHDX, "VHDX", 64 * 4096 + 8192);

	bad |= measure(VHD_FORMAT_VHD, "VHD",
		       64 * (512 + 4) + 32 * 512 + 4 * 512);
	return bad;
}

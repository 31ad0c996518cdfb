/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens a disk with all its parents and looks at it.
 *
 *	read IMAGE                 the layers, and the partition table
 *	read IMAGE OFFSET LENGTH   the bytes of a range, to standard output
 *
 * Nothing is written, whatever state the image is in: a VHDX that was not
 * closed cleanly is read with its log applied in memory.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvhd.h>

/* The number says what to do, the diag says what to tell a person. */
static int complain(const struct vhd_diag *diag)
{
	fprintf(stderr, "%s: %s", diag->path, diag->text);
	if (diag->structure && diag->offset != VHD_NO_OFFSET)
		fprintf(stderr, " (%s, byte %" PRIu64 ")", diag->structure,
			diag->offset);
	fprintf(stderr, "\n");
	if (diag->hint)
		fprintf(stderr, "hint: %s\n", diag->hint);
	return 1;
}

/* Whoever opens an image says its format: a guest can write any content. */
static int format_of(const char *path)
{
	size_t length = strlen(path);

	return length > 4 && !strcmp(path + length - 4, ".vhd")
		       ? VHD_FORMAT_VHD
		       : VHD_FORMAT_VHDX;
}

static uint64_t little_endian(const unsigned char *bytes, unsigned count)
{
	uint64_t value = 0;

	while (count--)
		value = value << 8 | bytes[count];
	return value;
}

static void show_layers(struct vhd_disk *disk)
{
	struct vhd_image_info info;

	printf("disk of %" PRIu64 " bytes, sectors of %" PRIu32 "\n",
	       vhd_disk_size(disk), vhd_disk_sector_size(disk));
	for (unsigned i = 0; i < vhd_disk_layers(disk); i++) {
		vhd_image_get_info(vhd_disk_image(disk, i), &info);
		printf("layer %u: %s, id %s\n", i, vhd_disk_path(disk, i),
		       info.id_text);
	}
}

/* The four entries of a DOS partition table; a GPT shows as one of type ee. */
static int show_partitions(struct vhd_disk *disk, struct vhd_diag *diag)
{
	unsigned char sector[512];
	uint64_t unit = vhd_disk_sector_size(disk);

	if (vhd_disk_read(disk, 0, sector, sizeof(sector), diag))
		return complain(diag);
	if (sector[510] != 0x55 || sector[511] != 0xaa) {
		puts("no partition table");
		return 0;
	}
	for (unsigned i = 0; i < 4; i++) {
		const unsigned char *entry = sector + 446 + i * 16;

		if (entry[4])
			printf("partition %u: type %02x, start %" PRIu64
			       ", length %" PRIu64 "\n",
			       i + 1, entry[4],
			       little_endian(entry + 8, 4) * unit,
			       little_endian(entry + 12, 4) * unit);
	}
	return 0;
}

static int copy_range(struct vhd_disk *disk, uint64_t offset, uint64_t length,
		      struct vhd_diag *diag)
{
	unsigned char buffer[65536];

	while (length) {
		size_t part = length < sizeof(buffer) ? (size_t)length
						      : sizeof(buffer);

		if (vhd_disk_read(disk, offset, buffer, part, diag))
			return complain(diag);
		if (fwrite(buffer, 1, part, stdout) != part)
			return 1;
		offset += part;
		length -= part;
	}
	return fflush(stdout) != 0;
}

int main(int argc, char **argv)
{
	struct vhd_disk_options options = {.size = sizeof(options)};
	struct vhd_diag diag = {0};
	struct vhd_disk *disk;
	int status;

	if (argc != 2 && argc != 4) {
		fprintf(stderr, "usage: read IMAGE [OFFSET LENGTH]\n");
		return 2;
	}
	options.format = format_of(argv[1]);
	if (vhd_disk_open(argv[1], &options, &disk, &diag))
		return complain(&diag);
	if (argc == 4) {
		status = copy_range(disk, strtoull(argv[2], NULL, 0),
				    strtoull(argv[3], NULL, 0), &diag);
	} else {
		show_layers(disk);
		status = show_partitions(disk, &diag);
	}
	vhd_disk_close(disk);
	return status;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a mapped block whose table page is in memory: one read of the file,
 * no allocation.
 *
 *   hot_read          counts both on a file in memory
 *   hot_read PATH     reads a file between two marks on stderr, for strace
 *   hot_read --make PATH   writes the image of the other form
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libvhd.h>

#include "core/checked.h"
#include "core/vhdx_bat.h"
#include "counts.h"
#include "support/sparse_file.h"
#include "support/vhdx_image.h"

#define READS  100
#define DISK   ((uint64_t)64 << 30)
#define STRIDE 1024u /* every 1024th block of 1 MiB is stored */

static struct vhdx_image make(void)
{
	struct vhdx_image image =
		vhdx_image_new(&(struct vhdx_spec){.size = DISK});

	for (uint64_t b = 0; b < DISK / VHD_MIB; b += STRIDE)
		sparse_fill(image.file,
			    vhdx_add_block(&image, b, VHDX_FULLY_PRESENT),
			    (uint8_t)(1 + b / STRIDE), VHD_MIB);
	return image;
}

static int read_all(struct vhd_disk *disk)
{
	static uint8_t buf[4096];
	uint64_t seed = 1;

	for (int i = 0; i < READS; i++) {
		uint64_t block, at;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		block = (seed >> 33) % (DISK / VHD_MIB / STRIDE);
		at = block * STRIDE * VHD_MIB + (seed >> 20) % 255 * 4096;
		if (vhd_disk_read(disk, at, buf, sizeof(buf), NULL) ||
		    buf[0] != (uint8_t)(1 + block))
			return 1;
	}
	return 0;
}

static int count_in_memory(void)
{
	struct vhd_disk_options options = {.size = sizeof(options),
					   .format = VHD_FORMAT_VHDX};
	struct vhdx_image image = make();
	struct vhd_disk *disk;
	int failed;

	if (vhd_disk_open_file(sparse_file_new(image.file), "hot", &options,
			       &disk, NULL))
		return 1;
	failed = read_all(disk); /* warm */
	image.file->reads = 0;
	counts_start();
	failed |= read_all(disk);
	printf("%llu reads, %zu allocations for %d requests\n",
	       (unsigned long long)image.file->reads, counts_now().calls,
	       READS);
	failed |= image.file->reads != READS || counts_now().calls != 0;
	vhd_disk_close(disk);
	vhdx_image_drop(&image);
	return failed;
}

static void mark(const char *text)
{
	ssize_t n = write(2, text, strlen(text));

	(void)n;
}

static int read_between_marks(const char *path)
{
	struct vhd_disk_options options = {.size = sizeof(options),
					   .format = VHD_FORMAT_VHDX};
	struct vhd_disk *disk;
	int failed;

	if (vhd_disk_open(path, &options, &disk, NULL) || read_all(disk))
		return 1;
	mark("MARK-BEGIN\n");
	failed = read_all(disk);
	mark("MARK-END\n");
	vhd_disk_close(disk);
	return failed;
}

int main(int argc, char **argv)
{
	struct vhdx_image image;
	int failed;

	if (argc == 1)
		return count_in_memory();
	if (argc == 2)
		return read_between_marks(argv[1]);
	image = make();
	failed = sparse_save(image.file, argv[2]);
	vhdx_image_drop(&image);
	return failed != 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening a 64 TiB VHDX with 1 MiB blocks (a BAT of 513 MiB) and reading 4 KiB
 * takes at most 16 reads, 64 KiB and 2 MiB of heap.
 */
#include <stdio.h>

#include <libvhd.h>

#include "core/checked.h"
#include "core/vhdx_bat.h"
#include "counts.h"
#include "support/sparse_file.h"
#include "support/vhdx_image.h"

static int within(const char *what, uint64_t value, uint64_t limit)
{
	printf("%s: %llu of %llu\n", what, (unsigned long long)value,
	       (unsigned long long)limit);
	return value > limit;
}

static int open_and_read(struct vhd_file *file, uint64_t offset)
{
	struct vhd_disk_options options = {.size = sizeof(options),
					   .format = VHD_FORMAT_VHDX};
	static uint8_t buf[4096];
	struct vhd_disk *disk;
	int rc = vhd_disk_open_file(file, "huge", &options, &disk, NULL);

	if (rc)
		return rc;
	rc = vhd_disk_read(disk, offset, buf, sizeof(buf), NULL);
	vhd_disk_close(disk);
	return rc || buf[4095] != 0x5A;
}

int main(void)
{
	struct vhdx_image image =
		vhdx_image_new(&(struct vhdx_spec){.size = 64 * VHD_TIB});
	uint64_t block = 50000000;
	int failed;

	sparse_fill(image.file,
		    vhdx_add_block(&image, block, VHDX_FULLY_PRESENT), 0x5A,
		    8192);
	counts_start();
	failed = open_and_read(sparse_file_new(image.file), block * VHD_MIB);
	if (failed)
		fprintf(stderr, "cannot open and read: %d\n", failed);
	failed |= within("reads", image.file->reads, 16);
	failed |= within("bytes", image.file->bytes_read, 64 * VHD_KIB);
	failed |= within("heap", counts_now().peak, 2 * VHD_MIB);
	vhdx_image_drop(&image);
	return failed != 0;
}

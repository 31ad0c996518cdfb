/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VHD_IMAGE_REPAIR_H
#define VHD_IMAGE_REPAIR_H

#include <stdbool.h>

#include <libvhd/image.h>

struct vhd_image_repair {
	int format;
	/* also what loses something that can be read no more */
	bool salvage;
	/* the file is a scratch file: payload is not copied in it */
	bool dry_run;
	/* size of a VHD's disk, where salvage finds no footer; 0: not known */
	uint64_t virtual_size;
};

/*
 * Mends a file in place and reports each thing mended. The file must be
 * writable and locked, and stays the caller's. What is left is for
 * vhd_image_check() to say; an error only if the image cannot be repaired at
 * all or the host fails.
 */
int vhd_image_repair(struct vhd_file *file,
		     const struct vhd_image_repair *options,
		     vhd_fault_fn *mended, void *ctx, struct vhd_diag *diag);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VHD_IMAGE_REPAIR_H
#define VHD_IMAGE_REPAIR_H

#include <stdbool.h>

#include <libvhd/image.h>

/*
 * Mends a file in place and reports each thing mended, or, with dry_run, what
 * would be. The file must be writable and locked. It stays the caller's.
 */
int vhd_image_repair(struct vhd_file *file, int format, bool dry_run,
		     vhd_fault_fn *mended, void *ctx, struct vhd_diag *diag);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a conversion puts its data: a raw file, a device, or a new image. */
#ifndef VHD_OPS_TARGET_H
#define VHD_OPS_TARGET_H

#include <stdbool.h>

#include "cursor.h"
#include "output.h"

struct vhd_target {
	const struct vhd_target_ops *ops;
	struct vhd_output *output;
	struct vhd_disk *image; /* the new image, or NULL */
	/* the disk that the target shows so far, of which only what differs is
	 * to be written: of a new child its parent, of what an earlier run left
	 * itself; NULL: zeros */
	struct vhd_disk *shown;
	bool is_child;
	uint32_t align; /* pieces are whole multiples of this */
};

/* All may be called from several threads at once. */
struct vhd_target_ops {
	/* where the target shows zeros, which are left out */
	int (*write)(struct vhd_target *t, uint64_t at, const uint8_t *buf,
		     size_t len);
	/* where it may show anything */
	int (*replace)(struct vhd_target *t, uint64_t at, const uint8_t *buf,
		       size_t len);
	/* the range reads as zeros afterwards */
	int (*zero)(struct vhd_target *t, uint64_t at, uint64_t len);
	/* shares blocks with `fd`; VHD_E_UNSUPPORTED where that cannot be */
	int (*clone)(struct vhd_target *t, uint64_t at, uint64_t len, int fd,
		     uint64_t from);
	/* what was written so far stays after a power cut */
	int (*flush)(struct vhd_target *t);
};

/*
 * A raw file or a block device, sized for `size` bytes. VHD_E_MISMATCH if the
 * output was found with another size.
 */
int vhd_target_raw(struct vhd_target *t, struct vhd_output *output,
		   uint64_t size, struct vhd_diag *diag);

struct vhd_make;

/* An image in the output, laid out new or as it was found. */
int vhd_target_image(struct vhd_target *t, struct vhd_output *output,
		     const struct vhd_make *make, struct vhd_disk *parent,
		     struct vhd_diag *diag);

/* Ends writing; an image is clean afterwards. Durable only if the output is
 * resumable. */
int vhd_target_finish(struct vhd_target *t, struct vhd_diag *diag);
void vhd_target_free(struct vhd_target *t);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VHD_IMAGE_VHD1_TAIL_H
#define VHD_IMAGE_VHD1_TAIL_H

#include "writer.h"

/* The end of a dynamic or differencing VHD that is being written. */
struct vhd1_tail {
	uint8_t footer[VHD1_FOOTER_SIZE];
	uint64_t footer_offset;
	uint64_t durable;  /* reserved space below this is durably zero */
	uint64_t reserved; /* will be, after the next barrier */
	uint64_t marked;   /* fresh places below this have their bitmap */
};

/* The footer directly behind the last object, and nothing after it; durable
 * when it returns. Nothing is reserved afterwards. */
int vhd1_tail_trim(struct vhd_image *image);

/* Says that the footer now lies at `at`, the end of the file. */
void vhd1_tail_note(struct vhd_image *image, uint64_t at);

/* Refuses images that must not be written as they are. */
int vhd1_check_writable(const struct vhd_image *image, struct vhd_diag *diag);

/* Refuses those that a repair must leave alone as well. */
int vhd1_check_alone(uint32_t conditions, struct vhd_diag *diag);

#endif

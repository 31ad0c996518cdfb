/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes of block table entries that a repair has decided on, and making them:
 *
 *   the file is extended to the end of a block it cuts off - flush -
 *   blocks that shared their space are copied behind everything - flush -
 *   the entries change (VHDX: through the log) - flush
 *
 * so that an entry never points to what is not there yet.
 */
#ifndef VHD_IMAGE_MEND_ENTRIES_H
#define VHD_IMAGE_MEND_ENTRIES_H

#include "mend.h"

/* What is done about an entry. */
struct vhd_mend_kind {
	const char *code;
	const char *message;
	bool lossless;
};

struct vhd_change {
	const struct vhd_mend_kind *kind;
	uint64_t entry;   /* file offset */
	uint64_t value;   /* of a copy in a VHDX, the state alone */
	uint64_t from;    /* of a copy, */
	uint64_t length;  /* 0: none */
	bool same;        /* the entry stays as it is */
	uint64_t lost_at; /* of the disk */
	uint64_t lost;
};

struct vhd_changes {
	struct vhd_mending *m;
	struct vhd_image *image;
	struct vhd_change *items;
	size_t count;
	size_t room;
	uint64_t extended; /* size the file must have, or 0 */
	/* while they are made: a VHD's footer, if it is at the end */
	bool has_footer;
	uint8_t footer[VHD1_FOOTER_SIZE];
};

/* VHD_E_NOMEM. */
int vhd_changes_add(struct vhd_changes *list, const struct vhd_change *change);

/* Makes all of them, durably. */
int vhd_changes_make(struct vhd_changes *list);

/* Says what was done. */
void vhd_changes_report(const struct vhd_changes *list);

void vhd_changes_free(struct vhd_changes *list);

/* The value of an entry without a block, and the disk's range it stands for. */
uint64_t vhd_change_empty(const struct vhd_image *image);
void vhd_change_lose(const struct vhd_image *image, uint64_t block,
		     struct vhd_change *change);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* How big a VHD is, by who made it. vhd.md 9, 10 */
#ifndef VHD_CORE_VHD1_CREATOR_H
#define VHD_CORE_VHD1_CREATOR_H

#include "vhd1_footer.h"

enum vhd1_size_rule {
	VHD1_SIZE_CURRENT = 0, /* current_size: Windows and nearly everybody */
	VHD1_SIZE_CHS = 1,     /* C * H * S * 512: Virtual PC's guests */
	VHD1_SIZE_QEMU = 2,    /* what QEMU 10 and later does */
};

/* One program that writes VHDs. */
struct vhd1_creator {
	uint8_t code[4];
	const char *name;
	/* QEMU >= 10 takes the geometry for the size */
	bool chs_in_qemu;
	/* its guests saw C * H * S, so a partition table may end there */
	bool chs_in_guest;
};

/* The row of a creator code, or NULL if unknown. */
const struct vhd1_creator *vhd1_creator_find(const uint8_t code[4]);

/*
 * Virtual size in bytes by a rule. The geometry is ignored where it is 0,
 * saturated, or says more than current_size.
 */
uint64_t vhd1_disk_size(const struct vhd1_footer *footer,
			enum vhd1_size_rule rule);

#endif

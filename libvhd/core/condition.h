/* SPDX-License-Identifier: BSD-2-Clause */
/* The table behind enum vhd_condition. */
#ifndef VHD_CORE_CONDITION_H
#define VHD_CORE_CONDITION_H

#include <stdbool.h>

#include <libvhd/types.h>

struct vhd_condition_row {
	uint32_t bit;
	const char *code; /* for programs */
	const char *structure;
	const char *text;   /* for a person */
	bool fault;         /* damage, not just a remark */
	uint8_t repairable; /* enum vhd_repairable */
};

const struct vhd_condition_row *vhd_condition_rows(size_t *count);

#endif

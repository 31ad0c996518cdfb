/* SPDX-License-Identifier: BSD-2-Clause */
/* The ranges of a disk that its file systems do not use. */
#ifndef VHD_OPS_UNUSED_H
#define VHD_OPS_UNUSED_H

#include <stdbool.h>

#include <libvhd/ops.h>

/*
 * The longest run at `at`, before `end`, that is used as a whole or not at all;
 * returns its end.
 */
uint64_t vhd_next_use(const struct vhd_compact_options *o, uint64_t at,
		      uint64_t end, bool *used);

#endif

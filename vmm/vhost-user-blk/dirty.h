/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log of pages that we wrote, a bit for each 4 KiB of guest memory, which
 * the front end reads while it migrates the guest.
 */
#ifndef VUB_DIRTY_H
#define VUB_DIRTY_H

#include <stdint.h>

#include "map.h"

struct vub_dirty {
	struct vub_map map;
};

/* What lies outside the log is not marked. From any thread. */
void vub_dirty_mark(struct vub_dirty *dirty, uint64_t guest, uint64_t length);

#endif

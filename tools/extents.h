/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks the extents of a disk, adjacent equal ones merged. */
#ifndef TOOLS_EXTENTS_H
#define TOOLS_EXTENTS_H

#include <libvhd.h>

/* Gets one extent; anything but TOOL_DONE ends the walk and is returned. */
typedef int extents_fn(void *ctx, const struct vhd_extent *extent);

/*
 * Calls fn for the whole disk, in rising order and without gaps. A damaged
 * block table ends it with TOOL_FAILED, printed. PARENT is said only of a child
 * that was opened without its parent. `path` is for messages.
 */
int extents_walk(struct vhd_disk *disk, const char *path, extents_fn *fn,
		 void *ctx);

#endif

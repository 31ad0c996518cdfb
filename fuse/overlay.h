/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --overlay: the image is only read; what is written goes to a differencing
 * child of it. A temporary child has no name from the moment it is open, so
 * that nothing is left whatever happens. One that is kept is an image like any
 * other, and is continued if it is there already.
 */
#ifndef FUSE_OVERLAY_H
#define FUSE_OVERLAY_H

#include "cmdline.h"

/* Opens the child for writing. Returns an enum tool_exit, failures printed. */
int overlay_open(const struct cmdline *options, struct vhd_disk **out);

#endif

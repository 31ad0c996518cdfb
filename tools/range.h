/* SPDX-License-Identifier: BSD-2-Clause */
/* Ranges of a disk that a command reads or changes. */
#ifndef TOOLS_RANGE_H
#define TOOLS_RANGE_H

#include <libvhd.h>

#include "open.h"
#include "progress.h"

struct range_options {
	struct open_options open;
	struct progress_options progress;
	struct option_size offset;
	struct option_size length;
};

/*
 * TOOL_DONE if the range lies inside the disk, else TOOL_FAILED, printed;
 * `path` is for messages.
 */
int range_check_end(struct vhd_disk *disk, const char *path, uint64_t offset,
		    uint64_t length);

/* The same, and it must be whole sectors. */
int range_check(struct vhd_disk *disk, const char *path, uint64_t offset,
		uint64_t length);

/* Opens a disk for writing. Returns an enum tool_exit, failures printed. */
int range_open(const char *path, const struct range_options *options,
	       struct vhd_disk **out);

/*
 * Ends writing and closes: what was written becomes durable, also if `rc` says
 * that the work failed. Returns rc, or the failure to end.
 */
int range_close(struct vhd_disk *disk, const char *path, int rc);

/* vhd_disk_zero() or vhd_disk_discard() */
typedef int range_change_fn(struct vhd_disk *disk, uint64_t offset,
			    uint64_t length, struct vhd_diag *diag);

/*
 * All that zero and discard do: applies a change to the range, in steps, so
 * that progress shows and Ctrl-C is heard.
 */
int range_change(const char *path, const struct range_options *options,
		 const char *what, range_change_fn *change);

#endif

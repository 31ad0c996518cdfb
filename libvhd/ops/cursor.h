/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walking a disk from front to back in pieces: each is either zeros, of any
 * length, or stored data of limited length. Holes of the host file inside
 * stored data count as zeros, so a sparse image costs its data, not its size.
 *
 * A cursor may be told to care only for what certain layers of a chain decide;
 * the rest comes as pieces to be skipped.
 */
#ifndef VHD_OPS_CURSOR_H
#define VHD_OPS_CURSOR_H

#include <stdbool.h>

#include <libvhd/disk.h>

struct vhd_piece {
	uint64_t start;
	uint64_t length;
	bool zero;
	uint32_t layer;  /* data: where it lies */
	uint64_t offset; /* data: in the layer's file */
	bool skip;       /* nothing to do here: neither zero nor data */
};

struct vhd_cursor {
	struct vhd_disk *disk;
	uint64_t at;
	uint64_t end;
	unsigned from_layer;      /* only what these layers say counts */
	unsigned to_layer;        /* one past the last */
	struct vhd_extent extent; /* the rest of the current run */
	/* stored bytes of a layer's file around the last look */
	uint32_t data_layer;
	uint64_t data_start;
	uint64_t data_end;
};

/* Starts at `from`, ends at `end` (at most the disk's size). */
void vhd_cursor_start(struct vhd_cursor *cursor, struct vhd_disk *disk,
		      uint64_t from, uint64_t end);

/* After starting: skip what layers outside [from, to) say. */
void vhd_cursor_select(struct vhd_cursor *cursor, unsigned from, unsigned to);

/*
 * The next piece; data pieces are at most `most` bytes and end on multiples of
 * it. length 0 at the end.
 */
int vhd_cursor_next(struct vhd_cursor *cursor, uint64_t most,
		    struct vhd_piece *out, struct vhd_diag *diag);

#endif

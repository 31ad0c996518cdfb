/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Layers of an open disk that are to be changed, not just read: the ancestor a
 * chain is merged into, a child whose parent gets another name.
 */
#ifndef VHD_DISK_CLAIM_H
#define VHD_DISK_CLAIM_H

#include <libvhd/disk.h>

/*
 * Takes the exclusive lock of a layer, which until now is read like any other,
 * and reads the image anew; with VHD_DISK_WRITE in `flags` it takes writes from
 * then on (VHD_DISK_SAME_CONTENT as there). Its file is opened again by its
 * path if it was opened for reading. VHD_E_BUSY if another program has it open;
 * VHD_E_MISMATCH if it, or its parent, is not what its child was made of any
 * more. On failure the layer is as it was, and read under a shared lock again
 * if that is to be had.
 *
 * A parent in a writable disk may be claimed while the disk is in use.
 */
int vhd_disk_claim(struct vhd_disk *disk, unsigned layer, uint32_t flags,
		   struct vhd_diag *diag);

/* Ends that for a parent, in order if it was written: it is read under a shared
 * lock again. */
int vhd_disk_unclaim(struct vhd_disk *disk, unsigned layer);

/*
 * Between these two nobody is inside a writable disk: requests that had begun
 * have ended, flushes too, and all others wait. So layers may be exchanged, and
 * all that is known of one that is not written by the guest may change, and
 * sizes. Short, and in one thread at a time.
 */
void vhd_disk_stop(struct vhd_disk *disk);
void vhd_disk_go_on(struct vhd_disk *disk);

/* The parents [from, to) are none any more; `from` is at least 1. Of a disk in
 * use. */
void vhd_disk_drop_layers(struct vhd_disk *disk, unsigned from, unsigned to);

/*
 * The disk that a layer and its parents are: it reads, writes and flushes as
 * if that layer had been opened, and shares everything with `disk`, which must
 * outlive it. For vhd_disk_view_close(), which leaves the images open.
 */
int vhd_disk_view(struct vhd_disk *disk, unsigned layer, struct vhd_disk **out);
void vhd_disk_view_close(struct vhd_disk *view);

/*
 * As vhd_disk_extent(), but only the first `layers` layers are asked: what they
 * do not store is PARENT, of that depth.
 */
int vhd_disk_extent_above(struct vhd_disk *disk, unsigned layers,
			  uint64_t offset, uint64_t length,
			  struct vhd_extent *out, struct vhd_diag *diag);

/* 1 if both layers are the same file. */
int vhd_disk_same_file(struct vhd_disk *a, unsigned layer_a, struct vhd_disk *b,
		       unsigned layer_b);

/* 1 if a layer is the file at `path`. */
int vhd_disk_is_file(struct vhd_disk *disk, unsigned layer, const char *path);

#endif

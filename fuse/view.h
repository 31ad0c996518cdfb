/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of the mounted tree that shows a part of the disk: all of it, a
 * partition, or the disk as a layer of the chain shows it.
 *
 * Every view has a page cache of its own in the kernel, and those of views that
 * overlap know nothing of each other. So only one of them is open for writing
 * at a time, and what is opened beside it goes around its cache.
 */
#ifndef FUSE_VIEW_H
#define FUSE_VIEW_H

#include <pthread.h>
#include <stdbool.h>

#include <libvhd.h>

struct view {
	struct vhd_disk *disk;
	unsigned layer; /* the disk from this layer on */
	uint64_t start;
	uint64_t length;
	bool writable;
	unsigned writers; /* open now */
};

/* All views of a mount. */
struct views {
	struct view *items;
	size_t count;
	pthread_mutex_t mutex; /* writers */
	/* aligned writes share it, read-modify-write takes it alone */
	pthread_rwlock_t sectors;
};

/*
 * 0 or an errno: EROFS, or EBUSY while an overlapping view is open for writing.
 * *cached: the kernel may keep pages of it.
 */
int view_open(struct views *views, struct view *view, bool for_writing,
	      bool *cached);
void view_release(struct views *views, struct view *view, bool for_writing);

/* The errno of a VHD_E_*. */
int view_errno(int error);

#endif

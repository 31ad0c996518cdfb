/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading and writing views. Offsets are the view's own. All return 0 or an
 * errno and may be called from many threads.
 */
#ifndef FUSE_IO_H
#define FUSE_IO_H

#include <sys/types.h>

#include "fuse_version.h"
#include "view.h"

/*
 * Answers a read: stored data as descriptors for the kernel to splice, zeros
 * from memory. Always replies.
 */
void io_read(fuse_req_t req, const struct view *view, uint64_t offset,
	     size_t size);

/* Takes all of `in`; *written is its size when the result is 0. */
int io_write(struct views *views, const struct view *view, uint64_t offset,
	     struct fuse_bufvec *in, size_t *written);

/* The range reads as zeros, and takes no space where that can be. */
int io_zero(struct views *views, const struct view *view, uint64_t offset,
	    uint64_t length);

/* SEEK_DATA and SEEK_HOLE. */
int io_seek(const struct view *view, uint64_t offset, int whence, off_t *out);

/* Copies inside the host, sharing blocks where it can; *copied may be short. */
int io_copy(struct views *views, const struct view *from, uint64_t from_offset,
	    const struct view *to, uint64_t to_offset, size_t length,
	    size_t *copied);

#endif

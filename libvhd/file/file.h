/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside a vhd_file, and what the layers above need beyond its interface. */
#ifndef VHD_FILE_FILE_H
#define VHD_FILE_FILE_H

#include <libvhd/file.h>

#include "core/vhdx_overlay.h"

struct vhd_file {
	struct vhd_file_ops ops; /* missing members are NULL */
	void *ctx;
};

/* The VHD_E_* of an errno value. */
int vhd_error_of_errno(int err);

/* `text`, or what says more: that memory or descriptors have run out. */
const char *vhd_errno_text(int err, const char *text);

/* A core source over a file; `size` is asked for once. */
int vhd_file_source(struct vhd_file *file, struct vhd_source *out);

/*
 * Bytes just written to a file start on their way to the disk, so that little
 * is left for the flush at the end. A hint, for 64 KiB or more; does nothing
 * to a file without a descriptor.
 */
void vhd_file_write_behind(struct vhd_file *file, uint64_t offset, size_t len);
void vhd_fd_write_behind(int fd, uint64_t offset, size_t len);

/* Reads what the host has in memory; false, and nothing is read from its disk,
 * if that is not all, or if it cannot be told. */
bool vhd_file_read_cached(struct vhd_file *file, uint64_t offset, void *buf,
			  size_t len);

/*
 * Copies [from, from + length) to `to` in the same file; the two do not
 * overlap. The destination lies inside the file and reads as zeros: holes of
 * the source are left out. Blocks are shared where the host can.
 */
int vhd_file_copy(struct vhd_file *file, uint64_t from, uint64_t to,
		  uint64_t length);

/* As vhd_file_punch(), but VHD_E_UNSUPPORTED, and nothing changed, where the
 * host has no holes. */
int vhd_file_hole(struct vhd_file *file, uint64_t offset, uint64_t length);

/*
 * A read-only file that shows `overlay` over `base`. Owns neither; takes no
 * locks and has no descriptor.
 */
int vhd_file_open_overlay(struct vhd_file *base,
			  const struct vhdx_overlay *overlay,
			  struct vhd_file **out);

#endif

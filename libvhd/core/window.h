/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The metadata window: how the mapper sees the BAT and the sector bitmaps. A
 * 64 TiB image has a BAT of half a gigabyte; the window holds the few pages in
 * use. The loader's window is a small direct-mapped cache (reader.c), the
 * library's a lock-free shared one (image/pages.c).
 */
#ifndef VHD_CORE_WINDOW_H
#define VHD_CORE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include <libvhd/boot.h> /* struct vhd_source */

/* No load crosses a multiple of this in the file. */
#define VHD_WINDOW_PAGE 4096u

struct vhd_window {
	/*
	 * Copies `len` bytes of metadata from file offset `offset`; the range
	 * lies inside one page. Negative VHD_E_* if it cannot be read.
	 */
	int (*load)(struct vhd_window *window, uint64_t offset, void *buf,
		    size_t len);
};

static inline int vhd_source_read(const struct vhd_source *source,
				  uint64_t offset, void *buf, size_t len)
{
	return source->read_at(source->ctx, offset, buf, len);
}

#endif

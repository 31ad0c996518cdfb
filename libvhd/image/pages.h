/* SPDX-License-Identifier: BSD-2-Clause */
/* The library's metadata window: pages of BAT and bitmaps, shared by threads. */
#ifndef VHD_IMAGE_PAGES_H
#define VHD_IMAGE_PAGES_H

#include "core/window.h"
#include "file/file.h"

struct vhd_pages;

/* Memory of all pages together never passes this. */
#define VHD_PAGES_BYTES_MAX ((size_t)4 << 20)

/*
 * A cache over `file`, which must outlive it. `page_shift` is 9 or 12: a VHD's
 * bitmaps are lone sectors, a VHDX's tables are long. Memory is taken page by
 * page as pages are met.
 */
int vhd_pages_new(struct vhd_file *file, unsigned page_shift,
		  struct vhd_pages **out);
void vhd_pages_free(struct vhd_pages *pages);

/* What the mapper takes. */
struct vhd_window *vhd_pages_window(struct vhd_pages *pages);

#endif

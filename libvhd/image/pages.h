/* SPDX-License-Identifier: BSD-2-Clause */
/* The library's metadata window: pages of BAT and bitmaps, shared by threads.
 */
#ifndef VHD_IMAGE_PAGES_H
#define VHD_IMAGE_PAGES_H

#include <stdbool.h>

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

/* The same for those who must not wait: a page that is not in memory is not
 * read, the mapper returns VHD_NOT_IN_MEMORY. */
struct vhd_window *vhd_pages_memory(struct vhd_pages *pages);
#define VHD_NOT_IN_MEMORY 1

/* -- writing: the caller holds the image's writer mutex for all of these -- */

/* Pages that may be changed and not yet home, those of a snapshot included, so
 * that one which fails can be taken back. Keeps one journal entry within what
 * QEMU can replay (126). */
#define VHD_PAGES_DIRTY_MAX 120u

/*
 * Brings every page of a range into memory and keeps it there until
 * vhd_pages_unpin(). VHD_E_LIMIT when too many pages are held already: write
 * the changed ones out and try again; nothing is pinned then.
 */
int vhd_pages_pin(struct vhd_pages *pages, uint64_t offset, uint64_t length);
void vhd_pages_unpin(struct vhd_pages *pages, uint64_t offset, uint64_t length);

/* Changes bytes of pinned pages; they count as dirty from here on. */
void vhd_pages_store(struct vhd_pages *pages, uint64_t offset, const void *buf,
		     size_t len);

/* Forgets the pages of a range: their place in the file has a new meaning.
 * None may be dirty. */
void vhd_pages_drop(struct vhd_pages *pages, uint64_t offset, uint64_t length);

/* A copy of all dirty pages, in rising order of place. */
struct vhd_page_set {
	uint32_t count;
	size_t page_size;
	uint64_t offsets[VHD_PAGES_DIRTY_MAX];
	uint8_t *data; /* page after page; owned */
};

/*
 * Copies the dirty pages and calls them clean, but keeps them in memory until
 * vhd_pages_settle(): their place in the file is still old.
 */
int vhd_pages_snapshot(struct vhd_pages *pages, struct vhd_page_set *out);
void vhd_pages_settle(struct vhd_pages *pages, struct vhd_page_set *set);

/* Undoes a snapshot: its pages count as dirty again, with what was changed in
 * them since. Some may have got home. */
void vhd_pages_restore(struct vhd_pages *pages, struct vhd_page_set *set);

/* Frees a snapshot whose pages will never get home: they stay in memory. */
void vhd_page_set_free(struct vhd_page_set *set);

/* True if a page was changed since the last snapshot. */
bool vhd_pages_dirty(const struct vhd_pages *pages);

/* Tells the cache that the file has grown. */
void vhd_pages_set_size(struct vhd_pages *pages, uint64_t size);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Maintenance of an image that others use: their writes are held off for
 * moments.
 */
#ifndef VHD_IMAGE_HOLD_H
#define VHD_IMAGE_HOLD_H

#include <stdbool.h>

#include <libvhd/image.h>

/*
 * Between these two, what other threads write waits: writes that had begun have
 * ended, and no block changes but by the calling thread. Reading and flushing
 * go on. One thread at a time; the next waits.
 *
 * Who is inside may be waiting to write something else before it leaves. So
 * when somebody does not leave for a while, all may write again, and it is
 * tried anew.
 */
void vhd_image_hold_writes(struct vhd_image *image);
void vhd_image_let_write(struct vhd_image *image);

/* One attempt; false, and nobody waits any more, if it takes longer. */
bool vhd_image_try_hold_writes(struct vhd_image *image, unsigned ms);

/* How long to try, and a pause of that length before trying longer. */
struct vhd_patience {
	unsigned ms;
};
unsigned vhd_patience(const struct vhd_patience *p);
void vhd_have_patience(struct vhd_patience *p);

/*
 * Gives back what the file has behind its last object, as a clean close would;
 * the session goes on. Writes are held. VHD_E_BUSY: somebody reads there all
 * the time; let them write, and try again. VHD_E_NOSPACE, _NOMEM: nothing
 * changed.
 */
int vhd_image_cut_tail(struct vhd_image *image);

#endif

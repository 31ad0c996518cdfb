/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free space of an image file that is open for writing. Used under the image's
 * writer mutex.
 *
 * Space goes round: free -> taken -> released -> free. Released space is held
 * back until the metadata that let go of it is durable and nobody who might
 * still read or write there is left (epoch.h).
 */
#ifndef VHD_IMAGE_SPACE_H
#define VHD_IMAGE_SPACE_H

#include <stdbool.h>
#include <stdint.h>

struct vhd_space;
struct vhd_image;

/* Where to put something. */
struct vhd_place {
	uint64_t offset;
	/* never used before: reads as zeros whatever a crash leaves */
	bool fresh;
};

/*
 * Takes stock of the image: verifies its whole block table and notes what is
 * free. VHD_E_CORRUPT if blocks overlap.
 */
int vhd_space_new(struct vhd_image *image, struct vhd_space **out);
void vhd_space_free(struct vhd_space *space);

/*
 * Takes `length` bytes, whole MiB (VHDX) or one block with its bitmap (VHD).
 * Recycled space holds old bytes: clear it first. VHD_E_NOSPACE if the format
 * cannot address more.
 */
int vhd_space_take(struct vhd_space *space, uint64_t length,
		   struct vhd_place *out);

/* The same at the lowest place that ends at or before `limit`, never behind
 * the present end. VHD_E_NOSPACE if there is none. */
int vhd_space_take_below(struct vhd_space *space, uint64_t length,
			 uint64_t limit, struct vhd_place *out);

/* VHD: nothing in [from, to) is given out any more, the block table is to go
 * there. What is in use there stays, until its owner moves. Ranges add up. */
void vhd_space_forbid(struct vhd_space *space, uint64_t from, uint64_t to);

/* Gives back what was taken and never referred to. */
void vhd_space_return(struct vhd_space *space, uint64_t offset,
		      uint64_t length);

/*
 * Lets go of space that durable metadata still refers to. Never fails: if it
 * cannot be remembered, it leaks until the next open.
 */
void vhd_space_release(struct vhd_space *space, uint64_t offset,
		       uint64_t length);

/*
 * Frees at once what durable metadata does not refer to any more and nobody
 * uses. Returns how much of the place that is; 0 if it cannot be had before the
 * next open.
 */
uint64_t vhd_space_drop(struct vhd_space *space, uint64_t offset,
			uint64_t length);

/* True for a block that the disk's end cuts off, if other objects were put
 * into the rest of its place. */
bool vhd_space_is_shared(const struct vhd_space *space, uint64_t offset);

/* All released so far will be durable once the commit under way is: call
 * before it, and _durable() after it succeeded. */
uint32_t vhd_space_mark(struct vhd_space *space);
void vhd_space_durable(struct vhd_space *space, uint32_t mark, uint64_t epoch);

/* The next released range that is safe to use in `epoch`; false if none. */
bool vhd_space_next_safe(struct vhd_space *space, uint64_t epoch,
			 uint64_t *offset, uint64_t *length);

/* VHDX: lets the end fall back behind the last taken place. Only when the file
 * is cut there next: what lies behind the end counts as fresh. */
void vhd_space_shrink(struct vhd_space *space);

/* VHD: the same, the end being known. Exactly the end of the last object: QEMU
 * trusts everything behind it to be empty. */
void vhd_space_set_end(struct vhd_space *space, uint64_t end);

/* The end is where it was again, at or behind the present one. VHD: the places
 * between are forgotten until the image is opened anew, or the end is found. */
void vhd_space_move_end(struct vhd_space *space, uint64_t end);

/* VHD: the first place for a block at or behind `at`. */
uint64_t vhd_space_place(const struct vhd_space *space, uint64_t at);

/* VHD: true if there is a free place in front of the end. */
bool vhd_space_has_gaps(const struct vhd_space *space);

/* One past the last byte anything owns. */
uint64_t vhd_space_end(const struct vhd_space *space);

#endif

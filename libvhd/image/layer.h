/* SPDX-License-Identifier: BSD-2-Clause */
/* What a chain needs of an image beyond its public interface. */
#ifndef VHD_IMAGE_LAYER_H
#define VHD_IMAGE_LAYER_H

#include <libvhd/image.h>

/* The file as it is, under a replayed log; owned by the image. */
struct vhd_file *vhd_image_base_file(struct vhd_image *image);

/* Closes an image without its file, which goes back to the caller. */
void vhd_image_detach(struct vhd_image *image);

/* Tells a child how far the parent it was given reaches. */
void vhd_image_know_parent(struct vhd_image *child,
			   const struct vhd_image *parent);

/*
 * As vhd_image_extent(), but never waits: VHD_NOT_IN_MEMORY (pages.h) if the
 * file would have to be read.
 */
int vhd_image_extent_in_memory(struct vhd_image *image, uint64_t offset,
			       uint64_t length, struct vhd_extent *out);

/* Writing into stored ranges needs nothing but the bytes to be moved: the
 * session has begun, writes are not held off, and nothing is in doubt. Holds
 * for those who asked while they were inside, until they leave. */
int vhd_image_takes_overwrites(const struct vhd_image *image);

/* The file says all that memory does of what is stored where. */
int vhd_image_is_settled(const struct vhd_image *image);

/* 0 where there are no blocks */
uint64_t vhd_image_block_size(const struct vhd_image *image);
int vhd_image_is_fixed(const struct vhd_image *image);
/* open for writing, and not shut yet */
int vhd_image_is_writable(const struct vhd_image *image);

#endif

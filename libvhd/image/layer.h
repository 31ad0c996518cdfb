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

/* 0 where there are no blocks */
uint64_t vhd_image_block_size(const struct vhd_image *image);
int vhd_image_is_fixed(const struct vhd_image *image);

#endif

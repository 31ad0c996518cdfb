/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VHD_IMAGE_HINT_H
#define VHD_IMAGE_HINT_H

#include <stddef.h>

#include <libvhd/image.h>

/* Fills `stored` from `path`, then normalises path and says if it may be
 * looked up below the child's folder. Always 0. */
int vhd_hint_classify(struct vhd_parent_hint *hint);

/* Copies text of an image with control characters and bytes that are no
 * UTF-8 escaped as \xNN, so that it may be printed. Always terminated. */
void vhd_escape(const char *text, char *out, size_t size);

#endif

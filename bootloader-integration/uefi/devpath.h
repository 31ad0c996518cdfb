/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device paths, after the UEFI specification, chapter 10: nodes of a type, a
 * subtype and a length, and an end. They come from the firmware, but bounds are
 * kept all the same.
 */
#ifndef VHDBOOT_DEVPATH_H
#define VHDBOOT_DEVPATH_H

#include <libvhd/types.h>
#include <stdbool.h>

/* Says that a disk is one of ours. */
extern const struct vhd_guid devpath_vendor;

/* Bytes of the nodes before the end. */
size_t devpath_length(const void *path);
/* `path` begins with all nodes of `start`. */
bool devpath_is_below(const void *path, const void *start);
bool devpath_same(const void *a, const void *b);

/*
 * New paths, in memory of memory_get(), or NULL: that of a file (UTF-8, from
 * the root), and that of the disk an image becomes.
 */
void *devpath_file(const void *volume, const char *file);
void *devpath_disk(const void *volume, const char *image);

/* What a volume is called: "PARTUUID=...". False if it is no partition. */
#define DEVPATH_PARTUUID 46
bool devpath_partuuid(const void *path, char out[DEVPATH_PARTUUID]);

/* The file nodes of a path as one text; false if there are none. */
bool devpath_file_text(const void *path, char *out, size_t size);

#endif

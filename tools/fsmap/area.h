/* SPDX-License-Identifier: BSD-2-Clause */
/* A part of a disk, as a device of its own: a partition, or all of it. */
#ifndef FSMAP_AREA_H
#define FSMAP_AREA_H

#include <libvhd.h>

struct area {
	struct vhd_disk *disk;
	uint64_t start;
	uint64_t length;
};

/*
 * Fills buf from `offset` of the area. -1 if the range is not inside it or the
 * image cannot be read there.
 */
int area_read(const struct area *area, uint64_t offset, void *buf, size_t len);

#endif

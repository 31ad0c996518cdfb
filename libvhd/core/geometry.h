/* SPDX-License-Identifier: BSD-2-Clause */
/* Disk geometry as a VHD footer stores it. vhd.md 8 */
#ifndef VHD_CORE_GEOMETRY_H
#define VHD_CORE_GEOMETRY_H

#include <stdbool.h>
#include <stdint.h>

/* largest disk the scheme can express: 65535 * 16 * 255 sectors of 512 */
#define VHD_GEOMETRY_MAX_SECTORS 267382800u

struct vhd_geometry {
	uint16_t cylinders;
	uint8_t heads;
	uint8_t sectors; /* a track */
};

/* The specification's algorithm for a disk of `sectors` 512-byte sectors. */
struct vhd_geometry vhd_geometry_of(uint64_t sectors);

/*
 * What the footer of a disk of `size` bytes says: the algorithm's result where
 * that gives the size exactly, or `always`; else saturated, so that programs
 * that trust the geometry of strangers (old QEMU) take the size itself. vhd.md
 * 9
 */
struct vhd_geometry vhd_geometry_stored(uint64_t size, bool always);

/* C * H * S * 512, at most 127.5 GiB. */
uint64_t vhd_geometry_bytes(struct vhd_geometry g);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd.md 8.1. The isolated points where the 31-sector step also fires (t a
 * multiple of 1024 between 4096 and 16384) are part of the rule; do not
 * simplify them away. After the cap everything fits 32 bits.
 */
#include "geometry.h"

#define BIG_TRACK_FROM (65535u * 16u * 63u)

struct vhd_geometry vhd_geometry_of(uint64_t sectors)
{
	uint32_t n = sectors < VHD_GEOMETRY_MAX_SECTORS
			     ? (uint32_t)sectors
			     : VHD_GEOMETRY_MAX_SECTORS;
	uint32_t track = 17, heads, t;

	if (n >= BIG_TRACK_FROM)
		return (struct vhd_geometry){(uint16_t)(n / 255 / 16), 16, 255};
	t = n / track;
	heads = (t + 1023) / 1024;
	if (heads < 4)
		heads = 4;
	if (t >= heads * 1024 || heads > 16) {
		track = 31;
		heads = 16;
		t = n / track;
	}
	if (t >= heads * 1024) {
		track = 63;
		t = n / track;
	}
	return (struct vhd_geometry){(uint16_t)(t / heads), (uint8_t)heads,
				     (uint8_t)track};
}

uint64_t vhd_geometry_bytes(struct vhd_geometry g)
{
	return (uint64_t)g.cylinders * g.heads * g.sectors * 512;
}

struct vhd_geometry vhd_geometry_stored(uint64_t size, bool always)
{
	static const struct vhd_geometry saturated = {65535, 16, 255};
	struct vhd_geometry g = vhd_geometry_of(size / 512);

	return always || vhd_geometry_bytes(g) == size ? g : saturated;
}

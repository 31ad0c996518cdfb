/* SPDX-License-Identifier: BSD-2-Clause */
/* Small, so that each is run thousands of times. */
#include "support/family.h"

#define MIB  ((uint64_t)1 << 20)
#define VHD  VHD_FORMAT_VHD
#define VHDX VHD_FORMAT_VHDX
#define DYN  VHD_TYPE_DYNAMIC
#define FIX  VHD_TYPE_FIXED
#define PACK (VHD_COMPACT_ZEROES | VHD_COMPACT_PARENT_EQUAL)
#define TRIM (PACK | VHD_COMPACT_NO_MOVE)
/* with a block table that is longer than what it has room for now */
#define VHDX_FAR (140000 * MIB + 4096)
#define VHD_FAR  (1300 * (MIB / 2) + 512)

/* two lines a scene */
/* clang-format off */
const struct family_scene family_scenes[] = {
	{"vhdx-one", FAMILY_MERGE, VHDX, DYN, 2, 1,
	 4 * MIB, 4 * MIB, {MIB, MIB}, 512},
	{"vhdx-chain", FAMILY_MERGE, VHDX, DYN, 4, 3,
	 5 * MIB, 5 * MIB, {2 * MIB, MIB, MIB, 4 * MIB}, 512},
	{"vhdx-middle", FAMILY_MERGE, VHDX, DYN, 4, 2,
	 4 * MIB, 4 * MIB, {MIB, MIB, MIB, MIB}, 4096},
	{"vhdx-fixed", FAMILY_MERGE, VHDX, FIX, 3, 2,
	 3 * MIB, 3 * MIB, {MIB, MIB, MIB}, 512},
	{"vhdx-larger", FAMILY_MERGE, VHDX, DYN, 3, 2,
	 2 * MIB, 5 * MIB - 4096, {MIB, MIB, MIB}, 512},
	{"vhdx-smaller", FAMILY_MERGE, VHDX, DYN, 3, 2,
	 5 * MIB, 3 * MIB, {MIB, MIB, MIB}, 512},
	{"vhd-one", FAMILY_MERGE, VHD, DYN, 2, 1,
	 4 * MIB, 4 * MIB, {MIB / 2, MIB / 2}, 512},
	{"vhd-chain", FAMILY_MERGE, VHD, DYN, 4, 3,
	 5 * MIB, 5 * MIB, {2 * MIB, MIB / 2, MIB / 2, 2 * MIB}, 512},
	{"vhd-fixed", FAMILY_MERGE, VHD, FIX, 3, 2,
	 3 * MIB, 3 * MIB, {0, MIB / 2, MIB / 2}, 512},
	{"vhd-larger", FAMILY_MERGE, VHD, DYN, 3, 2,
	 2 * MIB, 5 * MIB, {MIB / 2, MIB / 2, MIB / 2}, 512},
	{"vhdx-live", FAMILY_MIDDLE, VHDX, DYN, 3, 1,
	 4 * MIB, 5 * MIB, {MIB, MIB, MIB}, 512},
	{"vhdx-live-deep", FAMILY_MIDDLE, VHDX, DYN, 4, 2,
	 3 * MIB, 3 * MIB, {MIB, 2 * MIB, MIB, MIB}, 4096},
	{"vhd-live", FAMILY_MIDDLE, VHD, DYN, 3, 1,
	 4 * MIB, 4 * MIB, {MIB / 2, MIB / 2, MIB / 2}, 512},
	{"vhd-live-deep", FAMILY_MIDDLE, VHD, FIX, 4, 2,
	 2 * MIB, 2 * MIB, {0, MIB / 2, 2 * MIB, MIB / 2}, 512},
	{"vhdx-rebase", FAMILY_REBASE, VHDX, DYN, 3, 0,
	 4 * MIB, 4 * MIB, {MIB, MIB, MIB}, 512},
	{"vhd-rebase", FAMILY_REBASE, VHD, DYN, 3, 0,
	 4 * MIB, 4 * MIB, {MIB / 2, MIB / 2, MIB / 2}, 512},
	{"vhdx-relink", FAMILY_RELINK, VHDX, DYN, 2, 0,
	 2 * MIB, 2 * MIB, {MIB, MIB}, 512},
	{"vhd-relink", FAMILY_RELINK, VHD, DYN, 2, 0,
	 2 * MIB, 2 * MIB, {MIB / 2, MIB / 2}, 512},
	{"vhdx-compact", FAMILY_COMPACT, VHDX, DYN, 1, PACK,
	 6 * MIB + MIB / 2, 6 * MIB + MIB / 2, {MIB}, 512},
	{"vhdx-compact-child", FAMILY_COMPACT, VHDX, DYN, 2, PACK,
	 6 * MIB + MIB / 2, 6 * MIB + MIB / 2, {MIB, MIB}, 512},
	{"vhdx-trim", FAMILY_COMPACT, VHDX, DYN, 2, TRIM,
	 8 * MIB, 8 * MIB, {MIB, MIB}, 4096},
	{"vhd-compact", FAMILY_COMPACT, VHD, DYN, 1, PACK,
	 3 * MIB + MIB / 4, 3 * MIB + MIB / 4, {MIB / 2}, 512},
	{"vhd-compact-child", FAMILY_COMPACT, VHD, DYN, 2, PACK,
	 3 * MIB + MIB / 4, 3 * MIB + MIB / 4, {MIB / 2, MIB / 2}, 512},
	{"vhd-trim", FAMILY_COMPACT, VHD, DYN, 2, TRIM,
	 4 * MIB, 4 * MIB, {MIB / 2, MIB / 2}, 512},
	{"vhdx-grow", FAMILY_RESIZE, VHDX, DYN, 1, 5 * MIB - 4096,
	 2 * MIB + MIB / 2, 2 * MIB + MIB / 2, {MIB}, 512},
	{"vhdx-grow-far", FAMILY_RESIZE, VHDX, DYN, 1, VHDX_FAR,
	 3 * MIB - 4096, 3 * MIB - 4096, {MIB}, 512},
	{"vhdx-grow-child", FAMILY_RESIZE, VHDX, DYN, 2, 6 * MIB,
	 5 * MIB, 2 * MIB + MIB / 2, {MIB, MIB}, 512},
	{"vhdx-grow-child-far", FAMILY_RESIZE, VHDX, DYN, 2, VHDX_FAR,
	 3 * MIB, 2 * MIB + 4096, {MIB, MIB}, 4096},
	{"vhdx-grow-fixed", FAMILY_RESIZE, VHDX, FIX, 1, 4 * MIB + MIB / 2,
	 2 * MIB + 4096, 2 * MIB + 4096, {MIB}, 512},
	{"vhdx-shrink", FAMILY_RESIZE, VHDX, DYN, 1, MIB + 4096,
	 4 * MIB, 4 * MIB, {MIB}, 512},
	{"vhdx-shrink-child", FAMILY_RESIZE, VHDX, DYN, 2, MIB + 4096,
	 4 * MIB, 4 * MIB, {MIB, MIB}, 512},
	{"vhdx-shrink-fixed", FAMILY_RESIZE, VHDX, FIX, 1, MIB,
	 3 * MIB, 3 * MIB, {MIB}, 512},
	{"vhd-grow", FAMILY_RESIZE, VHD, DYN, 1, 3 * MIB - 512,
	 MIB + 512, MIB + 512, {MIB / 2}, 512},
	{"vhd-grow-far", FAMILY_RESIZE, VHD, DYN, 1, VHD_FAR,
	 MIB + 512, MIB + 512, {MIB / 2}, 512},
	{"vhd-grow-child", FAMILY_RESIZE, VHD, DYN, 2, 5 * MIB,
	 4 * MIB, MIB + 512, {MIB / 2, MIB / 2}, 512},
	{"vhd-grow-child-far", FAMILY_RESIZE, VHD, DYN, 2, VHD_FAR,
	 MIB, MIB, {2 * MIB, MIB / 2}, 512},
	{"vhd-grow-fixed", FAMILY_RESIZE, VHD, FIX, 1, 2 * MIB + 512,
	 MIB, MIB, {0}, 512},
	{"vhd-shrink", FAMILY_RESIZE, VHD, DYN, 1, MIB + 512,
	 3 * MIB, 3 * MIB, {MIB / 2}, 512},
	{"vhd-shrink-child", FAMILY_RESIZE, VHD, DYN, 2, MIB + 512,
	 3 * MIB, 3 * MIB, {MIB / 2, MIB / 2}, 512},
	{"vhd-shrink-fixed", FAMILY_RESIZE, VHD, FIX, 1, MIB,
	 2 * MIB, 2 * MIB, {0}, 512},
};
/* clang-format on */
const size_t family_scene_count =
	sizeof(family_scenes) / sizeof(family_scenes[0]);

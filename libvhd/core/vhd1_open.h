/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a VHD: from bytes of a file to a map. vhd.md 13 */
#ifndef VHD_CORE_VHD1_OPEN_H
#define VHD_CORE_VHD1_OPEN_H

#include "map.h"
#include "vhd1_batmap.h"
#include "vhd1_creator.h"
#include "vhd1_footer.h"
#include "vhd1_header.h"

/* 2040 GiB: what the specification and Windows allow for types 3 and 4 */
#define VHD1_SPARSE_MAX ((uint64_t)2040 << 30)

struct vhd1_meta {
	struct vhd1_footer footer;
	struct vhd1_header header; /* types 3 and 4 */
	struct vhd1_batmap batmap;
	bool has_batmap;
	/* the copy at 0 is whole and of this disk, but says something older:
	 * a change of the footer was cut off between the two */
	bool copy_is_stale;
	uint64_t footer_offset; /* of the one that counts */
	uint64_t size;          /* virtual, by the size rule */
	uint32_t conditions;    /* enum vhd_condition */
};

/*
 * Reads and checks everything but the BAT. `scratch` is 1024 bytes, used only
 * during the call. On failure meta and map are unspecified.
 */
int vhd1_open(const struct vhd_source *source, enum vhd1_size_rule rule,
	      uint8_t scratch[VHD1_HEADER_SIZE], struct vhd1_meta *meta,
	      struct vhd_map *map, struct vhd_diag *diag);

#endif

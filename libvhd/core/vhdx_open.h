/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a VHDX: from bytes of a file to a map. vhdx.md 12 */
#ifndef VHD_CORE_VHDX_OPEN_H
#define VHD_CORE_VHDX_OPEN_H

#include "map.h"
#include "vhdx_locator.h"
#include "vhdx_metadata.h"
#include "vhdx_overlay.h"
#include "vhdx_region.h"

/* scratch that both steps below need */
#define VHDX_SCRATCH ((uint32_t)64 << 10)

struct vhdx_meta {
	uint8_t creator[VHDX_CREATOR_BYTES];
	struct vhdx_headers headers;
	struct vhdx_regions regions;
	struct vhdx_metadata metadata;
	struct vhdx_linkage linkage; /* differencing */
	uint32_t conditions;
};

/*
 * Step 1: identifier and headers. Afterwards a log GUID in
 * meta->headers.current says whether the log must be replayed (vhdx_log_find,
 * vhdx_overlay_build) before step 2.
 */
int vhdx_open_headers(const struct vhd_source *source, uint8_t *scratch,
		      struct vhdx_meta *meta, struct vhd_diag *diag);

/* Step 2: regions, metadata, locator, map; `source` is the replayed file. */
int vhdx_open_body(const struct vhd_source *source, uint8_t *scratch,
		   struct vhdx_meta *meta, struct vhd_map *map,
		   struct vhd_diag *diag);

#endif

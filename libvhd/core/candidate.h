/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names under which an image says its parent may be found, in the order they
 * are worth trying. Whether a name may be opened is the caller's policy.
 */
#ifndef VHD_CORE_CANDIDATE_H
#define VHD_CORE_CANDIDATE_H

#include "path.h"
#include "vhd1_header.h"
#include "vhdx_locator.h"
#include "window.h"

/* eight slots and the header's parent name */
#define VHD1_CANDIDATES (VHD1_LOCATORS + 1u)
/* relative_path, volume_path, absolute_win32_path */
#define VHDX_CANDIDATES 3u

/*
 * Candidate `index` as a normalised path and its kind. VHD_E_NOENT if this
 * index yields nothing usable (try the next), a read error otherwise.
 */
int vhd1_candidate(const struct vhd_source *source,
		   const struct vhd1_header *header, unsigned index,
		   uint8_t *scratch, size_t room, char *path, size_t size,
		   enum vhd_path_kind *kind);

int vhdx_candidate(const struct vhdx_locator *locator, unsigned index,
		   char *path, size_t size, enum vhd_path_kind *kind);

/* True if a component of a normalised path is "..". */
int vhd_path_climbs(const char *path);

#endif

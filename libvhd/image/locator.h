/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name of a parent as its child stores it. Names are relative to the
 * child's folder, with '/' between components, in UTF-8; the encodings turn
 * them into what Windows and XenServer write.
 */
#ifndef VHD_IMAGE_LOCATOR_H
#define VHD_IMAGE_LOCATOR_H

#include <stddef.h>

#include "core/vhd1_header.h"
#include "core/vhdx_locator.h"

/* slots of a VHD that hold the name */
#define VHD1_NAME_SLOTS 3u
/* most that one of them takes */
#define VHD1_NAME_ROOM 4096u

/*
 * Sets the parent name and all eight locator slots of a header: MacX, W2ku and
 * W2ru hold `name`, the rest is empty. Their data, `room` bytes each (a
 * multiple of 512), go to `data`, which is to lie at file offset `at`.
 * VHD_E_INVALID for a name that cannot be stored, VHD_E_LIMIT if `room` is too
 * little for it. vhd.md 7.3, 7.4
 */
int vhd1_name_parent(struct vhd1_header *header, const char *name, uint64_t at,
		     uint32_t room, uint8_t *data);

/*
 * Encodes a locator item with these identities (the second one unless it is
 * null) and, unless it is NULL, `name` as relative path. Entries of `old`, a
 * locator or NULL, are kept: with a name only those of unknown keys, without
 * one the paths too. Returns the item's length, 0 if it does not fit or the
 * name cannot be stored. vhdx.md 13.2
 */
uint32_t vhdx_name_parent(const struct vhdx_linkage *linkage, const char *name,
			  const struct vhdx_locator *old, uint8_t *item,
			  size_t room);

#endif

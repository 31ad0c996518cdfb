/* SPDX-License-Identifier: BSD-2-Clause */
/* The eight parent locators of a differencing VHD. vhd.md 7.4 */
#ifndef VHD_CORE_VHD1_LOCATOR_H
#define VHD_CORE_VHD1_LOCATOR_H

#include "vhd1_header.h"
#include "window.h"

/* Longest locator data that is read. */
#define VHD1_LOCATOR_MAX ((uint32_t)64 << 10)

/* platform codes */
#define VHD1_LOCATOR_NONE 0x00000000u
#define VHD1_LOCATOR_W2RU 0x57327275u /* relative, UTF-16LE */
#define VHD1_LOCATOR_W2KU 0x57326B75u /* absolute, UTF-16LE */
#define VHD1_LOCATOR_WI2R 0x57693272u /* relative, 8 bit, deprecated */
#define VHD1_LOCATOR_WI2K 0x5769326Bu /* absolute, 8 bit, deprecated */
#define VHD1_LOCATOR_MAC  0x4D616320u /* alias record, opaque */
#define VHD1_LOCATOR_MACX 0x4D616358u /* file:// URL, UTF-8 */

/* In use, with a length this library reads. */
bool vhd1_locator_usable(const struct vhd1_locator *locator);

/*
 * Refuses a header whose used slots cannot be true: data outside the file or
 * longer than the limit. Unknown platform codes are left alone.
 */
int vhd1_locators_check(const struct vhd1_header *header, uint64_t offset,
			uint64_t file_size, struct vhd_diag *diag);

/*
 * Reads slot `index` and decodes it to a path as stored (backslashes and
 * all): NUL-terminated UTF-8 in `path`, `size` bytes. `scratch` holds `room`
 * bytes for the raw data. VHD_E_NOENT for a slot that is empty, opaque, of an
 * unknown platform or malformed; VHD_E_LIMIT if it does not fit.
 */
int vhd1_locator_path(const struct vhd_source *source,
		      const struct vhd1_header *header, unsigned index,
		      uint8_t *scratch, size_t room, char *path, size_t size);

/* The header's own parent name as UTF-8; false if empty or malformed. */
bool vhd1_parent_name(const struct vhd1_header *header, char *path,
		      size_t size);

#endif

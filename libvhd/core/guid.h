/* SPDX-License-Identifier: BSD-2-Clause */
/* GUIDs: 16 raw bytes, and their text forms. vhdx.md 2.2, vhd.md 2.5 */
#ifndef VHD_CORE_GUID_H
#define VHD_CORE_GUID_H

#include <stdbool.h>

#include <libvhd/types.h>

/* 36 characters and a NUL */
#define VHD_GUID_TEXT 37

bool vhd_guid_equal(const struct vhd_guid *a, const struct vhd_guid *b);
bool vhd_guid_is_null(const struct vhd_guid *guid);

/*
 * Text of a GUID stored in Microsoft's order (first three groups
 * little-endian), lower-case, no braces. VHDX always; VHD made by Windows.
 */
void vhd_guid_text(const struct vhd_guid *guid, char text[VHD_GUID_TEXT]);

/* Text of 16 bytes in reading order (RFC 4122): VHD made by most others. */
void vhd_guid_text_be(const struct vhd_guid *guid, char text[VHD_GUID_TEXT]);

/*
 * Text of a VHD's unique id. The format does not say which order; the one
 * whose version and variant bits make sense is shown. Display only.
 */
void vhd1_id_text(const struct vhd_guid *id, char text[VHD_GUID_TEXT]);

/*
 * Reads text in Microsoft's order: 36 characters, any case, braces optional,
 * nothing around it. `len` characters, no NUL needed. False if malformed.
 */
bool vhd_guid_parse(const char *text, size_t len, struct vhd_guid *out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* GUIDs on the command line. */
#ifndef TOOLS_GUID_H
#define TOOLS_GUID_H

#include <libvhd.h>

/*
 * Parses 32 hex digits with hyphens after the 8th, 12th, 16th and 20th, braces
 * optional, into the bytes that an image of `format` holds: a VHD in the order
 * of reading, a VHDX in Microsoft's. Returns NULL, or what is wrong with the
 * text (a static phrase, *out untouched).
 */
const char *guid_parse(const char *text, int format, struct vhd_guid *out);

#endif

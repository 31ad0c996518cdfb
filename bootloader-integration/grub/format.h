/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VHD_GRUB_FORMAT_H
#define VHD_GRUB_FORMAT_H

#include <grub/types.h> /* before <stdint.h>, which knows to undo SIZE_MAX */
#include <libvhd/boot.h>

/*
 * VHD_FORMAT_VHD or _VHDX, or 0 and an error of GRUB's.
 *
 * The content decides. If it looks like both, the extension of the name does:
 * a guest can write the mark of a VHDX to the start of its fixed VHD, or a
 * footer to the end of a VHDX, and must not choose by that how its image is
 * read. For the same reason an extension that says the contrary is an error.
 */
int vhd_format_of(const struct vhd_source *source, const char *path);

#endif

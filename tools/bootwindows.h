/* SPDX-License-Identifier: BSD-2-Clause */
/* boot-install --windows: scripts for native boot of a VHDX. */
#ifndef TOOLS_BOOTWINDOWS_H
#define TOOLS_BOOTWINDOWS_H

#include "bootinstall.h"

/*
 * Writes the script that adds an entry to Windows' boot menu, or the one that
 * takes it away, to `file` ("": standard output). `image` is the path from the
 * root of the volume. Returns an enum tool_exit, failures printed.
 */
int boot_windows_install(const struct boot_install *install, const char *image,
			 const char *file);
int boot_windows_remove(const struct boot_install *install, const char *file);

/* True for "C:", and for "locate". */
bool boot_windows_is_volume(const char *volume);

#endif

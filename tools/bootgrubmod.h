/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd.mod in the folders of GRUB's modules below a root. A module fits one
 * version of the GRUB package, and does damage in another: it says which one,
 * and the folder's modinfo.sh says which that is.
 */
#ifndef TOOLS_BOOTGRUBMOD_H
#define TOOLS_BOOTGRUBMOD_H

#include "bootplan.h"

/*
 * Plans the modules that are missing. Returns an enum tool_exit, failures
 * printed: GRUB would not have the module on any platform, or not that of its
 * version.
 */
int boot_grub_modules(struct boot_plan *plan, const char *files);

#endif

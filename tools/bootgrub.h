/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot-install --grub: in the system below `root`,
 *
 *	boot/grub/PLATFORM/vhd.mod      GRUB's module, for all entries
 *	usr/lib/grub/PLATFORM/vhd.mod   the same, for grub-install
 *	etc/grub.d/45_vhd_NAME          prints the entry into grub.cfg
 *	var/lib/vhdtool/grub.txt        notes of what is ours; see bootplan.h
 *	var/lib/vhdtool/grub-NAME.txt
 */
#ifndef TOOLS_BOOTGRUB_H
#define TOOLS_BOOTGRUB_H

#include "boothost.h"
#include "bootinstall.h"

/* Both return an enum tool_exit, failures printed. */
int boot_grub_install(const struct boot_install *install);
int boot_grub_remove(const struct boot_install *install);

#endif

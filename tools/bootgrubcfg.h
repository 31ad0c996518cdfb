/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of a menu entry for GRUB. */
#ifndef TOOLS_BOOTGRUBCFG_H
#define TOOLS_BOOTGRUBCFG_H

#include "boothost.h"
#include "bootinstall.h"

/*
 * A script for /etc/grub.d that prints the entry. Of `check` the file systems
 * inside are taken; NULL: the image was not looked at, and GRUB tries all
 * partitions. free() it. NULL if GRUB could not be told: printed.
 */
char *boot_grub_script(const struct boot_install *install,
		       const struct boot_host *host,
		       const struct boot_check *check);

#endif

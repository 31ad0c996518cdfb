/* SPDX-License-Identifier: BSD-2-Clause */
/* Entries of vhdboot.conf, beside the loader on the EFI system partition. */
#ifndef TOOLS_BOOTMENU_H
#define TOOLS_BOOTMENU_H

#include "bootconf.h"
#include "bootesp.h"

/* Both return an enum tool_exit, failures printed. */
int boot_menu_install(const struct boot_esp *esp,
		      const struct boot_loader *loader,
		      const struct boot_entry *entry, bool dry_run);
/* *found is set if there was such an entry. */
int boot_menu_remove(const struct boot_esp *esp, const char *name, bool dry_run,
		     bool *found);

#endif

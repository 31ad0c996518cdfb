/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of other boot managers that start vhdboot.efi with load options: in
 * systemd-boot's folder, and in the firmware's own list. Each has a note on the
 * EFI system partition (bootesp.h); there is one of a name.
 */
#ifndef TOOLS_BOOTENTRY_H
#define TOOLS_BOOTENTRY_H

#include "bootconf.h"
#include "bootesp.h"

/*
 * The load options that name the entry's image, as uefi/options.c reads them;
 * free() them. NULL if there are none: printed.
 */
char *boot_entry_options(const struct boot_entry *entry);

/* The note of an entry: from the root of the partition; free() it. */
char *boot_entry_note(const char *name);

/* True if there is one. */
bool boot_entry_exists(const struct boot_esp *esp, const char *name);

/* All return an enum tool_exit, failures printed. */
int boot_systemd_install(const struct boot_esp *esp,
			 const struct boot_loader *loader,
			 const struct boot_entry *entry, bool dry_run);
int boot_firmware_install(const struct boot_esp *esp,
			  const struct boot_loader *loader,
			  const struct boot_entry *entry, bool dry_run);

/* Of either; before its note is undone. */
int boot_firmware_remove(const struct boot_esp *esp, const char *name,
			 bool dry_run);
/* *found is set if there is one, and it is of the wanted kinds. */
int boot_entry_remove(const struct boot_esp *esp, const char *name,
		      bool systemd, bool firmware, bool dry_run, bool *found);

#endif

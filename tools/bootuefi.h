/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot-install --uefi: vhdboot.efi on an EFI system partition, and an entry
 * that starts it with an image.
 */
#ifndef TOOLS_BOOTUEFI_H
#define TOOLS_BOOTUEFI_H

#include "bootinstall.h"

/* Where the entry is. */
enum boot_entry_kind {
	BOOT_ENTRY_CONF,      /* vhdboot.conf: the menu of vhdboot.efi */
	BOOT_ENTRY_SYSTEMD,   /* loader/entries: systemd-boot */
	BOOT_ENTRY_FIRMWARE,  /* a Boot#### variable, by efibootmgr */
	BOOT_ENTRY_REMOVABLE, /* EFI/BOOT/vhdboot.conf, and BOOTX64.EFI */
	BOOT_ENTRY_KINDS,
};

/*
 * `image` is the path from the root of the volume. Both return an enum
 * tool_exit, failures printed. What is removed are the entries of that name of
 * one kind, or of all (BOOT_ENTRY_KINDS).
 */
int boot_uefi_install(const struct boot_install *install, const char *mount,
		      const char *image, enum boot_entry_kind kind);
int boot_uefi_remove(const struct boot_install *install, const char *mount,
		     enum boot_entry_kind kind);

#endif

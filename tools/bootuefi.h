/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdboot.efi and its entries on an EFI system partition:
 *
 *	EFI/vhdboot/vhdboot.efi    the loader, for all entries
 *	EFI/vhdboot/vhdboot.conf   the entries; see bootconf.h
 *	EFI/vhdboot/vhdtool.txt    which of these are ours
 *
 * The last is written first and goes last, so that whatever is ours can be
 * taken away again after a failure at any point. The entry comes when all it
 * needs is there.
 */
#ifndef TOOLS_BOOTUEFI_H
#define TOOLS_BOOTUEFI_H

#include "bootconf.h"

/* Both return an enum tool_exit, failures printed. */
int boot_uefi_install(const char *esp, const char *loader,
		      const struct boot_entry *entry, bool dry_run);
int boot_uefi_remove(const char *esp, const char *name, bool dry_run);

#endif

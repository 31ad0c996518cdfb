/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Can an image be started, in which way, and why not. Nothing is written, and
 * parents are looked for only where the loaders look: at or below the folder
 * of the image.
 */
#ifndef TOOLS_BOOTCHECK_H
#define TOOLS_BOOTCHECK_H

#include "chain.h"

enum boot_way {
	BOOT_UEFI,
	BOOT_GRUB,
	BOOT_LINUX,
	BOOT_WINDOWS,
	BOOT_WAYS,
};

/* Why not, one sentence each; none: it works. */
struct boot_reasons {
	char **items;
	size_t count;
};

/* A file system that GRUB can read, and a Linux may be on. */
struct boot_system {
	char *partition; /* as GRUB says: "gpt2", "msdos1"; "": there are none
			  */
	char *type;      /* "ext4" */
};

struct boot_check {
	int format, type;
	uint32_t sector_size;
	uint64_t size; /* of the disk, bytes */
	unsigned layers;
	bool log_dirty;      /* the loaders replay it in memory */
	bool efi_loader;     /* \EFI\BOOT\BOOTX64.EFI is inside */
	bool linux_inside;   /* a file system a Linux root may be on */
	bool windows_inside; /* NTFS */
	const char *host;    /* file system of the host; static */
	struct boot_system *systems;
	size_t system_count;
	struct boot_reasons reasons[BOOT_WAYS];
};

/* Fails (enum tool_exit, printed) if the image cannot be opened, or not be
 * looked into. */
int boot_check(const char *path, const struct open_options *options,
	       struct boot_check *out);
void boot_check_free(struct boot_check *check);

/* "uefi", "grub", "linux", "windows"; static. */
const char *boot_way_name(enum boot_way way);

#endif

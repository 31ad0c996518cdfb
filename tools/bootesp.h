/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our loader on an EFI system partition:
 *
 *	EFI/vhdboot/vhdboot.efi      for all entries, of whatever kind
 *	EFI/vhdboot/vhdboot.conf     entries of our own menu; see bootconf.h
 *	EFI/vhdboot/vhdtool.txt      which of these are ours
 *	EFI/vhdboot/vhdtool-*.txt    entries elsewhere; see bootplan.h
 *
 * or the same in EFI/BOOT, where the loader is BOOTX64.EFI: what a firmware
 * starts from a removable disk.
 *
 * The note is written first and goes last, so that whatever is ours can be
 * taken away again after a failure at any point. An entry comes when all it
 * needs is there.
 */
#ifndef TOOLS_BOOTESP_H
#define TOOLS_BOOTESP_H

#include <stdbool.h>
#include <stddef.h>

#define BOOT_ESP_LOADER "EFI/vhdboot/vhdboot.efi" /* from the root of it */
#define BOOT_ESP_NOTE   "EFI/vhdboot/vhdtool-%s.txt"

struct boot_esp {
	const char *mount; /* the caller's */
	char *efi, *folder, *loader, *conf, *note;
};

/* vhdboot.efi; free with boot_loader_free(). */
struct boot_loader {
	char *path; /* where it comes from */
	char *bytes;
	size_t length;
};

void boot_esp_get(const char *mount, bool removable, struct boot_esp *out);
void boot_esp_free(struct boot_esp *esp);

/* Reads vhdboot.efi from `files`, or where it is. An enum tool_exit, printed.
 */
int boot_loader_read(const char *files, struct boot_loader *out);
void boot_loader_free(struct boot_loader *loader);

/* True if there is a loader that is neither this one nor one put by us. */
bool boot_esp_is_foreign(const struct boot_esp *esp,
			 const struct boot_loader *loader);

/*
 * Sees that the loader is there; one that is there already is used as it is.
 * *first: there was no note, and if what comes next fails it is all to be let
 * go again. Returns an enum tool_exit, failures printed.
 */
int boot_esp_hold(const struct boot_esp *esp, const struct boot_loader *loader,
		  bool *first);

/* Takes away what the note says is ours. Nobody uses it any more. */
int boot_esp_let_go(const struct boot_esp *esp);

/* The same, if there is no entry left that needs the loader. */
int boot_esp_release(const struct boot_esp *esp);

/* True if the note says that the conf was not there before. */
bool boot_esp_owns_conf(const struct boot_esp *esp);

/* Says on stdout that the loader would be copied. */
void boot_esp_tell(const struct boot_esp *esp,
		   const struct boot_loader *loader);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootesp.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bootconf.h"
#include "bootfiles.h"
#include "command.h"
#include "diag.h"
#include "newfile.h"

#define NOTE_HEAD                                                              \
	"Made by vhdtool boot-install, which needs this file to take away "    \
	"what is its own.\n"

void boot_esp_get(const char *mount, bool removable, struct boot_esp *out)
{
	out->mount = mount;
	out->efi = boot_text("%s/EFI", mount);
	out->folder =
		boot_text("%s/%s", out->efi, removable ? "BOOT" : "vhdboot");
	out->loader = boot_text("%s/%s", out->folder,
				removable ? "BOOTX64.EFI" : "vhdboot.efi");
	out->conf = boot_text("%s/vhdboot.conf", out->folder);
	out->note = boot_text("%s/vhdtool.txt", out->folder);
}

void boot_esp_free(struct boot_esp *esp)
{
	free(esp->efi);
	free(esp->folder);
	free(esp->loader);
	free(esp->conf);
	free(esp->note);
}

int boot_loader_read(const char *files, struct boot_loader *out)
{
	static const struct boot_source source = {"vhdboot.efi",
						  "../lib/efi/vhdboot.efi",
						  VHD_EFI_DIR "/vhdboot.efi"};

	out->path = boot_file_load(files, &source, &out->bytes, &out->length);
	return out->path ? TOOL_DONE : TOOL_FAILED;
}

void boot_loader_free(struct boot_loader *loader)
{
	free(loader->path);
	free(loader->bytes);
}

/* The loader that is there is the one that the note tells of. */
static bool is_ours(const char *note, const char *bytes, size_t length)
{
	const char *line = strstr(note, "\nloader ");

	return line && strtoull(line + strlen("\nloader "), NULL, 16) ==
			       boot_fingerprint(bytes, length);
}

bool boot_esp_is_foreign(const struct boot_esp *esp,
			 const struct boot_loader *loader)
{
	char *note, *bytes;
	size_t length;
	bool foreign;

	if (!boot_is_there(esp->loader))
		return false;
	note = boot_text_read(esp->note);
	bytes = boot_file_read(esp->loader, &length);
	foreign = !bytes || !note ||
		  ((length != loader->length ||
		    memcmp(bytes, loader->bytes, length) != 0) &&
		   !is_ours(note, bytes, length));
	free(bytes);
	free(note);
	return foreign;
}

/* -- putting it there --------------------------------------------------------
 */

/* What is about to be ours. */
static char *make_note(const struct boot_esp *esp, bool efi, bool folder,
		       const struct boot_loader *loader)
{
	uint64_t sum = boot_fingerprint(loader->bytes, loader->length);
	char *own = boot_is_there(esp->loader)
			    ? boot_text("%s", "")
			    : boot_text("loader %016" PRIx64 "\n", sum);
	char *note = boot_text(NOTE_HEAD "%s%s%s%s", efi ? "EFI\n" : "",
			       folder ? "folder\n" : "",
			       boot_is_there(esp->conf) ? "" : "conf\n", own);

	free(own);
	return note;
}

static int make_folders(const struct boot_esp *esp,
			const struct boot_loader *loader)
{
	bool efi = false, folder = false;
	char *note;
	int rc = boot_folder_make(esp->efi, &efi);

	if (rc)
		return rc;
	rc = boot_folder_make(esp->folder, &folder);
	if (rc && efi)
		rmdir(esp->efi);
	if (rc || boot_is_there(esp->note))
		return rc;
	note = make_note(esp, efi, folder, loader);
	rc = boot_text_write(esp->note, note);
	free(note);
	if (rc && folder)
		rmdir(esp->folder);
	if (rc && efi)
		rmdir(esp->efi);
	return rc;
}

int boot_esp_hold(const struct boot_esp *esp, const struct boot_loader *loader,
		  bool *first)
{
	int rc;

	*first = !boot_is_there(esp->note);
	rc = make_folders(esp, loader);
	if (rc || boot_is_there(esp->loader))
		return rc;
	rc = newfile_write(esp->loader, loader->bytes, loader->length, true);
	if (rc && *first)
		boot_esp_let_go(esp);
	return rc;
}

void boot_esp_tell(const struct boot_esp *esp, const struct boot_loader *loader)
{
	if (!boot_is_there(esp->loader))
		printf("copy %s to %s\n", loader->path, esp->loader);
}

/* -- taking it away ----------------------------------------------------------
 */

static int delete_loader(const struct boot_esp *esp, const char *note)
{
	size_t length;
	char *bytes;
	bool ours;

	if (!strstr(note, "\nloader "))
		return TOOL_DONE;
	bytes = boot_file_read(esp->loader, &length);
	if (!bytes && errno == ENOENT)
		return TOOL_DONE;
	ours = bytes && is_ours(note, bytes, length);
	free(bytes);
	if (ours)
		return boot_file_delete(esp->loader);
	diag_warning(esp->loader,
		     "stays: it is not what boot-install put there");
	return TOOL_DONE;
}

int boot_esp_let_go(const struct boot_esp *esp)
{
	char *note = boot_text_read(esp->note);
	int rc;

	if (!note)
		return TOOL_FAILED;
	rc = delete_loader(esp, note);
	if (!rc && *note)
		rc = boot_file_delete(esp->note);
	/* not if somebody has put something in */
	if (!rc && strstr(note, "\nfolder\n"))
		rmdir(esp->folder);
	if (!rc && strstr(note, "\nEFI\n"))
		rmdir(esp->efi);
	free(note);
	return rc;
}

/* Entries in other boot managers: each has a note of its own. */
static bool has_notes(const struct boot_esp *esp)
{
	DIR *folder = opendir(esp->folder);
	struct dirent *entry;
	bool found = false;

	if (!folder)
		return false;
	while (!found && (entry = readdir(folder)))
		found = strncmp(entry->d_name, "vhdtool-", 8) == 0;
	closedir(folder);
	return found;
}

/* Entries of others alone need the loader, which is not ours. */
static int forget(const struct boot_esp *esp)
{
	char *note = boot_text_read(esp->note);
	int rc = note ? TOOL_DONE : TOOL_FAILED;

	if (note && !strstr(note, "\nloader "))
		rc = boot_file_delete(esp->note);
	free(note);
	return rc;
}

int boot_esp_release(const struct boot_esp *esp)
{
	char *conf = boot_text_read(esp->conf);
	int rc = TOOL_DONE;

	if (!conf)
		return TOOL_FAILED;
	if (!has_notes(esp) && boot_conf_is_empty(conf))
		rc = boot_esp_let_go(esp);
	else if (!has_notes(esp) && !boot_conf_has(conf, NULL))
		rc = forget(esp);
	free(conf);
	return rc;
}

bool boot_esp_owns_conf(const struct boot_esp *esp)
{
	char *note = boot_text_read(esp->note);
	bool own = note && strstr(note, "\nconf\n");

	free(note);
	return own;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootuefi.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bootfiles.h"
#include "command.h"
#include "diag.h"
#include "memory.h"
#include "newfile.h"

/* what vhdboot.efi reads */
#define CONF_ENTRIES 32u
#define CONF_BYTES   ((size_t)64 << 10)

#define NOTE_HEAD                                                              \
	"Made by vhdtool boot-install, which needs this file to take away "    \
	"what is its own.\n"

struct place {
	char *efi, *folder, *loader, *conf, *note;
};

static void place_get(const char *esp, struct place *out)
{
	out->efi = boot_text("%s/EFI", esp);
	out->folder = boot_text("%s/vhdboot", out->efi);
	out->loader = boot_text("%s/vhdboot.efi", out->folder);
	out->conf = boot_text("%s/vhdboot.conf", out->folder);
	out->note = boot_text("%s/vhdtool.txt", out->folder);
}

static void place_free(struct place *place)
{
	free(place->efi);
	free(place->folder);
	free(place->loader);
	free(place->conf);
	free(place->note);
}

/* "" if it is not there; NULL: printed */
static char *read_text(const char *path)
{
	size_t length;
	char *text = boot_file_read(path, &length);

	if (text && strlen(text) == length)
		return text;
	if (text)
		diag_error(path, "it is no text");
	else if (errno == ENOENT)
		return tool_must(strdup(""));
	else
		diag_error(path, "%s", strerror(errno));
	free(text);
	return NULL;
}

static int write_text(const char *path, const char *text)
{
	return newfile_write(path, text, strlen(text), true);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static int delete (const char *path)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return TOOL_DONE;
	return diag_error(path, "%s", strerror(errno));
}

/* FNV-1a: tells what we have put there from what came later. */
static uint64_t fingerprint(const char *bytes, size_t length)
{
	uint64_t h = 0xcbf29ce484222325u;

	while (length--)
		h = (h ^ (unsigned char)*bytes++) * 0x100000001b3u;
	return h;
}

/* The loader, if it is the one that the note tells of. */
static int delete_loader(const struct place *place, const char *note)
{
	const char *line = strstr(note, "\nloader ");
	size_t length;
	char *bytes;
	bool ours;

	if (!line)
		return TOOL_DONE;
	bytes = boot_file_read(place->loader, &length);
	if (!bytes && errno == ENOENT)
		return TOOL_DONE;
	ours = bytes &&
	       strtoull(line + 8, NULL, 16) == fingerprint(bytes, length);
	free(bytes);
	if (ours)
		return delete (place->loader);
	diag_warning(place->loader,
		     "stays: it is not what boot-install put there");
	return TOOL_DONE;
}

/* Takes away what the note says is ours. Nobody uses it any more. */
static int let_go(const struct place *place)
{
	char *note = read_text(place->note);
	int rc;

	if (!note)
		return TOOL_FAILED;
	rc = delete_loader(place, note);
	if (!rc && *note)
		rc = delete (place->note);
	/* not if somebody has put something in */
	if (!rc && strstr(note, "\nfolder\n"))
		rmdir(place->folder);
	if (!rc && strstr(note, "\nEFI\n"))
		rmdir(place->efi);
	free(note);
	return rc;
}

/* -- install -----------------------------------------------------------------
 */

static int check_conf(const struct place *place, const char *conf,
		      const struct boot_entry *entry)
{
	if (boot_conf_has(conf, entry->name)) {
		diag_error(place->conf, "there is an entry \"%s\" already",
			   entry->name);
		diag_hint("choose another --name, or --remove it first");
		return TOOL_FAILED;
	}
	if (boot_conf_count(conf) >= CONF_ENTRIES)
		return diag_error(place->conf,
				  "it has %u entries, the most "
				  "that vhdboot.efi reads",
				  CONF_ENTRIES);
	return TOOL_DONE;
}

/* What is about to be ours, for --remove. */
static char *make_note(const struct place *place, bool efi, bool folder,
		       uint64_t loader)
{
	char *own = is_there(place->loader)
			    ? boot_text("%s", "")
			    : boot_text("loader %016" PRIx64 "\n", loader);
	char *note = boot_text(NOTE_HEAD "%s%s%s%s", efi ? "EFI\n" : "",
			       folder ? "folder\n" : "",
			       is_there(place->conf) ? "" : "conf\n", own);

	free(own);
	return note;
}

static int make_folders(const struct place *place, uint64_t loader)
{
	bool efi = false, folder = false;
	char *note;
	int rc = boot_folder_make(place->efi, &efi);

	if (rc)
		return rc;
	rc = boot_folder_make(place->folder, &folder);
	if (rc && efi)
		rmdir(place->efi);
	if (rc || is_there(place->note))
		return rc;
	note = make_note(place, efi, folder, loader);
	rc = write_text(place->note, note);
	free(note);
	if (rc && folder)
		rmdir(place->folder);
	if (rc && efi)
		rmdir(place->efi);
	return rc;
}

/* a loader that is there already is used as it is */
static int put(const struct place *place, const char *loader, size_t length,
	       const char *conf)
{
	bool first = !is_there(place->note);
	int rc = make_folders(place, fingerprint(loader, length));

	if (rc)
		return rc;
	if (!is_there(place->loader))
		rc = newfile_write(place->loader, loader, length, true);
	if (!rc)
		rc = write_text(place->conf, conf);
	if (rc && first)
		let_go(place);
	return rc;
}

static int install(const struct place *place, const char *from,
		   const char *conf)
{
	size_t length;
	char *loader = boot_file_read(from, &length);
	int rc;

	if (!loader)
		return diag_error(from, "%s", strerror(errno));
	rc = put(place, loader, length, conf);
	free(loader);
	return rc;
}

static int tell_install(const struct place *place, const char *loader,
			const struct boot_entry *entry)
{
	if (!is_there(place->loader))
		printf("copy %s to %s\n", loader, place->loader);
	printf("add entry \"%s\" to %s: %s\n", entry->name, place->conf,
	       entry->image);
	return TOOL_DONE;
}

int boot_uefi_install(const char *esp, const char *loader,
		      const struct boot_entry *entry, bool dry_run)
{
	struct place place;
	char *old, *conf = NULL;
	int rc = TOOL_FAILED;

	place_get(esp, &place);
	old = read_text(place.conf);
	if (old)
		rc = check_conf(&place, old, entry);
	if (rc)
		goto out;
	conf = boot_conf_add(old, entry);
	if (strlen(conf) > CONF_BYTES)
		rc = diag_error(place.conf, "it would be longer than "
					    "vhdboot.efi reads (64 KiB)");
	else if (dry_run)
		rc = tell_install(&place, loader, entry);
	else
		rc = install(&place, loader, conf);
out:
	free(conf);
	free(old);
	place_free(&place);
	return rc;
}

/* -- remove ------------------------------------------------------------------
 */

static int tell_remove(const struct place *place, const char *name,
		       const char *conf)
{
	printf("take entry \"%s\" out of %s\n", name, place->conf);
	if (boot_conf_is_empty(conf))
		printf("delete %s, and what else is ours in %s\n", place->conf,
		       place->folder);
	return TOOL_DONE;
}

/* Entries of others are left, which need the loader, whosever that is. */
static int leave(const struct place *place, const char *conf, const char *note)
{
	int rc = write_text(place->conf, conf);

	if (!rc && !boot_conf_has(conf, NULL) && !strstr(note, "\nloader "))
		rc = delete (place->note);
	return rc;
}

/* The entry goes first. */
static int take_out(const struct place *place, const char *conf)
{
	char *note = read_text(place->note);
	int rc = TOOL_FAILED;

	if (note && !boot_conf_is_empty(conf))
		rc = leave(place, conf, note);
	else if (note && strstr(note, "\nconf\n"))
		rc = delete (place->conf);
	else if (note)
		rc = write_text(place->conf, conf);
	if (!rc && boot_conf_is_empty(conf))
		rc = let_go(place);
	free(note);
	return rc;
}

int boot_uefi_remove(const char *esp, const char *name, bool dry_run)
{
	struct place place;
	char *old, *conf;
	int rc = TOOL_FAILED;

	place_get(esp, &place);
	old = read_text(place.conf);
	conf = old ? boot_conf_remove(old, name) : NULL;
	if (conf && dry_run)
		rc = tell_remove(&place, name, conf);
	else if (conf)
		rc = take_out(&place, conf);
	else if (old)
		rc = diag_error(place.conf, "no entry \"%s\" of boot-install",
				name);
	free(conf);
	free(old);
	place_free(&place);
	return rc;
}

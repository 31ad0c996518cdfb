/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootentry.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bootfiles.h"
#include "bootplan.h"
#include "command.h"
#include "diag.h"

/* longest text that vhdboot.efi takes, less the NUL */
#define OPTIONS_MAX 511u

char *boot_entry_note(const char *name)
{
	return boot_text(BOOT_ESP_NOTE, name);
}

bool boot_entry_exists(const struct boot_esp *esp, const char *name)
{
	char *path = boot_text("%s/" BOOT_ESP_NOTE, esp->mount, name);
	bool there = boot_is_there(path);

	free(path);
	return there;
}

/* vhdboot.efi would take it for its own name, as a shell passes it */
static bool is_program(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	size_t n = strlen(name);

	return strcasecmp(name, "vhdboot") == 0 ||
	       (n >= 4 && strcasecmp(name + n - 4, ".efi") == 0);
}

/*
 * The volume and the path. What stands between quotes follows another word:
 * systemd-boot takes quotes away that stand around all of a value.
 */
static char *target_of(const struct boot_entry *entry)
{
	const char *volume = entry->volume ? entry->volume : "";
	const char *colon = entry->volume ? ":" : "";

	if (strchr(volume, ' ') || strchr(entry->image, ' ') ||
	    is_program(entry->image))
		return boot_text("vhdboot \"%s%s%s\"", volume, colon,
				 entry->image);
	return boot_text("%s%s%s", volume, colon, entry->image);
}

char *boot_entry_options(const struct boot_entry *entry)
{
	char *target, *text;

	if (strchr(entry->image, '"') ||
	    (entry->volume && strchr(entry->volume, '"'))) {
		diag_error(entry->image, "load options cannot name what has a "
					 "double quote in it");
		return NULL;
	}
	target = target_of(entry);
	text = boot_text("%s%s%s", target, entry->options ? " " : "",
			 entry->options ? entry->options : "");
	free(target);
	if (strlen(text) <= OPTIONS_MAX)
		return text;
	diag_error(entry->image, "is too long for load options (%u bytes)",
		   OPTIONS_MAX);
	free(text);
	return NULL;
}

/* -- systemd-boot ------------------------------------------------------------
 */

static int plan_systemd(struct boot_plan *plan, const struct boot_entry *entry,
			const char *options)
{
	char *path = boot_text("loader/entries/%s.conf", entry->name);
	char *text = boot_text("title   %s\nefi     /" BOOT_ESP_LOADER
			       "\noptions %s\n",
			       entry->title, options);
	char *there = boot_text("%s/%s", plan->base, path);
	int rc = TOOL_DONE;

	/* the same entry by somebody else is not ours, and not needed */
	if (boot_is_there(there)) {
		rc = diag_error(there, "there is such an entry already");
		diag_hint("choose another --name");
	} else {
		rc = boot_plan_file(plan, path, text, strlen(text), false);
	}
	free(there);
	free(text);
	free(path);
	return rc;
}

static int hold_and_apply(const struct boot_esp *esp,
			  const struct boot_loader *loader,
			  const struct boot_plan *plan)
{
	bool first;
	int rc = boot_esp_hold(esp, loader, &first);

	if (rc)
		return rc;
	rc = boot_plan_apply(plan);
	if (rc && first)
		boot_esp_let_go(esp);
	return rc;
}

static void warn_without_systemd(const struct boot_esp *esp)
{
	char *path = boot_text("%s/loader", esp->mount);

	if (!boot_is_there(path))
		diag_warning(path, "is not there: systemd-boot does not seem "
				   "to be installed");
	free(path);
}

/* The folder of the note is the loader's: it is made when that is put there. */
int boot_systemd_install(const struct boot_esp *esp,
			 const struct boot_loader *loader,
			 const struct boot_entry *entry, bool dry_run)
{
	char *options = boot_entry_options(entry);
	char *note = boot_entry_note(entry->name);
	struct boot_plan plan;
	int rc = TOOL_FAILED;

	boot_plan_begin_inside(&plan, esp->mount, note);
	boot_plan_word(&plan, "kind systemd-boot");
	if (options)
		rc = plan_systemd(&plan, entry, options);
	if (!rc)
		warn_without_systemd(esp);
	if (!rc && dry_run) {
		boot_esp_tell(esp, loader);
		boot_plan_tell(&plan);
	} else if (!rc) {
		rc = hold_and_apply(esp, loader, &plan);
	}
	boot_plan_free(&plan);
	free(note);
	free(options);
	return rc;
}

/* -- remove ------------------------------------------------------------------
 */

static int take_out(const struct boot_esp *esp, const char *note,
		    const char *name, bool firmware, bool dry_run)
{
	int rc =
		firmware ? boot_firmware_remove(esp, name, dry_run) : TOOL_DONE;

	if (!rc)
		rc = boot_note_undo(esp->mount, note, dry_run);
	if (!rc && !dry_run)
		rc = boot_esp_release(esp);
	return rc;
}

int boot_entry_remove(const struct boot_esp *esp, const char *name,
		      bool systemd, bool firmware, bool dry_run, bool *found)
{
	char *note, *kind;
	bool is_firmware;
	int rc = TOOL_DONE;

	if (!boot_entry_exists(esp, name))
		return TOOL_DONE;
	note = boot_entry_note(name);
	kind = boot_note_word(esp->mount, note, "kind");
	is_firmware = kind && strcmp(kind, "firmware") == 0;
	if (!kind) {
		rc = diag_error(note, "it is no note of boot-install");
	} else if (is_firmware ? firmware : systemd) {
		*found = true;
		rc = take_out(esp, note, name, is_firmware, dry_run);
	}
	free(kind);
	free(note);
	return rc;
}

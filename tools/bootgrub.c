/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootgrub.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootfiles.h"
#include "bootgrubcfg.h"
#include "bootgrubmod.h"
#include "bootplan.h"
#include "command.h"
#include "diag.h"

#define NOTES   BOOT_NOTE_FOLDER
#define MODULES NOTES "/grub.txt"

/* GRUB 2.06 has no search for PARTUUID= */
static const char *const tags[] = {"UUID=", "LABEL=", NULL};

static char *note_of(const char *name)
{
	return boot_text(NOTES "/grub-%s.txt", name);
}

static bool below_root(const struct boot_install *install, const char *path)
{
	char *there = boot_text("%s/%s", install->root, path);
	bool is = boot_is_there(there);

	free(there);
	return is;
}

static void tell_next(const struct boot_install *install)
{
	bool chroot = *install->root;

	printf("Now run: %s%s%s%s\n", chroot ? "chroot " : "",
	       chroot ? install->root : "", chroot ? " " : "",
	       below_root(install, "usr/sbin/update-grub")
		       ? "update-grub"
		       : "grub-mkconfig -o /boot/grub/grub.cfg");
}

/* -- install -----------------------------------------------------------------
 */

/* Modules are put anew if some have gone since. */
static int put_modules(const struct boot_install *install,
		       const struct boot_plan *modules, bool *first)
{
	*first = !below_root(install, MODULES);
	if (boot_plan_is_empty(modules)) {
		*first = false;
		return TOOL_DONE;
	}
	if (!*first && boot_note_undo(install->root, MODULES, false))
		return TOOL_FAILED;
	return boot_plan_apply(modules);
}

static int put(const struct boot_install *install,
	       const struct boot_plan *modules, const struct boot_plan *entry)
{
	bool first;
	int rc = TOOL_DONE;

	if (install->dry_run) {
		boot_plan_tell(modules);
		boot_plan_tell(entry);
		return TOOL_DONE;
	}
	rc = put_modules(install, modules, &first);
	if (rc)
		return rc;
	rc = boot_plan_apply(entry);
	if (rc && first)
		boot_note_undo(install->root, MODULES, false);
	if (!rc)
		tell_next(install);
	return rc;
}

static int plan_entry(struct boot_plan *plan,
		      const struct boot_install *install, const char *script)
{
	char *path = boot_text("etc/grub.d/45_vhd_%s", install->name);
	int rc;

	if (below_root(install, plan->note) || below_root(install, path)) {
		rc = diag_error(NULL, "%s/%s: there is an entry already",
				install->root, path);
		diag_hint("choose another --name, or --remove it first");
	} else {
		rc = boot_plan_file(plan, path, script, strlen(script), true);
	}
	free(path);
	return rc;
}

static int install_script(const struct boot_install *install,
			  const char *script)
{
	char *note = note_of(install->name);
	struct boot_plan modules, entry;
	int rc;

	boot_plan_begin(&modules, install->root, MODULES);
	boot_plan_begin(&entry, install->root, note);
	rc = boot_grub_modules(&modules, install->files);
	if (!rc)
		rc = plan_entry(&entry, install, script);
	if (!rc)
		rc = put(install, &modules, &entry);
	boot_plan_free(&entry);
	boot_plan_free(&modules);
	free(note);
	return rc;
}

static int check_inside(const struct boot_install *install,
			const struct boot_check *check)
{
	if (check->system_count)
		return TOOL_DONE;
	return diag_error(install->image,
			  "no file system inside that GRUB could read");
}

static int with_host(const struct boot_install *install,
		     const struct boot_host *host)
{
	struct boot_check check;
	char *script = NULL;
	bool looked = false;
	int rc = boot_install_check(install, BOOT_GRUB, &check, &looked);

	if (rc)
		return rc;
	if (looked)
		rc = check_inside(install, &check);
	if (!rc)
		script =
			boot_grub_script(install, host, looked ? &check : NULL);
	if (looked)
		boot_check_free(&check);
	rc = script ? install_script(install, script) : TOOL_FAILED;
	free(script);
	return rc;
}

int boot_grub_install(const struct boot_install *install)
{
	struct boot_host host;
	int rc = install->volume ? boot_host_given(install->volume,
						   install->image, tags, &host)
				 : boot_host_find(install->image, &host);

	if (rc)
		return rc;
	rc = with_host(install, &host);
	boot_host_free(&host);
	return rc;
}

/* -- remove ------------------------------------------------------------------
 */

/* Notes of entries: "grub-NAME.txt". */
static unsigned count_entries(const struct boot_install *install)
{
	char *path = boot_text("%s/" NOTES, install->root);
	DIR *dir = opendir(path);
	struct dirent *entry;
	unsigned count = 0;

	while (dir && (entry = readdir(dir)))
		count += strncmp(entry->d_name, "grub-", 5) == 0;
	if (dir)
		closedir(dir);
	free(path);
	return count;
}

static int take_out(const struct boot_install *install, const char *note)
{
	bool last = count_entries(install) == 1;
	int rc = boot_note_undo(install->root, note, install->dry_run);

	if (!rc && last && below_root(install, MODULES))
		rc = boot_note_undo(install->root, MODULES, install->dry_run);
	if (rc || install->dry_run)
		return rc;
	tell_next(install);
	return TOOL_DONE;
}

int boot_grub_remove(const struct boot_install *install)
{
	char *note = note_of(install->name);
	int rc;

	if (below_root(install, note))
		rc = take_out(install, note);
	else
		rc = diag_error(NULL,
				"%s/etc/grub.d: no entry \"%s\" of "
				"boot-install",
				install->root, install->name);
	free(note);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootinitramfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootfiles.h"
#include "boothost.h"
#include "bootplan.h"
#include "command.h"
#include "diag.h"

#define NOTE      BOOT_NOTE_FOLDER "/initramfs.txt"
#define FRAGMENT  "etc/default/grub.d/vhdroot.cfg"
#define VALUE_MAX 1024u

#define HOOK   "initramfs-tools/hooks/vhd"
#define SCRIPT "initramfs-tools/scripts/local-top/vhd"
#define BUILT  "../lib/linux/"

#define DRACUT_FILE(name)                                                      \
	{                                                                      \
		{"dracut/90vhd/" name, BUILT "dracut/90vhd/" name,             \
		 VHD_DRACUT_DIR "/90vhd/" name},                               \
			"usr/lib/dracut/modules.d/90vhd/" name                 \
	}

#define TOOLS_FILE(name)                                                       \
	{                                                                      \
		{name, BUILT name, VHD_DATA_DIR "/" name}, "etc/" name         \
	}

struct item {
	struct boot_source source;
	const char *target;
};

static const struct item program = {
	{"vhd-attach", "vhd-attach", VHD_HELPER_DIR "/vhd-attach"},
	"usr/bin/vhd-attach",
};

/* What makes an initramfs, and what it needs for ours. */
static const struct maker {
	const char *mark;      /* it is there if this is */
	const char *installed; /* by a package */
	const char *command;   /* which makes one anew */
	struct item items[4];
	size_t count;
} makers[] = {
	{"usr/share/initramfs-tools/hook-functions",
	 "usr/share/" HOOK,
	 "update-initramfs -u",
	 {TOOLS_FILE(HOOK), TOOLS_FILE(SCRIPT)},
	 2},
	{"usr/lib/dracut/modules.d",
	 "usr/lib/dracut/modules.d/90vhd/module-setup.sh",
	 "dracut --force",
	 {DRACUT_FILE("module-setup.sh"), DRACUT_FILE("vhd-attach.sh"),
	  DRACUT_FILE("vhd-finished.sh"), DRACUT_FILE("vhd-release.sh")},
	 4},
};

#define MAKERS (sizeof(makers) / sizeof(makers[0]))

static bool below_root(const struct boot_install *install, const char *path)
{
	char *there = boot_text("%s/%s", install->root, path);
	bool is = boot_is_there(there);

	free(there);
	return is;
}

static void tell_next(const struct boot_install *install, bool grub)
{
	bool chroot = *install->root;

	for (size_t i = 0; i < MAKERS; i++) {
		if (below_root(install, makers[i].mark))
			printf("Now run: %s%s%s%s\n", chroot ? "chroot " : "",
			       chroot ? install->root : "", chroot ? " " : "",
			       makers[i].command);
	}
	if (grub)
		printf("Now run: %s%s%supdate-grub\n", chroot ? "chroot " : "",
		       chroot ? install->root : "", chroot ? " " : "");
}

/* -- what is put there -------------------------------------------------------
 */

static int plan_item(struct boot_plan *plan, const char *files,
		     const struct item *item)
{
	size_t length;
	char *bytes,
		*path = boot_file_load(files, &item->source, &bytes, &length);
	int rc;

	if (!path)
		return TOOL_FAILED;
	rc = boot_plan_file(plan, item->target, bytes, length, true);
	free(bytes);
	free(path);
	return rc;
}

/* where the programs that make an initramfs look for others */
static bool has_program(const struct boot_install *install)
{
	return below_root(install, "usr/bin/vhd-attach") ||
	       below_root(install, "bin/vhd-attach") ||
	       below_root(install, "sbin/vhd-attach");
}

static int plan_maker(struct boot_plan *plan, const char *files,
		      const struct maker *maker)
{
	int rc = TOOL_DONE;

	for (size_t i = 0; i < maker->count && !rc; i++)
		rc = plan_item(plan, files, &maker->items[i]);
	return rc;
}

static int plan_files(struct boot_plan *plan,
		      const struct boot_install *install)
{
	bool any = false;
	int rc = TOOL_DONE;

	for (size_t i = 0; i < MAKERS && !rc; i++) {
		if (!below_root(install, makers[i].mark))
			continue;
		any = true;
		if (!below_root(install, makers[i].installed))
			rc = plan_maker(plan, install->files, &makers[i]);
	}
	if (!any)
		return diag_error(NULL,
				  "%s/: neither initramfs-tools nor dracut is "
				  "there",
				  install->root);
	if (!rc && !has_program(install))
		rc = plan_item(plan, install->files, &program);
	return rc;
}

/* -- vhdroot= ----------------------------------------------------------------
 */

static const char *const tags[] = {
	"PARTUUID=", "UUID=", "LABEL=", "PARTLABEL=", "/dev/", NULL};

/* It is read by a shell, then by GRUB, then by the kernel. */
static int check_word(const char *text)
{
	size_t n = strcspn(text, "'\"\\$`");
	int rc = boot_install_line("a path", text, VALUE_MAX);

	if (rc || !text[n])
		return rc;
	return diag_error(text,
			  "what has %c in it cannot be passed to a "
			  "kernel by GRUB",
			  text[n]);
}

static int plan_word(struct boot_plan *plan, const struct boot_host *host)
{
	char *word = boot_text("vhdroot=%s:%s", host->volume, host->path);
	const char *quote = strchr(word, ' ') ? "\\\"" : "";
	char *text;
	int rc = check_word(word);

	text = boot_text("# Made by vhdtool boot-install: where the image with "
			 "this system lies.\n"
			 "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX %s%s%s\"\n",
			 quote, word, quote);
	if (!rc)
		rc = boot_plan_file(plan, FRAGMENT, text, strlen(text), false);
	free(text);
	free(word);
	return rc;
}

static int plan_vhdroot(struct boot_plan *plan,
			const struct boot_install *install)
{
	struct boot_host host;
	int rc;

	if (!below_root(install, "etc/default/grub"))
		return diag_error(NULL,
				  "%s/etc/default/grub: there is no GRUB that "
				  "could be told",
				  install->root);
	rc = install->volume ? boot_host_given(install->volume, install->image,
					       tags, &host)
			     : boot_host_find(install->image, &host);
	if (rc)
		return rc;
	rc = plan_word(plan, &host);
	boot_host_free(&host);
	return rc;
}

/* -- install, remove ---------------------------------------------------------
 */

static int check_image(const struct boot_install *install)
{
	struct boot_check check;
	bool looked = false;
	int rc = boot_install_check(install, BOOT_LINUX, &check, &looked);

	if (!rc && looked)
		boot_check_free(&check);
	return rc;
}

static int check_note(const struct boot_install *install)
{
	if (!below_root(install, NOTE))
		return TOOL_DONE;
	diag_error(NULL, "%s/: it is installed there already", install->root);
	diag_hint("to change something, --remove it first");
	return TOOL_FAILED;
}

static int put(const struct boot_install *install, const struct boot_plan *plan,
	       bool vhdroot)
{
	int rc = TOOL_DONE;

	if (boot_plan_is_empty(plan))
		printf("Everything is there already.\n");
	else if (install->dry_run)
		boot_plan_tell(plan);
	else
		rc = boot_plan_apply(plan);
	if (!rc && !install->dry_run)
		tell_next(install, vhdroot);
	return rc;
}

int boot_initramfs_install(const struct boot_install *install, bool vhdroot)
{
	struct boot_plan plan;
	int rc = check_note(install);

	if (!rc)
		rc = check_image(install);
	if (rc)
		return rc;
	boot_plan_begin(&plan, install->root, NOTE);
	rc = plan_files(&plan, install);
	if (!rc && vhdroot)
		rc = plan_vhdroot(&plan, install);
	if (!rc)
		rc = put(install, &plan, vhdroot);
	boot_plan_free(&plan);
	return rc;
}

int boot_initramfs_remove(const struct boot_install *install)
{
	bool grub = below_root(install, FRAGMENT);
	int rc;

	if (!below_root(install, NOTE))
		return diag_error(NULL,
				  "%s/: nothing of boot-install for an "
				  "initramfs",
				  install->root);
	rc = boot_note_undo(install->root, NOTE, install->dry_run);
	if (rc || install->dry_run)
		return rc;
	tell_next(install, grub && !below_root(install, FRAGMENT));
	return TOOL_DONE;
}

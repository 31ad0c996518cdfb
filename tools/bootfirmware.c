/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An entry in the firmware's own list, through efibootmgr: which number it got
 * is what the note remembers. An entry is taken away only if label and loader
 * still are those it was made with: numbers are used again.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bootentry.h"
#include "bootfiles.h"
#include "bootplan.h"
#include "command.h"
#include "diag.h"
#include "helper.h"
#include "memory.h"

#define LOADER "\\EFI\\vhdboot\\vhdboot.efi"
#define DIGITS 4 /* of Boot0003 */

/* -- the partition -----------------------------------------------------------
 */

struct partition {
	char *disk, *number;
};

static void partition_free(struct partition *partition)
{
	free(partition->disk);
	free(partition->number);
}

/* the folder in sysfs of the device that the file system is on; or NULL */
static char *device_folder(const char *mount)
{
	const char *sys = secure_getenv("VHD_SYSFS");
	struct stat st;
	char *link, *real;

	if (stat(mount, &st))
		return NULL;
	link = boot_text("%s/dev/block/%u:%u", sys ? sys : "/sys",
			 major(st.st_dev), minor(st.st_dev));
	real = realpath(link, NULL);
	free(link);
	return real;
}

/* ".../sda/sda1" is a partition of "sda"; '!' stands for '/' in names there */
static char *disk_of(const char *folder)
{
	const char *end = strrchr(folder, '/'), *start = end;
	char *disk;

	while (start > folder && start[-1] != '/')
		start--;
	disk = boot_text("/dev/%.*s", (int)(end - start), start);
	for (char *c = disk; *c; c++) {
		if (*c == '!')
			*c = '/';
	}
	return disk;
}

static int find_partition(const char *mount, struct partition *out)
{
	char *folder = device_folder(mount);
	char *file = folder ? boot_text("%s/partition", folder) : NULL;
	char *number =
		file && boot_is_there(file) ? boot_text_read(file) : NULL;

	if (number) {
		number[strcspn(number, "\n")] = '\0';
		out->number = number;
		out->disk = disk_of(folder);
	}
	free(file);
	free(folder);
	if (number)
		return TOOL_DONE;
	diag_error(mount, "it is not the root of a partition of a disk, which "
			  "the firmware could name");
	return TOOL_FAILED;
}

/* -- efibootmgr --------------------------------------------------------------
 */

/* "Boot0003* Label<tab>HD(...)/File(\EFI\...)" */
static bool is_entry(const char *line)
{
	return strncmp(line, "Boot", 4) == 0 &&
	       strspn(line + 4, "0123456789ABCDEFabcdef") == DIGITS &&
	       (line[4 + DIGITS] == '*' || line[4 + DIGITS] == ' ') &&
	       line[4 + DIGITS + 1] == ' ';
}

/* The next entry at or behind `text`, or NULL. */
static const char *next_entry(const char *text)
{
	while (text && !is_entry(text)) {
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return text;
}

static const char *find_number(const char *list, const char *number)
{
	const char *at = list;

	while ((at = next_entry(at)) && strncmp(at + 4, number, DIGITS) != 0)
		at += 4 + DIGITS;
	return at;
}

/* It starts our loader, and has this label. */
static bool is_ours(const char *line, const char *label)
{
	const char *text = line + 4 + DIGITS + 2;
	char *copy = boot_text("%.*s", (int)strcspn(text, "\n"), text);
	size_t n = strlen(label);
	bool ours = strncmp(copy, label, n) == 0 && copy[n] == '\t' &&
		    strcasestr(copy + n, LOADER);

	free(copy);
	return ours;
}

static int run(const struct helper_arguments *a, char **output)
{
	int rc = helper_read("efibootmgr", a, output);

	if (rc == 0)
		return TOOL_DONE;
	if (rc < 0 && errno == ENOENT) {
		diag_error(NULL, "efibootmgr is not installed");
		diag_hint("it makes the firmware's entries; --entry "
			  "systemd-boot and others do without");
		return TOOL_FAILED;
	}
	if (rc < 0)
		diag_error("efibootmgr", "%s", strerror(errno));
	else
		diag_error("efibootmgr", "failed (exit status %d)", rc);
	if (!boot_is_there("/sys/firmware/efi/efivars"))
		diag_hint("there are no EFI variables here: this system was "
			  "not started by UEFI, or efivarfs is not mounted");
	return TOOL_FAILED;
}

/* efibootmgr WORD...; up to a NULL */
static int run_words(char **output, const char *const *words)
{
	struct helper_arguments a = {0};
	int rc;

	helper_add(&a, "efibootmgr");
	for (; *words; words++)
		helper_add(&a, *words);
	rc = run(&a, output);
	free(a.items);
	return rc;
}

static int list_entries(char **list)
{
	return run_words(list, (const char *const[]){"--verbose", NULL});
}

static int delete_entry(const char *number)
{
	char *output;
	int rc = run_words(&output,
			   (const char *const[]){"--bootnum", number,
						 "--delete-bootnum", NULL});

	if (!rc)
		free(output);
	return rc;
}

static int create_entry(const struct partition *p, const char *label,
			const char *options)
{
	char *output;
	int rc = run_words(&output,
			   (const char *const[]){"--create", "--disk", p->disk,
						 "--part", p->number, "--label",
						 label, "--loader", LOADER,
						 "--unicode", options, NULL});

	if (!rc)
		free(output);
	return rc;
}

/* Which one has come; NULL if none, else free() it. */
static char *new_number(const char *before, const char *after,
			const char *label)
{
	for (const char *at = after; (at = next_entry(at)); at += 4 + DIGITS) {
		char *number = boot_text("%.*s", DIGITS, at + 4);

		if (!find_number(before, number) && is_ours(at, label))
			return number;
		free(number);
	}
	return NULL;
}

static int create_and_find(const struct partition *p, const char *label,
			   const char *options, char **number)
{
	char *before, *after;
	int rc = list_entries(&before);

	if (rc)
		return rc;
	rc = create_entry(p, label, options);
	if (!rc)
		rc = list_entries(&after);
	if (!rc) {
		*number = new_number(before, after, label);
		if (!*number)
			rc = diag_error("efibootmgr", "the firmware does not "
						      "list the new entry");
		free(after);
	}
	free(before);
	return rc;
}

/* -- install -----------------------------------------------------------------
 */

static int write_note(const struct boot_esp *esp,
		      const struct boot_entry *entry, const char *number)
{
	char *note = boot_entry_note(entry->name);
	char *boot = boot_text("boot %s", number);
	char *label = boot_text("label %s", entry->title);
	struct boot_plan plan;
	int rc;

	boot_plan_begin_inside(&plan, esp->mount, note);
	boot_plan_word(&plan, "kind firmware");
	boot_plan_word(&plan, boot);
	boot_plan_word(&plan, label);
	rc = boot_plan_apply(&plan);
	boot_plan_free(&plan);
	free(label);
	free(boot);
	free(note);
	return rc;
}

static int put(const struct boot_esp *esp, const struct boot_loader *loader,
	       const struct boot_entry *entry, const struct partition *p,
	       const char *options)
{
	char *number = NULL;
	bool first;
	int rc = boot_esp_hold(esp, loader, &first);

	if (rc)
		return rc;
	rc = create_and_find(p, entry->title, options, &number);
	if (!rc) {
		rc = write_note(esp, entry, number);
		if (rc)
			delete_entry(number);
		free(number);
	}
	if (rc && first)
		boot_esp_let_go(esp);
	return rc;
}

int boot_firmware_install(const struct boot_esp *esp,
			  const struct boot_loader *loader,
			  const struct boot_entry *entry, bool dry_run)
{
	char *options = boot_entry_options(entry);
	struct partition p = {0};
	int rc = options ? find_partition(esp->mount, &p) : TOOL_FAILED;

	if (!rc && dry_run) {
		boot_esp_tell(esp, loader);
		printf("run efibootmgr --create --disk %s --part %s --label "
		       "'%s' --loader '" LOADER "' --unicode '%s'\n",
		       p.disk, p.number, entry->title, options);
	} else if (!rc) {
		rc = put(esp, loader, entry, &p, options);
	}
	partition_free(&p);
	free(options);
	return rc;
}

/* -- remove ------------------------------------------------------------------
 */

static int delete_ours(const char *number, const char *label, bool dry_run)
{
	const char *line;
	char *list;
	int rc = list_entries(&list);

	if (rc)
		return rc;
	line = find_number(list, number);
	if (line && !is_ours(line, label))
		diag_warning(NULL,
			     "Boot%s stays: it is not what boot-install made",
			     number);
	else if (line && dry_run)
		printf("delete Boot%s, \"%s\"\n", number, label);
	else if (line)
		rc = delete_entry(number);
	free(list);
	return rc;
}

int boot_firmware_remove(const struct boot_esp *esp, const char *name,
			 bool dry_run)
{
	char *note = boot_entry_note(name);
	char *number = boot_note_word(esp->mount, note, "boot");
	char *label = boot_note_word(esp->mount, note, "label");
	int rc;

	if (number && label)
		rc = delete_ours(number, label, dry_run);
	else
		rc = diag_error(note, "it does not tell of an entry");
	free(label);
	free(number);
	free(note);
	return rc;
}

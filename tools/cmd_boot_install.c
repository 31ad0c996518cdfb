/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool boot-install: puts a loader and an entry for an image in place, and
 * takes away what it has put.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootcheck.h"
#include "bootfiles.h"
#include "bootuefi.h"
#include "command.h"
#include "diag.h"
#include "memory.h"

/* longest value that vhdboot.efi takes, less the NUL */
#define VALUE_MAX 511u

static struct {
	struct open_options open;
	const char *uefi, *title, *name, *volume, *files;
	bool force, dry_run, remove;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "uefi",
	 .kind = OPTION_TEXT,
	 .target = &opt.uefi,
	 .argument = "ESP",
	 .help = "the folder where the EFI system partition is\nmounted"},
	{.name = "title",
	 .kind = OPTION_TEXT,
	 .target = &opt.title,
	 .argument = "TEXT",
	 .help = "in the menu; default: the name"},
	{.name = "name",
	 .kind = OPTION_TEXT,
	 .target = &opt.name,
	 .argument = "NAME",
	 .help = "of the entry; default: the image's, without\nextension"},
	{.name = "volume",
	 .kind = OPTION_TEXT,
	 .target = &opt.volume,
	 .argument = "ID",
	 .help = "PARTUUID=... or UUID=... of the volume of the\nimage, and "
		 "IMAGE is its path from there"},
	{.name = "files",
	 .kind = OPTION_TEXT,
	 .target = &opt.files,
	 .argument = "DIR",
	 .help = "where vhdboot.efi is; default: where it was\ninstalled"},
	{.name = "force",
	 .kind = OPTION_FLAG,
	 .target = &opt.force,
	 .help = "even if boot-check says that it would not start"},
	{.name = "dry-run",
	 .kind = OPTION_FLAG,
	 .target = &opt.dry_run,
	 .help = "only say what would be done"},
	{.name = "remove",
	 .kind = OPTION_FLAG,
	 .target = &opt.remove,
	 .help = "take away what was installed for the image"},
	{0},
};

/* of the image's file, with '-' for what a name may not have */
static char *name_of(const char *image)
{
	const char *slash = strrchr(image, '/');
	char *name = boot_text("%s", opt.name ? opt.name
				     : slash  ? slash + 1
					      : image);
	char *dot = opt.name ? NULL : strrchr(name, '.');

	if (dot && dot != name)
		*dot = '\0';
	for (char *c = name; *c; c++) {
		if (!isalnum((unsigned char)*c) && !strchr("-._", *c))
			*c = '-';
	}
	return name;
}

/* A value is a line, and blanks at its ends are lost. */
static int check_value(const char *what, const char *value)
{
	size_t n = strlen(value);

	for (const char *c = value; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return diag_error(value,
					  "%s with control characters "
					  "cannot be written down",
					  what);
	}
	if (n == 0 || n > VALUE_MAX || *value == ' ' || value[n - 1] == ' ')
		return diag_error(value,
				  "%s is empty, too long for vhdboot.efi (%u "
				  "bytes), or has a blank at an end",
				  what, VALUE_MAX);
	return TOOL_DONE;
}

static char *real_path(const char *path)
{
	char *real = realpath(path, NULL);

	if (!real)
		diag_error(path, "%s", strerror(errno));
	return real;
}

/* The path of the image from the root of the ESP. */
static int path_on_esp(const char *image, char **out)
{
	char *esp = real_path(opt.uefi), *real = esp ? real_path(image) : NULL;
	size_t n = esp ? strlen(esp) : 0;
	int rc = real ? TOOL_DONE : TOOL_FAILED;

	if (real && (strncmp(real, esp, n) != 0 || real[n] != '/')) {
		rc = diag_error(image,
				"it does not lie below %s, and the "
				"loader looks there",
				opt.uefi);
		diag_hint("copy it there, or name its volume: --volume "
			  "PARTUUID=... with the path from its root");
	} else if (real) {
		*out = tool_must(strdup(real + n));
	}
	free(esp);
	free(real);
	return rc;
}

static int path_on_volume(const char *image, char **out)
{
	if (strncmp(opt.volume, "PARTUUID=", 9) != 0 &&
	    strncmp(opt.volume, "UUID=", 5) != 0)
		return diag_usage("--volume %s: neither PARTUUID= nor UUID=",
				  opt.volume);
	if (*image != '/')
		return diag_usage("%s: with --volume, a path from the root of "
				  "that volume is needed",
				  image);
	*out = tool_must(strdup(image));
	return TOOL_DONE;
}

/* An image on a volume that is not at hand cannot be looked at. */
static int check_image(const char *image)
{
	struct boot_check check;
	const struct boot_reasons *why = &check.reasons[BOOT_UEFI];
	int rc;

	if (opt.volume || opt.force)
		return TOOL_DONE;
	rc = boot_check(image, &opt.open, &check);
	if (rc)
		return rc;
	for (size_t i = 0; i < why->count; i++)
		rc = diag_error(image, "%s", why->items[i]);
	if (rc)
		diag_hint("--force installs it all the same");
	boot_check_free(&check);
	return rc;
}

static int install(const char *image, struct boot_entry *entry)
{
	char *path = NULL, *loader = NULL;
	int rc = opt.volume ? path_on_volume(image, &path)
			    : path_on_esp(image, &path);

	if (!rc)
		rc = check_image(image);
	if (!rc)
		rc = check_value("a path", path);
	if (!rc)
		rc = check_value("a title", entry->title);
	if (!rc && opt.volume)
		rc = check_value("a volume", opt.volume);
	if (!rc) {
		loader = boot_file_find(opt.files, "vhdboot.efi");
		if (!loader) {
			rc = diag_error(NULL, "vhdboot.efi is not installed");
			diag_hint("--files DIR says where it is");
		}
	}
	entry->image = path;
	if (!rc)
		rc = boot_uefi_install(opt.uefi, loader, entry, opt.dry_run);
	free(loader);
	free(path);
	return rc;
}

static int run(const char *const *arguments)
{
	struct boot_entry entry = {.volume = opt.volume};
	char *name;
	int rc;

	if (!opt.uefi) {
		diag_usage("boot-install: --uefi ESP is needed");
		return TOOL_USAGE;
	}
	name = name_of(arguments[0]);
	entry.name = name;
	entry.title = opt.title ? opt.title : name;
	rc = opt.remove ? boot_uefi_remove(opt.uefi, name, opt.dry_run)
			: install(arguments[0], &entry);
	free(name);
	return rc;
}

const struct command boot_install_command = {
	.name = "boot-install",
	.arguments = "IMAGE",
	.argument_count = 1,
	.summary = "put a boot loader and an entry for an image in place",
	.description =
		"Copies vhdboot.efi to the EFI system partition, unless it is "
		"there, and adds an entry for the image to its vhdboot.conf. "
		"The image lies on the same partition, or on the one that "
		"--volume names. --remove takes the entry out, and the loader "
		"with the last one; files of others are never touched.",
	.options = options,
	.examples =
		"  vhdtool boot-install --uefi /boot/efi "
		"/boot/efi/images/debian.vhdx\n"
		"  vhdtool boot-install --remove --uefi /boot/efi debian.vhdx",
	.exits = "  0  done\n"
		 "  1  refused or failed; nothing was left half-done\n"
		 "  2  wrong usage",
	.run = run,
};

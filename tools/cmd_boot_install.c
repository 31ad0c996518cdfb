/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool boot-install: puts a loader and an entry for an image in place, and
 * takes away what it has put.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bootfiles.h"
#include "boothost.h"
#include "bootgrub.h"
#include "bootinitramfs.h"
#include "bootinstall.h"
#include "bootuefi.h"
#include "bootwindows.h"
#include "command.h"
#include "diag.h"
#include "memory.h"

#define KIND_NOT_GIVEN (-1)

static const char *const kinds[] = {"conf", "systemd-boot", "firmware",
				    "removable", NULL};

static struct {
	struct boot_install common;
	const char *uefi, *windows, *name, *root;
	bool grub, initramfs, vhdroot, remove;
	int kind;
} opt = {.kind = KIND_NOT_GIVEN};

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.common.open),
	{.name = "uefi",
	 .kind = OPTION_TEXT,
	 .target = &opt.uefi,
	 .argument = "ESP",
	 .help = "vhdboot.efi; ESP is the folder where the EFI\n"
		 "system partition is mounted"},
	{.name = "entry",
	 .kind = OPTION_CHOICE,
	 .target = &opt.kind,
	 .argument = "KIND",
	 .choices = kinds,
	 .help = "with --uefi, where the entry is made:\n"
		 "conf          vhdboot.conf, the menu of\n"
		 "              vhdboot.efi (default)\n"
		 "systemd-boot  loader/entries/NAME.conf\n"
		 "firmware      the firmware's list, by efibootmgr\n"
		 "removable     \\EFI\\BOOT\\BOOTX64.EFI and a\n"
		 "              vhdboot.conf beside it"},
	{.name = "grub",
	 .kind = OPTION_FLAG,
	 .target = &opt.grub,
	 .help = "GRUB's module, and a menu entry"},
	{.name = "initramfs",
	 .kind = OPTION_FLAG,
	 .target = &opt.initramfs,
	 .help = "vhd-attach and hooks, for the system that is\n"
		 "in the image"},
	{.name = "vhdroot",
	 .kind = OPTION_FLAG,
	 .target = &opt.vhdroot,
	 .help = "with --initramfs: tell that system's own GRUB,\n"
		 "too, where the image lies"},
	{.name = "windows",
	 .kind = OPTION_MAYBE,
	 .target = &opt.windows,
	 .argument = "[=FILE]",
	 .help = "write a script with the commands for bcdedit,\n"
		 "to standard output or to FILE"},
	{.name = "root",
	 .kind = OPTION_TEXT,
	 .target = &opt.root,
	 .argument = "DIR",
	 .help = "--grub, --initramfs: where the system is\n"
		 "mounted; default: /"},
	{.name = "title",
	 .kind = OPTION_TEXT,
	 .target = &opt.common.title,
	 .argument = "TEXT",
	 .help = "in the menu; default: the name"},
	{.name = "name",
	 .kind = OPTION_TEXT,
	 .target = &opt.name,
	 .argument = "NAME",
	 .help = "of the entry; default: the image's, without\nextension"},
	{.name = "volume",
	 .kind = OPTION_TEXT,
	 .target = &opt.common.volume,
	 .argument = "ID",
	 .help = "the volume of the image (UUID=..., for some\n"
		 "PARTUUID=... or LABEL=..., for Windows C:);\n"
		 "IMAGE is its path from there"},
	{.name = "options",
	 .kind = OPTION_TEXT,
	 .target = &opt.common.options,
	 .argument = "TEXT",
	 .help = "--uefi: for the loader inside; --grub: more\n"
		 "words for the kernel"},
	{.name = "files",
	 .kind = OPTION_TEXT,
	 .target = &opt.common.files,
	 .argument = "DIR",
	 .help = "where vhdboot.efi, PLATFORM/vhd.mod or\n"
		 "vhd-attach are; default: where they were\ninstalled"},
	{.name = "force",
	 .kind = OPTION_FLAG,
	 .target = &opt.common.force,
	 .help = "even if boot-check says that it would not start"},
	OPEN_SHARE_OPTION(opt.common.open),
	{.name = "dry-run",
	 .kind = OPTION_FLAG,
	 .target = &opt.common.dry_run,
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

static char *real_path(const char *path)
{
	char *real = realpath(path, NULL);

	if (!real)
		diag_error(path, "%s", strerror(errno));
	return real;
}

/* The path of the image from the root of the ESP. */
static int path_on_esp(char **out)
{
	const char *image = opt.common.image;
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

static int path_on_volume(const char *const *tags, char **out)
{
	struct boot_host host;
	int rc = boot_host_given(opt.common.volume, opt.common.image, tags,
				 &host);

	if (rc)
		return rc;
	*out = tool_must(strdup(host.path));
	boot_host_free(&host);
	return TOOL_DONE;
}

/* -- the four ways -----------------------------------------------------------
 */

static int install_uefi(void)
{
	static const char *const tags[] = {
		"PARTUUID=", "UUID=", "LABEL=", "PARTLABEL=", NULL};
	struct boot_check check;
	bool looked = false;
	char *path = NULL;
	int rc = opt.common.volume ? path_on_volume(tags, &path)
				   : path_on_esp(&path);

	if (!rc)
		rc = boot_install_check(&opt.common, BOOT_UEFI, &check,
					&looked);
	if (looked)
		boot_check_free(&check);
	if (!rc)
		rc = boot_uefi_install(
			&opt.common, opt.uefi, path,
			opt.kind == KIND_NOT_GIVEN
				? BOOT_ENTRY_CONF
				: (enum boot_entry_kind)opt.kind);
	free(path);
	return rc;
}

static int run_uefi(void)
{
	if (!opt.remove)
		return install_uefi();
	return boot_uefi_remove(&opt.common, opt.uefi,
				opt.kind == KIND_NOT_GIVEN
					? BOOT_ENTRY_KINDS
					: (enum boot_entry_kind)opt.kind);
}

static int run_grub(void)
{
	return opt.remove ? boot_grub_remove(&opt.common)
			  : boot_grub_install(&opt.common);
}

static int run_initramfs(void)
{
	/* the system may well run from it now */
	opt.common.open.force_share = true;
	return opt.remove ? boot_initramfs_remove(&opt.common)
			  : boot_initramfs_install(&opt.common, opt.vhdroot);
}

static int windows_path(char **out)
{
	const char *volume = opt.common.volume;

	if (volume && !boot_windows_is_volume(volume))
		return diag_usage("--volume %s: for Windows a volume is named "
				  "by its letter, as C:, or searched for: "
				  "locate",
				  volume);
	if (volume && *opt.common.image != '/')
		return diag_usage("%s: with --volume, a path from the root of "
				  "that volume is needed",
				  opt.common.image);
	*out = volume ? tool_must(strdup(opt.common.image))
		      : boot_host_path(opt.common.image);
	return *out ? TOOL_DONE : TOOL_FAILED;
}

static int run_windows(void)
{
	char *path = NULL;
	int rc;

	if (opt.remove)
		return boot_windows_remove(&opt.common, opt.windows);
	rc = windows_path(&path);
	if (!rc)
		rc = boot_windows_install(&opt.common, path, opt.windows);
	free(path);
	return rc;
}

static int check_usage(void)
{
	if (!!opt.uefi + opt.grub + opt.initramfs + !!opt.windows != 1)
		return diag_usage("boot-install: one of --uefi ESP, --grub, "
				  "--initramfs, --windows is needed");
	if (opt.kind != KIND_NOT_GIVEN && !opt.uefi)
		return diag_usage("--entry goes with --uefi");
	if (opt.vhdroot && !opt.initramfs)
		return diag_usage("--vhdroot goes with --initramfs");
	if (opt.root && !opt.grub && !opt.initramfs)
		return diag_usage("--root goes with --grub or --initramfs");
	if (opt.common.options && !opt.uefi && !opt.grub)
		return diag_usage("--options goes with --uefi or --grub");
	return TOOL_DONE;
}

static int run(const char *const *arguments)
{
	int rc = check_usage();
	char *name;

	if (rc)
		return rc;
	name = name_of(arguments[0]);
	opt.common.image = arguments[0];
	opt.common.name = name;
	opt.common.root =
		opt.root && strcmp(opt.root, "/") != 0 ? opt.root : "";
	if (!opt.common.title)
		opt.common.title = name;
	if (opt.uefi)
		rc = run_uefi();
	else if (opt.grub)
		rc = run_grub();
	else
		rc = opt.initramfs ? run_initramfs() : run_windows();
	free(name);
	return rc;
}

const struct command boot_install_command = {
	.name = "boot-install",
	.arguments = "IMAGE",
	.argument_count = 1,
	.summary = "put a boot loader and an entry for an image in place",
	.description =
		"Makes a machine start from an image, in one of four ways: by "
		"vhdboot.efi on the EFI system partition, by GRUB with vhd.mod, "
		"by the initramfs of the system inside, or by Windows' own boot "
		"manager, for which it writes a script. An image that "
		"boot-check says would not start is refused. --remove takes "
		"away what was put there, unless it has changed since; files "
		"of others are never touched.",
	.options = options,
	.examples =
		"  vhdtool boot-install --uefi /boot/efi "
		"/boot/efi/images/debian.vhdx\n"
		"  vhdtool boot-install --uefi /boot/efi --entry systemd-boot "
		"\\\n"
		"      --volume PARTUUID=0f3b7c52-01 /images/debian.vhdx\n"
		"  vhdtool boot-install --grub --title 'Debian in a file' "
		"/srv/debian.vhdx\n"
		"  vhdtool boot-install --initramfs --root /mnt "
		"/srv/debian.vhdx\n"
		"  vhdtool boot-install --windows=add.cmd --volume C: "
		"/vm/windows.vhdx\n"
		"  vhdtool boot-install --remove --uefi /boot/efi debian.vhdx",
	.exits = "  0  done\n"
		 "  1  refused or failed; nothing was left half-done\n"
		 "  2  wrong usage",
	.run = run,
};

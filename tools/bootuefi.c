/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootuefi.h"

#include <string.h>

#include "bootentry.h"
#include "bootmenu.h"
#include "command.h"
#include "diag.h"

/* longest value that vhdboot.efi takes, less the NUL */
#define VALUE_MAX 511u

static int check_text(const struct boot_install *install, const char *image)
{
	int rc = boot_install_line("a path", image, VALUE_MAX);

	if (!rc)
		rc = boot_install_line("a title", install->title, VALUE_MAX);
	if (!rc && install->volume)
		rc = boot_install_line("a volume", install->volume, VALUE_MAX);
	if (!rc && install->options)
		rc = boot_install_line("options", install->options, VALUE_MAX);
	if (!rc && strchr(image, ':'))
		rc = diag_error(image, "a path with a colon cannot be told to "
				       "vhdboot.efi");
	return rc;
}

static int check_name(const struct boot_esp *esp, const char *name)
{
	if (!boot_entry_exists(esp, name))
		return TOOL_DONE;
	diag_error(esp->mount, "there is an entry \"%s\" already", name);
	diag_hint("choose another --name, or --remove it first");
	return TOOL_FAILED;
}

static int check_removable(const struct boot_esp *esp,
			   const struct boot_loader *loader)
{
	if (!boot_esp_is_foreign(esp, loader))
		return TOOL_DONE;
	diag_error(esp->loader, "there is another loader");
	diag_hint("it stays; --entry firmware or --entry systemd-boot start "
		  "ours beside it");
	return TOOL_FAILED;
}

static int install_entry(const struct boot_install *install,
			 const struct boot_esp *esp,
			 const struct boot_loader *loader, const char *image,
			 enum boot_entry_kind kind)
{
	const struct boot_entry entry = {
		.name = install->name,
		.title = install->title,
		.volume = install->volume,
		.image = image,
		.options = install->options,
	};
	int rc = TOOL_DONE;

	if (kind == BOOT_ENTRY_CONF)
		return boot_menu_install(esp, loader, &entry, install->dry_run);
	if (kind == BOOT_ENTRY_REMOVABLE) {
		rc = check_removable(esp, loader);
		return rc ? rc
			  : boot_menu_install(esp, loader, &entry,
					      install->dry_run);
	}
	rc = check_name(esp, install->name);
	if (rc)
		return rc;
	return kind == BOOT_ENTRY_SYSTEMD
		       ? boot_systemd_install(esp, loader, &entry,
					      install->dry_run)
		       : boot_firmware_install(esp, loader, &entry,
					       install->dry_run);
}

int boot_uefi_install(const struct boot_install *install, const char *mount,
		      const char *image, enum boot_entry_kind kind)
{
	struct boot_loader loader;
	struct boot_esp esp;
	int rc = check_text(install, image);

	if (!rc)
		rc = boot_loader_read(install->files, &loader);
	if (rc)
		return rc;
	boot_esp_get(mount, kind == BOOT_ENTRY_REMOVABLE, &esp);
	rc = install_entry(install, &esp, &loader, image, kind);
	boot_esp_free(&esp);
	boot_loader_free(&loader);
	return rc;
}

static int remove_kind(const struct boot_install *install, const char *mount,
		       enum boot_entry_kind kind, bool *found)
{
	bool in_conf = kind == BOOT_ENTRY_CONF || kind == BOOT_ENTRY_REMOVABLE;
	struct boot_esp esp;
	int rc;

	boot_esp_get(mount, kind == BOOT_ENTRY_REMOVABLE, &esp);
	rc = in_conf ? boot_menu_remove(&esp, install->name, install->dry_run,
					found)
		     : boot_entry_remove(&esp, install->name,
					 kind == BOOT_ENTRY_SYSTEMD,
					 kind == BOOT_ENTRY_FIRMWARE,
					 install->dry_run, found);
	boot_esp_free(&esp);
	return rc;
}

int boot_uefi_remove(const struct boot_install *install, const char *mount,
		     enum boot_entry_kind kind)
{
	bool found = false;
	int rc = TOOL_DONE;

	for (int k = 0; k < BOOT_ENTRY_KINDS && !rc; k++) {
		if (kind == BOOT_ENTRY_KINDS || (int)kind == k)
			rc = remove_kind(install, mount,
					 (enum boot_entry_kind)k, &found);
	}
	if (!rc && !found)
		rc = diag_error(mount, "no entry \"%s\" of boot-install",
				install->name);
	return rc;
}

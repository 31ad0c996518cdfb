/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootmenu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bootfiles.h"
#include "command.h"
#include "diag.h"

/* what vhdboot.efi reads */
#define CONF_ENTRIES 32u
#define CONF_BYTES   ((size_t)64 << 10)

static int check_conf(const struct boot_esp *esp, const char *conf,
		      const struct boot_entry *entry)
{
	if (boot_conf_has(conf, entry->name)) {
		diag_error(esp->conf, "there is an entry \"%s\" already",
			   entry->name);
		diag_hint("choose another --name, or --remove it first");
		return TOOL_FAILED;
	}
	if (boot_conf_count(conf) >= CONF_ENTRIES)
		return diag_error(esp->conf,
				  "it has %u entries, the most "
				  "that vhdboot.efi reads",
				  CONF_ENTRIES);
	return TOOL_DONE;
}

static int install(const struct boot_esp *esp, const struct boot_loader *loader,
		   const char *conf)
{
	bool first;
	int rc = boot_esp_hold(esp, loader, &first);

	if (rc)
		return rc;
	rc = boot_text_write(esp->conf, conf);
	if (rc && first)
		boot_esp_let_go(esp);
	return rc;
}

static int tell_install(const struct boot_esp *esp,
			const struct boot_loader *loader,
			const struct boot_entry *entry)
{
	boot_esp_tell(esp, loader);
	printf("add entry \"%s\" to %s: %s\n", entry->name, esp->conf,
	       entry->image);
	return TOOL_DONE;
}

int boot_menu_install(const struct boot_esp *esp,
		      const struct boot_loader *loader,
		      const struct boot_entry *entry, bool dry_run)
{
	char *old = boot_text_read(esp->conf), *conf = NULL;
	int rc = old ? check_conf(esp, old, entry) : TOOL_FAILED;

	if (!rc)
		conf = boot_conf_add(old, entry);
	if (conf && strlen(conf) > CONF_BYTES)
		rc = diag_error(esp->conf, "it would be longer than "
					   "vhdboot.efi reads (64 KiB)");
	else if (conf && dry_run)
		rc = tell_install(esp, loader, entry);
	else if (conf)
		rc = install(esp, loader, conf);
	free(conf);
	free(old);
	return rc;
}

/* -- remove ------------------------------------------------------------------
 */

static int tell_remove(const struct boot_esp *esp, const char *name,
		       const char *conf)
{
	printf("take entry \"%s\" out of %s\n", name, esp->conf);
	if (boot_conf_is_empty(conf))
		printf("delete %s, and what else is ours in %s\n", esp->conf,
		       esp->folder);
	return TOOL_DONE;
}

/* The entry goes first. */
static int take_out(const struct boot_esp *esp, const char *conf)
{
	int rc = boot_conf_is_empty(conf) && boot_esp_owns_conf(esp)
			 ? boot_file_delete(esp->conf)
			 : boot_text_write(esp->conf, conf);

	return rc ? rc : boot_esp_release(esp);
}

int boot_menu_remove(const struct boot_esp *esp, const char *name, bool dry_run,
		     bool *found)
{
	char *old = boot_text_read(esp->conf);
	char *conf = old ? boot_conf_remove(old, name) : NULL;
	int rc = old ? TOOL_DONE : TOOL_FAILED;

	if (conf)
		*found = true;
	if (conf && dry_run)
		rc = tell_remove(esp, name, conf);
	else if (conf)
		rc = take_out(esp, conf);
	free(conf);
	free(old);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdboot.efi: starts the image that its load options name, or an entry of
 * vhdboot.conf. Stays in memory while what is inside runs, for it is the disk.
 */
#include "console.h"
#include "firmware.h"
#include "memory.h"
#include "menu.h"
#include "options.h"
#include "settings.h"
#include "start.h"

/* after a failure, a machine that nobody looks at goes on to its next way to
 * boot */
#define PATIENCE 60u

efi_status efi_main(efi_handle image, struct efi_system_table *system);

static efi_status start_and_pause(const struct conf_entry *entry)
{
	efi_status status = start_entry(entry);

	console_pause();
	return status;
}

static efi_status run_menu(const struct conf *conf)
{
	efi_status status = EFI_SUCCESS;
	int choice = (int)conf->chosen;

	if (conf->timeout)
		choice = menu_choose(conf, conf->timeout, 1);
	while (choice != MENU_LEAVE) {
		status = start_and_pause(&conf->entries[choice]);
		choice = menu_choose(conf, PATIENCE, 0);
	}
	return status == EFI_SUCCESS ? EFI_ABORTED : status;
}

static efi_status run_settings(void)
{
	struct vhd_diag diag = {0};
	struct conf *conf;
	efi_status status;
	int rc = settings_read(&conf, &diag);

	if (rc) {
		console_explain(SETTINGS_NAME, &diag);
		console_pause();
		return firmware_status(rc);
	}
	if (conf->count > 1 || conf->timeout)
		status = run_menu(conf);
	else
		status = start_and_pause(&conf->entries[0]);
	memory_put(conf);
	return status;
}

static efi_status run_options(struct conf_entry *entry)
{
	efi_status status;

	if (options_parse(firmware_self->options, firmware_self->options_size,
			  entry))
		status = start_and_pause(entry);
	else
		status = run_settings();
	return status;
}

efi_status efi_main(efi_handle image, struct efi_system_table *system)
{
	struct conf_entry *entry;
	efi_status status = firmware_start(image, system);

	if (status != EFI_SUCCESS)
		return status;
	/* a menu may wait longer than boot managers expect */
	system->boot->set_watchdog(0, 0, 0, NULL);
	entry = memory_get(sizeof(*entry));
	if (!entry)
		return EFI_OUT_OF_RESOURCES;
	status = run_options(entry);
	memory_put(entry);
	return status;
}

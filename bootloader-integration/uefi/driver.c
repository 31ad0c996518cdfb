/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd.efi: publishes each image that vhdboot.conf names and stays in memory.
 * It starts nothing: a boot manager finds the file systems inside, or
 * vhdboot.efi takes a disk that is there already.
 *
 * The default entry, or the only one, is what the variable VhdBootImage says,
 * until vhdboot.efi says something else.
 */
#include "console.h"
#include "disk.h"
#include "firmware.h"
#include "memory.h"
#include "settings.h"

static struct disk *disks[CONF_ENTRIES];

efi_status efi_main(efi_handle image, struct efi_system_table *system);

static efi_status unload(efi_handle image)
{
	(void)image;
	for (unsigned i = 0; i < CONF_ENTRIES; i++) {
		disk_close(disks[i]);
		disks[i] = NULL;
	}
	place_forget();
	return EFI_SUCCESS;
}

static void announce(const struct disk *disk)
{
	struct vhd_diag diag = {0};

	if (disk && place_announce(disk_place(disk), &diag))
		console_explain("EFI variable VhdBootImage", &diag);
}

/* how many disks there are now */
static unsigned publish(const struct conf *conf)
{
	unsigned count = 0;

	for (unsigned i = 0; i < conf->count; i++) {
		struct vhd_diag diag = {0};

		if (disk_open(&conf->entries[i], &disks[i], &diag)) {
			console_explain(conf->entries[i].image, &diag);
			continue;
		}
		console_say("vhd: ", conf->entries[i].image, " is a disk\n",
			    NULL);
		count++;
	}
	announce(disks[conf->chosen]);
	return count;
}

efi_status efi_main(efi_handle image, struct efi_system_table *system)
{
	efi_status status = firmware_start(image, system);
	struct vhd_diag diag = {0};
	struct conf *conf;
	unsigned count;
	int rc;

	if (status != EFI_SUCCESS)
		return status;
	rc = settings_read(&conf, &diag);
	if (rc) {
		console_explain(SETTINGS_NAME, &diag);
		return firmware_status(rc);
	}
	count = publish(conf);
	memory_put(conf);
	if (!count)
		return EFI_NOT_FOUND; /* the firmware unloads us */
	firmware_self->unload = unload;
	return EFI_SUCCESS;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "start.h"

#include "console.h"
#include "core/diag.h"
#include "core/mem.h"
#include "core/utf16.h"
#include "devpath.h"
#include "disk.h"
#include "firmware.h"
#include "memory.h"
#include "text.h"

#define WATCHDOG_SECONDS 300 /* as boot managers set it */

#if defined(__aarch64__)
#	define LOADER "/EFI/BOOT/BOOTAA64.EFI"
#else
#	define LOADER "/EFI/BOOT/BOOTX64.EFI"
#endif

static const char *loader_of(const struct conf_entry *entry)
{
	return entry->loader[0] ? entry->loader : LOADER;
}

/* -- the loader ---------------------------------------------------------------
 */

/* NOT_FOUND: this file system does not have it */
static efi_status load_from(const void *volume, const char *loader,
			    efi_handle *out)
{
	void *path = devpath_file(volume, loader);
	efi_handle image = NULL;
	efi_status status;

	if (!path)
		return EFI_OUT_OF_RESOURCES;
	status = firmware->boot->load_image(0, firmware_image, path, NULL, 0,
					    &image);
	memory_put(path);
	/* loaded, but not to be started */
	if (status == EFI_SECURITY_VIOLATION && image)
		firmware->boot->unload_image(image);
	if (status == EFI_SUCCESS)
		*out = image;
	return status;
}

/* from the first file system of the disk that has it */
static efi_status load(const void *disk, const char *loader, efi_handle *out)
{
	efi_status status = EFI_NOT_FOUND;
	size_t count;
	efi_handle *handles = firmware_handles(&efi_file_system_guid, &count);

	for (size_t i = 0; handles && i < count && status == EFI_NOT_FOUND;
	     i++) {
		const void *path =
			firmware_protocol(handles[i], &efi_device_path_guid);

		if (path && devpath_is_below(path, disk))
			status = load_from(path, loader, out);
	}
	firmware_free(handles);
	return status;
}

static void set_options(efi_handle image, const char *text, uint8_t *units)
{
	struct efi_loaded_image *loaded =
		firmware_protocol(image, &efi_loaded_image_guid);
	size_t n = vhd_utf16_encode(text, VHD_UTF16_LE, units, 2 * CONF_TEXT);

	if (!loaded || !n)
		return;
	memset(units + n, 0, 2);
	loaded->options = units;
	loaded->options_size = (uint32_t)n + 2;
}

static efi_status run(efi_handle image, const char *options)
{
	uint8_t *units = memory_get(2 * CONF_TEXT + 2);
	efi_char *text = NULL;
	size_t size = 0;
	efi_status status;

	if (units)
		set_options(image, options, units);
	firmware->boot->set_watchdog(WATCHDOG_SECONDS, 0, 0, NULL);
	status = firmware->boot->start_image(image, &size, &text);
	firmware->boot->set_watchdog(0, 0, 0, NULL);
	firmware_free(text);
	memory_put(units);
	return status;
}

/* -- the entry ----------------------------------------------------------------
 */

static efi_status start_at(const struct place *place,
			   const struct conf_entry *entry)
{
	const char *loader = loader_of(entry);
	struct vhd_diag diag = {0};
	efi_handle image = NULL;
	efi_status status = load(place->path, loader, &image);

	if (status != EFI_SUCCESS) {
		console_say("\nvhdboot: ", place->image, ": its loader ",
			    loader, ": ",
			    status == EFI_NOT_FOUND
				    ? "not found on a file system inside"
				    : firmware_error(status),
			    "\n", NULL);
		return status;
	}
	if (place_announce(place, &diag))
		console_explain("EFI variable VhdBootImage", &diag);
	status = run(image, entry->options);
	place_forget();
	console_say("\nvhdboot: ", place->image,
		    ": the loader has come back: ", firmware_error(status),
		    "\n", NULL);
	return status;
}

/* the disk is somebody else's; only its place is looked up */
static efi_status start_published(const struct conf_entry *entry,
				  struct vhd_diag *diag)
{
	struct place *place = memory_get(sizeof(*place));
	efi_status status = EFI_OUT_OF_RESOURCES;
	int rc;

	if (!place)
		return status;
	rc = place_open(place, entry, diag);
	if (!rc) {
		status = start_at(place, entry);
		place_close(place);
	}
	memory_put(place);
	return rc ? firmware_status(rc) : status;
}

/* a file system that was not found may be there and not be readable */
static void explain_reads(const struct disk *disk)
{
	int error = disk_error(disk);

	if (error)
		console_say("vhdboot: ", disk_place(disk)->image,
			    ": reading the disk in it failed: ",
			    vhd_strerror(error), "\n", NULL);
}

efi_status start_entry(const struct conf_entry *entry)
{
	struct vhd_diag diag = {0};
	struct disk *disk;
	efi_status status;
	int rc = disk_open(entry, &disk, &diag);

	if (rc == VHD_E_EXISTS)
		return start_published(entry, &diag);
	if (rc) {
		console_explain(entry->image, &diag);
		return firmware_status(rc);
	}
	status = start_at(disk_place(disk), entry);
	if (status != EFI_SUCCESS)
		explain_reads(disk);
	disk_close(disk);
	return status;
}

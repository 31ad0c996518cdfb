/* SPDX-License-Identifier: BSD-2-Clause */
#include "place.h"

#include "core/diag.h"
#include "devpath.h"
#include "firmware.h"
#include "memory.h"
#include "text.h"

#define VOLATILE (EFI_VARIABLE_BOOTSERVICE | EFI_VARIABLE_RUNTIME)

static const efi_char variable[] = u"VhdBootImage";

/* {6d9a5b1e-3f0c-4c57-9a86-0b7d3f5e2c41} */
static const struct vhd_guid vendor = {{0x1e, 0x5b, 0x9a, 0x6d, 0x0c, 0x3f,
					0x57, 0x4c, 0x9a, 0x86, 0x0b, 0x7d,
					0x3f, 0x5e, 0x2c, 0x41}};

int place_open(struct place *place, const struct conf_entry *entry,
	       struct vhd_diag *diag)
{
	int rc;

	place->path = NULL;
	if (!text_path(place->image, sizeof(place->image), entry->image))
		return vhd_fail(diag, VHD_E_LIMIT, NULL, VHD_NO_OFFSET,
				"the path is too long");
	rc = volume_open(&place->volume, entry->volume, diag);
	if (rc)
		return rc;
	place->path = devpath_disk(place->volume.path, place->image);
	if (!place->path) {
		volume_close(&place->volume);
		return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				"the path is no UTF-8, or there is no memory");
	}
	return 0;
}

void place_close(struct place *place)
{
	memory_put(place->path);
	volume_close(&place->volume);
}

efi_handle place_published(const struct place *place)
{
	const void *rest = place->path;
	efi_handle handle = NULL;

	if (firmware->boot->locate_device_path(&efi_block_io_guid, &rest,
					       &handle) != EFI_SUCCESS)
		return NULL;
	/* a path that is left over: the handle of the volume below */
	return devpath_length(rest) ? NULL : handle;
}

int place_announce(const struct place *place, struct vhd_diag *diag)
{
	char text[VOLUME_NAME + CONF_TEXT] = "";
	efi_status status;

	text_add(text, sizeof(text), place->volume.name);
	text_add(text, sizeof(text), ":");
	text_add(text, sizeof(text), place->image);
	status = firmware->runtime->set_variable(variable, &vendor, VOLATILE,
						 text_length(text), text);
	return status == EFI_SUCCESS ? 0
				     : firmware_fail(diag, VHD_E_IO, status);
}

void place_forget(void)
{
	firmware->runtime->set_variable(variable, &vendor, 0, 0, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "firmware.h"

#include "core/diag.h"
#include "core/mem.h"
#include "memory.h"

#define BLOCK_IO                                                               \
	{                                                                      \
		0x21, 0x5b, 0x4e, 0x96, 0x59, 0x64, 0xd2, 0x11, 0x8e, 0x39,    \
			0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b                     \
	}
#define FILE_SYSTEM                                                            \
	{                                                                      \
		0x22, 0x5b, 0x4e, 0x96, 0x59, 0x64, 0xd2, 0x11, 0x8e, 0x39,    \
			0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b                     \
	}
#define DEVICE_PATH                                                            \
	{                                                                      \
		0x91, 0x6e, 0x57, 0x09, 0x3f, 0x6d, 0xd2, 0x11, 0x8e, 0x39,    \
			0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b                     \
	}
#define LOADED_IMAGE                                                           \
	{                                                                      \
		0xa1, 0x31, 0x1b, 0x5b, 0x62, 0x95, 0xd2, 0x11, 0x8e, 0x3f,    \
			0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b                     \
	}

#define PARTITION_INFO                                                         \
	{                                                                      \
		0x2c, 0xf6, 0xf2, 0x8c, 0x9b, 0xbc, 0x21, 0x48, 0x80, 0x8d,    \
			0xec, 0x9e, 0xc4, 0x21, 0xa1, 0xa0                     \
	}

const struct vhd_guid efi_block_io_guid = {BLOCK_IO};
const struct vhd_guid efi_device_path_guid = {DEVICE_PATH};
const struct vhd_guid efi_loaded_image_guid = {LOADED_IMAGE};
const struct vhd_guid efi_file_system_guid = {FILE_SYSTEM};
const struct vhd_guid efi_partition_info_guid = {PARTITION_INFO};

struct efi_system_table *firmware;
efi_handle firmware_image;
struct efi_loaded_image *firmware_self;

efi_status firmware_start(efi_handle image, struct efi_system_table *system)
{
	firmware = system;
	firmware_image = image;
	firmware_self = firmware_protocol(image, &efi_loaded_image_guid);
	return firmware_self ? EFI_SUCCESS : EFI_UNSUPPORTED;
}

void *firmware_protocol(efi_handle handle, const struct vhd_guid *guid)
{
	void *out = NULL;

	if (!handle ||
	    firmware->boot->handle_protocol(handle, guid, &out) != EFI_SUCCESS)
		return NULL;
	return out;
}

efi_handle *firmware_handles(const struct vhd_guid *guid, size_t *count)
{
	int kind = guid ? EFI_LOCATE_BY_PROTOCOL : EFI_LOCATE_ALL;
	efi_handle *out = NULL;

	*count = 0;
	if (firmware->boot->locate_handles(kind, guid, NULL, count, &out) !=
	    EFI_SUCCESS)
		return NULL;
	return out;
}

void firmware_free(void *pool)
{
	if (pool)
		firmware->boot->free_pool(pool);
}

/* -- errors ------------------------------------------------------------------
 */

const char *firmware_error(efi_status status)
{
	switch (status) {
	case EFI_LOAD_ERROR:
		return "the program cannot be loaded";
	case EFI_INVALID_PARAMETER:
		return "the firmware refuses a parameter";
	case EFI_UNSUPPORTED:
		return "it is not for this machine";
	case EFI_DEVICE_ERROR:
		return "the device failed";
	case EFI_WRITE_PROTECTED:
		return "write-protected";
	case EFI_OUT_OF_RESOURCES:
		return "the firmware has no memory left";
	case EFI_MEDIA_CHANGED:
		return "the medium was changed";
	case EFI_NOT_FOUND:
		return "not found";
	case EFI_ACCESS_DENIED:
	case EFI_SECURITY_VIOLATION:
		return "Secure Boot does not allow it: it carries no signature "
		       "that the firmware knows";
	case EFI_ALREADY_STARTED:
		return "already started";
	case EFI_ABORTED:
		return "aborted";
	default:
		return status & EFI_ERROR_BIT ? "the firmware reports an error"
					      : "done";
	}
}

int firmware_fail(struct vhd_diag *diag, int error, efi_status status)
{
	return vhd_fail(diag, error, NULL, VHD_NO_OFFSET,
			firmware_error(status));
}

efi_status firmware_status(int error)
{
	switch (error) {
	case VHD_OK:
		return EFI_SUCCESS;
	case VHD_E_NOMEM:
		return EFI_OUT_OF_RESOURCES;
	case VHD_E_NOENT:
	case VHD_E_PARENT:
		return EFI_NOT_FOUND;
	case VHD_E_IO:
		return EFI_DEVICE_ERROR;
	case VHD_E_UNSUPPORTED:
		return EFI_UNSUPPORTED;
	case VHD_E_CANCELED:
		return EFI_ABORTED;
	default:
		return EFI_LOAD_ERROR;
	}
}

/* -- memory ------------------------------------------------------------------
 */

/* the pool's memory is aligned to 8; what it gave stands before ours */
#define ALIGN 16u

void *memory_get(size_t bytes)
{
	void *pool = NULL;
	uint8_t *out;

	if (bytes > SIZE_MAX - 2 * ALIGN ||
	    firmware->boot->allocate_pool(EFI_BOOT_SERVICES_DATA,
					  bytes + 2 * ALIGN,
					  &pool) != EFI_SUCCESS)
		return NULL;
	out = (uint8_t *)pool + 2 * ALIGN - ((uintptr_t)pool & (ALIGN - 1));
	memcpy(out - sizeof(pool), &pool, sizeof(pool));
	memset(out, 0, bytes);
	return out;
}

void memory_put(void *memory)
{
	void *pool;

	if (!memory)
		return;
	memcpy(&pool, (uint8_t *)memory - sizeof(pool), sizeof(pool));
	firmware_free(pool);
}

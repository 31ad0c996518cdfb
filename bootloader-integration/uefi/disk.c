/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A read of the disk is a read of the parent's blocks and nothing else: file
 * systems of the firmware may hold locks when they ask us.
 *
 * The reader's window and the bounce buffer are one for all, so a read runs at
 * TPL_CALLBACK, where nobody else may ask.
 */
#include "disk.h"

#include "chain.h"
#include "core/diag.h"
#include "firmware.h"
#include "memory.h"

#define MEDIA_ID 1u

struct disk {
	struct efi_block_io io; /* first: the firmware hands it back */
	struct efi_block_media media;
	struct place place;
	struct chain chain;
	efi_handle handle;
	int error;
};

/* -- the protocol ------------------------------------------------------------
 */

static struct disk *disk_of(struct efi_block_io *io)
{
	return (struct disk *)(void *)io;
}

static efi_status reset(struct efi_block_io *io, uint8_t extended)
{
	(void)io;
	(void)extended;
	return EFI_SUCCESS;
}

static efi_status check_range(const struct efi_block_media *m, uint32_t media,
			      uint64_t block, size_t bytes, const void *buf)
{
	size_t blocks = bytes / m->block_size;

	if (media != m->id)
		return EFI_MEDIA_CHANGED;
	if (bytes % m->block_size)
		return EFI_BAD_BUFFER_SIZE;
	if (!buf || block > m->last_block || blocks > m->last_block - block + 1)
		return EFI_INVALID_PARAMETER;
	return EFI_SUCCESS;
}

static efi_status read(struct efi_block_io *io, uint32_t media, uint64_t block,
		       size_t bytes, void *buf)
{
	struct disk *disk = disk_of(io);
	efi_status status;
	size_t tpl;
	int rc;

	if (!bytes && media == disk->media.id)
		return EFI_SUCCESS;
	status = check_range(&disk->media, media, block, bytes, buf);
	if (status != EFI_SUCCESS)
		return status;
	tpl = firmware->boot->raise_tpl(EFI_TPL_CALLBACK);
	rc = vhd_boot_read(disk->chain.leaf->boot,
			   block * disk->media.block_size, buf, bytes);
	if (rc && !disk->error)
		disk->error = rc;
	firmware->boot->restore_tpl(tpl);
	return rc ? EFI_DEVICE_ERROR : EFI_SUCCESS;
}

static efi_status write(struct efi_block_io *io, uint32_t media, uint64_t block,
			size_t bytes, void *buf)
{
	(void)io;
	(void)media;
	(void)block;
	(void)bytes;
	(void)buf;
	return EFI_WRITE_PROTECTED;
}

static efi_status flush(struct efi_block_io *io)
{
	(void)io;
	return EFI_SUCCESS;
}

/* -- publishing --------------------------------------------------------------
 */

static int describe(struct disk *disk, struct vhd_diag *diag)
{
	struct vhd_boot *boot = disk->chain.leaf->boot;
	uint32_t sector = vhd_boot_sector_size(boot);
	uint64_t size = vhd_boot_disk_size(boot);

	if (size < sector)
		return vhd_fail(diag, VHD_E_UNSUPPORTED, NULL, VHD_NO_OFFSET,
				"the disk in it is empty");
	disk->media = (struct efi_block_media){
		.id = MEDIA_ID,
		.present = 1,
		.read_only = 1,
		.block_size = sector,
		.last_block = size / sector - 1,
	};
	disk->io = (struct efi_block_io){
		EFI_BLOCK_IO_REVISION, &disk->media, reset, read, write, flush};
	return 0;
}

static int install(struct disk *disk, struct vhd_diag *diag)
{
	struct efi_boot_services *boot = firmware->boot;
	efi_status status;

	disk->handle = NULL;
	status = boot->install(&disk->handle, &efi_device_path_guid,
			       disk->place.path, &efi_block_io_guid, &disk->io,
			       NULL);
	if (status != EFI_SUCCESS)
		return firmware_fail(diag,
				     status == EFI_ALREADY_STARTED
					     ? VHD_E_EXISTS
					     : VHD_E_NOMEM,
				     status);
	/* no driver for what is inside is no error of the disk */
	boot->connect(disk->handle, NULL, NULL, 1);
	return 0;
}

static int publish(struct disk *disk, struct vhd_diag *diag)
{
	int rc;

	if (place_published(&disk->place))
		return vhd_fail(diag, VHD_E_EXISTS, NULL, VHD_NO_OFFSET,
				"already started");
	rc = chain_open(&disk->place.volume.fs, disk->place.image, &disk->chain,
			diag);
	if (!rc)
		rc = describe(disk, diag);
	if (!rc)
		rc = install(disk, diag);
	if (rc)
		chain_close(&disk->chain);
	return rc;
}

int disk_open(const struct conf_entry *entry, struct disk **out,
	      struct vhd_diag *diag)
{
	struct disk *disk = memory_get(sizeof(*disk));
	int rc;

	if (!disk)
		return firmware_fail(diag, VHD_E_NOMEM, EFI_OUT_OF_RESOURCES);
	rc = place_open(&disk->place, entry, diag);
	if (!rc) {
		rc = publish(disk, diag);
		if (rc)
			place_close(&disk->place);
	}
	if (rc) {
		memory_put(disk);
		return rc;
	}
	*out = disk;
	return 0;
}

void disk_close(struct disk *disk)
{
	struct efi_boot_services *boot = firmware->boot;

	if (!disk)
		return;
	boot->disconnect(disk->handle, NULL, NULL);
	if (boot->uninstall(disk->handle, &efi_device_path_guid,
			    disk->place.path, &efi_block_io_guid, &disk->io,
			    NULL) != EFI_SUCCESS)
		return;
	chain_close(&disk->chain);
	place_close(&disk->place);
	memory_put(disk);
}

int disk_error(const struct disk *disk)
{
	return disk->error;
}

const struct place *disk_place(const struct disk *disk)
{
	return &disk->place;
}

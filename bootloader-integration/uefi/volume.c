/* SPDX-License-Identifier: BSD-2-Clause */
#include "volume.h"

#include "core/diag.h"
#include "core/mem.h"
#include "devpath.h"
#include "firmware.h"
#include "partname.h"
#include "text.h"

/* -- one handle --------------------------------------------------------------
 */

static int read_blocks(void *ctx, uint64_t block, void *buf, size_t bytes)
{
	struct volume *v = ctx;
	efi_status status = v->io->read(v->io, v->media, block, bytes, buf);

	return status == EFI_SUCCESS ? 0 : VHD_E_IO;
}

static int start(struct volume *v, efi_handle handle, struct vhd_diag *diag)
{
	memset(v, 0, sizeof(*v));
	v->io = firmware_protocol(handle, &efi_block_io_guid);
	v->path = firmware_protocol(handle, &efi_device_path_guid);
	if (!v->io || !v->path || !v->io->media->present)
		return vhd_fail(diag, VHD_E_UNSUPPORTED, NULL, VHD_NO_OFFSET,
				"the device is no disk");
	v->media = v->io->media->id;
	v->blocks = (struct blocks){
		.ctx = v,
		.read = read_blocks,
		.count = v->io->media->last_block + 1,
		.size = v->io->media->block_size,
		.align = v->io->media->io_align,
	};
	return blocks_start(&v->blocks, diag);
}

/* as blkid writes it: XXXX-XXXX */
static void uuid_text(uint32_t serial, char out[VOLUME_NAME])
{
	memcpy(out, "UUID=", 6);
	text_hex(serial >> 16, 4, out + 5);
	out[9] = '-';
	text_hex(serial & 0xffff, 4, out + 10);
	for (char *c = out + 5; *c; c++)
		if (*c >= 'a' && *c <= 'f')
			*c = (char)(*c - 'a' + 'A');
}

static int open_handle(struct volume *v, efi_handle handle,
		       struct vhd_diag *diag)
{
	struct vhd_source source;
	int rc = start(v, handle, diag);

	if (rc)
		return rc;
	source = blocks_source(&v->blocks);
	rc = hostfs_open(&v->fs, &source, diag);
	if (rc) {
		volume_close(v);
		return rc;
	}
	if (!devpath_partuuid(v->path, v->name))
		uuid_text(v->fs.serial, v->name);
	return 0;
}

void volume_close(struct volume *v)
{
	blocks_stop(&v->blocks);
}

/* -- by name -----------------------------------------------------------------
 */

static bool has_partuuid(efi_handle handle, const char *name)
{
	const void *path = firmware_protocol(handle, &efi_device_path_guid);
	char text[DEVPATH_PARTUUID];

	return path && devpath_partuuid(path, text) && text_same(text, name);
}

static bool has_uuid(struct volume *v, efi_handle handle, const char *name)
{
	char text[VOLUME_NAME];

	if (open_handle(v, handle, NULL))
		return false;
	volume_close(v);
	uuid_text(v->fs.serial, text);
	return text_same(text, name);
}

static bool has_label(struct volume *v, efi_handle handle, const char *name)
{
	char text[HOSTFS_LABEL];
	int rc;

	if (open_handle(v, handle, NULL))
		return false;
	rc = hostfs_label(&v->fs, text);
	volume_close(v);
	return !rc && text[0] && text_same(text, name + text_length("LABEL="));
}

static bool has_partlabel(efi_handle handle, const char *name)
{
	const void *info = firmware_protocol(handle, &efi_partition_info_guid);
	char text[PARTNAME_SIZE];

	return info && partname_get(info, text) &&
	       text_same(text, name + text_length("PARTLABEL="));
}

static bool has_name(struct volume *v, efi_handle handle, const char *name)
{
	if (text_begins(name, "PARTUUID="))
		return has_partuuid(handle, name);
	if (text_begins(name, "PARTLABEL="))
		return has_partlabel(handle, name);
	if (text_begins(name, "LABEL="))
		return has_label(v, handle, name);
	return has_uuid(v, handle, name);
}

static bool is_name(const char *name)
{
	return text_begins(name, "PARTUUID=") || text_begins(name, "UUID=") ||
	       text_begins(name, "PARTLABEL=") || text_begins(name, "LABEL=");
}

/* the handle of that name, or NULL */
static efi_handle search(struct volume *v, const char *name)
{
	efi_handle *handles, found = NULL;
	size_t count;

	handles = firmware_handles(&efi_block_io_guid, &count);
	for (size_t i = 0; handles && i < count && !found; i++)
		if (has_name(v, handles[i], name))
			found = handles[i];
	firmware_free(handles);
	return found;
}

/* firmware in a hurry leaves disks alone that it does not boot from */
static void connect_all(void)
{
	size_t count;
	efi_handle *handles = firmware_handles(NULL, &count);

	for (size_t i = 0; handles && i < count; i++)
		firmware->boot->connect(handles[i], NULL, NULL, 1);
	firmware_free(handles);
}

static int open_named(struct volume *v, const char *name, struct vhd_diag *diag)
{
	efi_handle handle;

	if (!is_name(name))
		return vhd_fail(diag, VHD_E_UNSUPPORTED, NULL, VHD_NO_OFFSET,
				"a volume is named by PARTUUID=, UUID=, LABEL= "
				"or PARTLABEL=");
	handle = search(v, name);
	if (!handle) {
		connect_all();
		handle = search(v, name);
	}
	if (!handle)
		return vhd_fail(diag, VHD_E_NOENT, NULL, VHD_NO_OFFSET,
				"there is no such volume");
	return open_handle(v, handle, diag);
}

int volume_open(struct volume *v, const char *name, struct vhd_diag *diag)
{
	int rc = name[0] ? open_named(v, name, diag)
			 : open_handle(v, firmware_self->device, diag);

	if (rc && diag && name[0])
		text_take(diag->path, sizeof(diag->path), name,
			  text_length(name));
	return rc;
}

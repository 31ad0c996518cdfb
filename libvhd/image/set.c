/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VHDX: items of the metadata region, through the journal. VHD: fields of the
 * footer. The parent's path: lineage.h.
 */
#include "set.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/diag.h"
#include "lineage.h"
#include "vhd1_edit.h"
#include "vhdx_edit.h"

static int unsupported(struct vhd_diag *diag, const char *text)
{
	return vhd_fail(diag, VHD_E_UNSUPPORTED, NULL, VHD_NO_OFFSET, text);
}

static int failed(struct vhd_diag *diag, int rc)
{
	return rc ? vhd_fail(diag, rc, NULL, VHD_NO_OFFSET, vhd_strerror(rc))
		  : 0;
}

/* -- VHDX -------------------------------------------------------------------
 */

static int set_item(struct vhd_image *image, enum vhdx_item item,
		    const void *bytes, uint32_t len, struct vhd_diag *diag)
{
	return failed(diag, vhdx_edit_known(image, item, bytes, len));
}

/* -- VHD --------------------------------------------------------------------
 */

static int change_footer(struct vhd_image *image,
			 void (*change)(struct vhd1_footer *footer,
					const void *value),
			 const void *value)
{
	struct vhd1_footer footer = image->meta.vhd1.footer;

	change(&footer, value);
	return vhd1_edit_footer(image, &footer);
}

static void change_id(struct vhd1_footer *footer, const void *value)
{
	memcpy(footer->id.b, value, sizeof(footer->id.b));
}

static void change_creator(struct vhd1_footer *footer, const void *value)
{
	memcpy(footer->creator, value, sizeof(footer->creator));
}

/* -- both --------------------------------------------------------------------
 */

int vhd_image_set_id(struct vhd_image *image, const struct vhd_guid *id,
		     struct vhd_diag *diag)
{
	if (image->format == VHD_FORMAT_VHDX)
		return set_item(image, VHDX_ITEM_DISK_ID, id->b, 16, diag);
	if (image->format == VHD_FORMAT_VHD)
		return failed(diag, change_footer(image, change_id, id->b));
	return unsupported(diag, "a raw disk has no id");
}

int vhd_image_set_creator(struct vhd_image *image, const char *creator,
			  struct vhd_diag *diag)
{
	char code[4] = {' ', ' ', ' ', ' '};
	size_t n = strlen(creator);

	if (image->format != VHD_FORMAT_VHD)
		return unsupported(diag, "only a VHD's creator can be changed; "
					 "a VHDX keeps the one it was made "
					 "with");
	if (!n || n > sizeof(code))
		return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				"a creator code has one to four characters");
	for (size_t i = 0; i < n; i++)
		code[i] = creator[i];
	return failed(diag, change_footer(image, change_creator, code));
}

int vhd_image_set_physical_sector(struct vhd_image *image, uint32_t size,
				  struct vhd_diag *diag)
{
	le32 value = le32_of(size);

	if (image->format != VHD_FORMAT_VHDX)
		return unsupported(diag, "only a VHDX has a physical sector "
					 "size");
	if (size != 512 && size != 4096)
		return vhd_fail(diag, VHD_E_INVALID, NULL, VHD_NO_OFFSET,
				"a physical sector has 512 or 4096 bytes");
	return set_item(image, VHDX_ITEM_PHYSICAL_SECTOR, &value, 4, diag);
}

int vhd_image_set_metadata(struct vhd_image *image, const struct vhd_guid *id,
			   const void *bytes, uint32_t length,
			   struct vhd_diag *diag)
{
	int rc;

	if (image->format != VHD_FORMAT_VHDX)
		return unsupported(diag, "only a VHDX has user metadata");
	if (bytes)
		rc = vhdx_edit_item(image, id, VHDX_ITEM_USER, bytes, length);
	else
		rc = vhdx_remove_item(image, id, true);
	if (rc == VHD_E_NOENT)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				"has no user metadata item of this id");
	if (rc == VHD_E_LIMIT)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				"a metadata item has at most 1 MiB, and an "
				"image at most 1024 user items");
	if (rc == VHD_E_NOSPACE)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				"its metadata region has no room for the item");
	return failed(diag, rc);
}

int vhd_image_set_parent_path(struct vhd_image *image, const char *name,
			      struct vhd_diag *diag)
{
	struct vhd_link link;

	vhd_image_get_link(image, &link);
	link.name = name;
	return vhd_image_relink(image, &link, diag);
}

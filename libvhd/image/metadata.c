/* SPDX-License-Identifier: BSD-2-Clause */
/* What the metadata region of a VHDX holds, for those who are curious. */
#include <stdlib.h>

#include "core/guid.h"
#include "vhdx_edit.h"

static void describe(const struct vhdx_metadata_entry *e,
		     struct vhd_metadata_item *out)
{
	*out = (struct vhd_metadata_item){
		.id = e->id,
		.length = e->length,
		.user = !!(e->flags & VHDX_ITEM_USER),
		.virtual_disk = !!(e->flags & VHDX_ITEM_VIRTUAL_DISK),
		.required = !!(e->flags & VHDX_ITEM_REQUIRED),
	};
	vhd_guid_text(&e->id, out->id_text);
	if (!out->user)
		out->name = vhdx_item_name(&e->id);
}

int vhd_image_metadata(struct vhd_image *image, unsigned index,
		       struct vhd_metadata_item *out)
{
	struct vhdx_metadata_entry entry;
	uint8_t *table;
	uint32_t count;
	int rc;

	if (image->format != VHD_FORMAT_VHDX)
		return VHD_E_RANGE;
	rc = vhdx_load_items(image, &table, &count);
	if (rc)
		return rc;
	if (index < count) {
		entry = vhdx_metadata_entry(table, index);
		describe(&entry, out);
	}
	free(table);
	return index < count ? 0 : VHD_E_RANGE;
}

int vhd_image_metadata_read(struct vhd_image *image, const struct vhd_guid *id,
			    void *bytes, size_t room, uint32_t *length)
{
	if (image->format != VHD_FORMAT_VHDX)
		return VHD_E_UNSUPPORTED;
	return vhdx_get_item(image, id, true, bytes, room, length);
}

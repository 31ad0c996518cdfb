/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An item that keeps its length is changed where it is. One that gets another
 * length goes to free space of the region first; then one entry of the table
 * says where. Both are in one log entry, unless the item is so large that its
 * bytes, which nothing refers to yet, have to go ahead in several.
 */
#include "vhdx_edit.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/checked.h"
#include "core/guid.h"
#include "writer.h"

/* what one commit surely takes besides the table's own pages */
#define PIECE ((uint32_t)64 << 12)

struct editing {
	struct vhd_image *image;
	const struct vhdx_region *region;
	uint8_t *table; /* 64 KiB */
	uint32_t count;
};

static uint64_t entry_place(uint32_t index)
{
	return sizeof(struct vhdx_metadata_table_disk) +
	       (uint64_t)index * sizeof(struct vhdx_metadata_entry_disk);
}

int vhdx_load_items(struct vhd_image *image, uint8_t **table, uint32_t *count)
{
	uint8_t *bytes = malloc(VHDX_METADATA_TABLE_SIZE);
	uint32_t n;
	int rc;

	if (!bytes)
		return VHD_E_NOMEM;
	rc = vhd_file_read(image->view,
			   image->meta.vhdx.regions.metadata.offset, bytes,
			   VHDX_METADATA_TABLE_SIZE);
	n = rc ? 0 : bytes[10] | (uint32_t)bytes[11] << 8;
	if (!rc && n > VHDX_METADATA_COUNT_MAX)
		rc = VHD_E_CORRUPT;
	if (rc) {
		free(bytes);
		return rc;
	}
	*table = bytes;
	*count = n;
	return 0;
}

static int load_table(struct editing *e, struct vhd_image *image)
{
	*e = (struct editing){image, &image->meta.vhdx.regions.metadata, NULL,
			      0};
	return vhdx_load_items(image, &e->table, &e->count);
}

/* the index of an item, or the count */
static uint32_t find(const struct editing *e, const struct vhd_guid *id,
		     bool user)
{
	uint32_t i = 0;

	for (; i < e->count; i++) {
		struct vhdx_metadata_entry m = vhdx_metadata_entry(e->table, i);

		if (memcmp(&m.id, id, sizeof(*id)) == 0 &&
		    !!(m.flags & VHDX_ITEM_USER) == user)
			break;
	}
	return i;
}

/* true if [at, at + length) meets no item; else *next is behind the one met */
static bool is_free(const struct editing *e, uint64_t at, uint32_t length,
		    uint64_t *next)
{
	for (uint32_t i = 0; i < e->count; i++) {
		struct vhdx_metadata_entry m = vhdx_metadata_entry(e->table, i);
		uint64_t end = (uint64_t)m.offset + m.length;

		if (m.length && vhd_overlap(at, at + length, m.offset, end)) {
			*next = end;
			return false;
		}
	}
	return true;
}

/* the first free place for `length` bytes; 0 if there is none */
static uint32_t find_room(const struct editing *e, uint32_t length)
{
	uint64_t at = VHDX_METADATA_TABLE_SIZE;

	while (at + length <= e->region->length)
		if (is_free(e, at, length, &at))
			return (uint32_t)at;
	return 0;
}

static struct vhdx_metadata_entry_disk encode(const struct vhd_guid *id,
					      uint32_t offset, uint32_t length,
					      uint32_t flags)
{
	struct vhdx_metadata_entry_disk d = {
		.offset = le32_of(length ? offset : 0),
		.length = le32_of(length),
		.flags = le32_of(flags),
	};

	memcpy(d.id, id, sizeof(d.id));
	return d;
}

/* bytes too long for the commit that refers to them go ahead, in pieces */
static int write_ahead(struct vhd_image *image, uint64_t at,
		       const uint8_t *bytes, uint32_t length)
{
	int rc = 0;

	while (length && !rc) {
		const struct vhd_patch patch = {at, bytes,
						vhd_min(length, PIECE)};

		rc = vhd_image_patch(image, &patch, 1);
		at += patch.length;
		bytes += patch.length;
		length -= (uint32_t)patch.length;
	}
	return rc;
}

/* the item at `offset` of the region, and entry `index` that says so */
static int put(const struct editing *e, uint32_t index, uint32_t offset,
	       const struct vhdx_metadata_entry_disk *entry, const void *bytes,
	       uint32_t length)
{
	le16 count = le16_of((uint16_t)vhd_max(e->count, (uint64_t)index + 1));
	uint64_t at = e->region->offset + offset;
	const struct vhd_patch patches[] = {
		{e->region->offset + 10, &count, sizeof(count)},
		{e->region->offset + entry_place(index), entry, sizeof(*entry)},
		{at, bytes, length},
	};
	bool ahead = length > PIECE;
	int rc = ahead ? write_ahead(e->image, at, bytes, length) : 0;

	if (!rc)
		rc = vhd_image_patch(e->image, patches,
				     length && !ahead ? 3 : 2);
	return rc ? rc : vhdx_image_refresh(e->image);
}

/* MD-2, MD-5 and MD-10 allow one more */
static int check_limits(const struct editing *e, uint32_t index, bool user,
			uint32_t length)
{
	uint32_t same = 0,
		 most = user ? VHDX_METADATA_USER_MAX
			     : VHDX_METADATA_COUNT_MAX - VHDX_METADATA_USER_MAX;
	uint64_t bytes = length;

	for (uint32_t i = 0; i < e->count; i++) {
		struct vhdx_metadata_entry m = vhdx_metadata_entry(e->table, i);

		if (i == index || !!(m.flags & VHDX_ITEM_USER) != user)
			continue;
		same++;
		bytes += m.length;
	}
	if (length > VHDX_METADATA_ITEM_MAX ||
	    bytes > VHDX_METADATA_BYTES_MAX || same >= most)
		return VHD_E_LIMIT;
	return 0;
}

static int edit(const struct editing *e, const struct vhd_guid *id,
		uint32_t flags, const void *bytes, uint32_t length)
{
	uint32_t index = find(e, id, flags & VHDX_ITEM_USER), offset;
	struct vhdx_metadata_entry old = {0};
	struct vhdx_metadata_entry_disk entry;
	int rc = check_limits(e, index, flags & VHDX_ITEM_USER, length);

	if (rc)
		return rc;
	if (index < e->count)
		old = vhdx_metadata_entry(e->table, index);
	/* a long item is written ahead of the entry: never over itself */
	offset = old.length == length && length <= PIECE ? old.offset
							 : find_room(e, length);
	if (!offset && length <= PIECE && length <= old.length)
		offset = old.offset;
	if (!offset && length)
		return VHD_E_NOSPACE;
	entry = encode(id, offset, length, flags);
	return put(e, index, offset, &entry, bytes, length);
}

int vhdx_edit_item(struct vhd_image *image, const struct vhd_guid *id,
		   uint32_t flags, const void *bytes, uint32_t length)
{
	struct editing e;
	int rc = load_table(&e, image);

	if (rc)
		return rc;
	rc = edit(&e, id, flags, bytes, length);
	free(e.table);
	return rc;
}

int vhdx_edit_known(struct vhd_image *image, enum vhdx_item item,
		    const void *bytes, uint32_t length)
{
	uint32_t flags;
	const struct vhd_guid *id = vhdx_item_id(item, &flags);

	return vhdx_edit_item(image, id, flags, bytes, length);
}

/* the last entry takes the place of the one that goes */
static int remove_entry(const struct editing *e, uint32_t index)
{
	static const uint8_t none[sizeof(struct vhdx_metadata_entry_disk)];
	uint32_t last = e->count - 1;
	le16 count = le16_of((uint16_t)last);
	const struct vhd_patch patches[] = {
		{e->region->offset + 10, &count, sizeof(count)},
		{e->region->offset + entry_place(index),
		 e->table + entry_place(last), sizeof(none)},
		{e->region->offset + entry_place(last), none, sizeof(none)},
	};
	int rc = vhd_image_patch(e->image, patches, 3);

	return rc ? rc : vhdx_image_refresh(e->image);
}

int vhdx_remove_item(struct vhd_image *image, const struct vhd_guid *id,
		     bool user)
{
	struct editing e;
	uint32_t index;
	int rc = load_table(&e, image);

	if (rc)
		return rc;
	index = find(&e, id, user);
	rc = index < e.count ? remove_entry(&e, index) : VHD_E_NOENT;
	free(e.table);
	return rc;
}

int vhdx_get_item(struct vhd_image *image, const struct vhd_guid *id, bool user,
		  void *bytes, size_t room, uint32_t *length)
{
	struct vhdx_metadata_entry m = {0};
	struct editing e;
	uint32_t index;
	int rc = load_table(&e, image);

	if (rc)
		return rc;
	index = find(&e, id, user);
	if (index < e.count)
		m = vhdx_metadata_entry(e.table, index);
	free(e.table);
	if (index >= e.count)
		return VHD_E_NOENT;
	if (m.length > room)
		return VHD_E_LIMIT;
	if (m.length)
		rc = vhd_file_read(image->view, e.region->offset + m.offset,
				   bytes, m.length);
	if (!rc)
		*length = m.length;
	return rc;
}

/* -- regions -----------------------------------------------------------------
 */

int vhdx_edit_regions(struct vhd_image *image,
		      const struct vhdx_regions *regions)
{
	uint8_t *bytes = malloc(VHDX_REGION_TABLE_SIZE);
	int rc = VHD_E_NOMEM;

	if (bytes) {
		const struct vhd_patch patches[] = {
			{VHDX_REGION_TABLE1, bytes, VHDX_REGION_TABLE_SIZE},
			{VHDX_REGION_TABLE2, bytes, VHDX_REGION_TABLE_SIZE},
		};

		vhdx_regions_encode(regions, bytes);
		rc = vhd_image_patch(image, patches, 2);
	}
	free(bytes);
	return rc ? rc : vhdx_image_refresh(image);
}

int vhdx_image_refresh(struct vhd_image *image)
{
	struct vhdx_meta *meta = malloc(sizeof(*meta));
	uint8_t *scratch = malloc(VHDX_SCRATCH);
	struct vhd_source source;
	struct vhd_map map;
	int rc = meta && scratch ? vhd_file_source(image->view, &source)
				 : VHD_E_NOMEM;

	if (!rc) {
		*meta = image->meta.vhdx;
		rc = vhdx_open_body(&source, scratch, meta, &map, NULL);
	}
	if (!rc) {
		image->meta.vhdx = *meta;
		vhd_image_take_map(image, &map);
	}
	free(scratch);
	free(meta);
	return vhd_write_doubt(image, rc); /* the file was changed already */
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VHDX: locator and items through the journal, an entry for each change.
 *
 * VHD: the new names go to space that nothing uses, durably; then the dynamic
 * header, which is changed in one step, refers to them. In front of the blocks
 * there is room for them in the files that we and most others write: names are
 * short, and what is reserved for them is not. Else they go behind the last
 * block.
 */
#include "lineage.h"

#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/checked.h"
#include "core/diag.h"
#include "core/guid.h"
#include "locator.h"
#include "move.h"
#include "vhd1_edit.h"
#include "vhd1_tail.h"
#include "vhdx_edit.h"
#include "vhdx_journal.h"

static int failed(struct vhd_diag *diag, int rc)
{
	if (rc == VHD_E_INVALID)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				"the parent's name cannot be stored");
	return rc ? vhd_fail(diag, rc, NULL, VHD_NO_OFFSET, vhd_strerror(rc))
		  : 0;
}

static int64_t unix_time_of(uint32_t timestamp)
{
	return timestamp ? (int64_t)timestamp + VHD1_EPOCH : 0;
}

void vhd_image_get_link(const struct vhd_image *child, struct vhd_link *out)
{
	*out = (struct vhd_link){0};
	if (child->format == VHD_FORMAT_VHDX) {
		out->id = child->meta.vhdx.linkage.first;
		out->second = child->meta.vhdx.linkage.second;
	} else if (child->format == VHD_FORMAT_VHD) {
		const struct vhd1_header *h = &child->meta.vhd1.header;

		out->id = h->parent_id;
		out->timestamp = unix_time_of(h->parent_timestamp);
	}
}

/* -- VHDX --------------------------------------------------------------------
 */

/* `scratch` holds the old locator and, behind it, the new one */
static int relink_vhdx(struct vhd_image *child, const struct vhd_link *link,
		       uint8_t *scratch)
{
	const struct vhdx_linkage linkage = {link->id, link->second};
	uint8_t *item = scratch + VHDX_SCRATCH;
	struct vhdx_locator old;
	struct vhd_source source;
	uint32_t length;
	int rc = vhd_file_source(child->view, &source);

	if (!rc)
		rc = vhdx_locator_read(&source, &child->meta.vhdx.metadata,
				       scratch, VHDX_SCRATCH, &old, NULL);
	if (rc)
		return rc;
	length = vhdx_name_parent(&linkage, link->name, &old, item,
				  VHDX_LOCATOR_MAX);
	if (!length)
		return VHD_E_INVALID;
	return vhdx_edit_known(child, VHDX_ITEM_PARENT_LOCATOR, item, length);
}

/* -- VHD ---------------------------------------------------------------------
 */

/* where metadata at the start of the file end, all but the names */
static uint64_t names_from(const struct vhd1_meta *meta)
{
	const struct vhd1_header *h = &meta->header;
	uint64_t end = vhd_round_up(
		h->table_offset + (uint64_t)h->max_entries * 4, VHD1_SECTOR);

	if (meta->has_batmap)
		end = vhd_max(end, vhd_round_up(meta->batmap.offset +
							meta->batmap.bytes,
						VHD1_SECTOR));
	return end;
}

/* the first byte at or behind `from` that a block has */
static int first_block(struct vhd_image *image, uint64_t from, uint64_t *out)
{
	struct vhd_owners owners;
	int rc = vhd_owners_find(image, from, UINT64_MAX, &owners);

	if (rc)
		return rc;
	*out = owners.count ? vhd_min(owners.items[0].offset,
				      vhd_space_end(image->writer->space))
			    : vhd_space_end(image->writer->space);
	vhd_owners_free(&owners);
	return 0;
}

/* room between table and blocks that the present names leave; *at is 0 if there
 * is none */
static int find_gap(struct vhd_image *image, uint64_t length, uint64_t *at)
{
	uint64_t from = names_from(&image->meta.vhd1), to;
	int rc = first_block(image, from, &to);

	*at = 0;
	for (; !rc && !*at && from + length <= to; from += VHD1_SECTOR)
		if (vhd_map_is_free(&image->map, from, length))
			*at = from;
	return rc;
}

/* room behind the last object: the footer moves */
static int make_gap(struct vhd_image *image, uint64_t length, uint64_t *at)
{
	struct vhd_writer *w = image->writer;

	pthread_mutex_lock(&w->mutex);
	*at = vhd_round_up(vhd_space_end(w->space), VHD1_SECTOR);
	vhd_space_set_end(w->space, *at + length);
	pthread_mutex_unlock(&w->mutex);
	return vhd1_tail_trim(image);
}

/* encodes with as little room as the name takes */
static int encode_names(struct vhd1_header *header, const char *name,
			uint64_t at, uint8_t *data, uint32_t *room)
{
	int rc = VHD_E_LIMIT;

	for (*room = VHD1_SECTOR; rc == VHD_E_LIMIT && *room <= VHD1_NAME_ROOM;
	     *room *= 2)
		rc = vhd1_name_parent(header, name, at, *room, data);
	*room /= 2;
	return rc == VHD_E_LIMIT ? VHD_E_INVALID : rc;
}

static int store_names(struct vhd_image *image, struct vhd1_header *header,
		       const char *name, uint8_t *data)
{
	uint64_t at = 0, length;
	uint32_t room;
	int rc = encode_names(header, name, 0, data, &room);

	length = (uint64_t)room * VHD1_NAME_SLOTS;
	if (!rc)
		rc = find_gap(image, length, &at);
	if (!rc && !at)
		rc = make_gap(image, length, &at);
	if (!rc)
		rc = vhd1_name_parent(header, name, at, room, data);
	if (!rc)
		rc = vhd_file_write(image->file, at, data, (size_t)length);
	return rc ? rc : vhd_write_barrier(image);
}

static int relink_vhd1(struct vhd_image *child, const struct vhd_link *link,
		       uint8_t *scratch)
{
	struct vhd1_header header = child->meta.vhd1.header;
	int rc = vhd_image_touch(child);

	if (!rc)
		rc = vhd_image_flush(child);
	if (!rc)
		rc = vhd1_tail_trim(child);
	header.parent_id = link->id;
	header.parent_timestamp =
		link->timestamp ? vhd1_timestamp(link->timestamp) : 0;
	if (!rc && link->name)
		rc = store_names(child, &header, link->name, scratch);
	return rc ? rc : vhd1_edit_header(child, &header);
}

/* -- both --------------------------------------------------------------------
 */

#define SCRATCH (VHDX_SCRATCH + VHDX_LOCATOR_MAX)
_Static_assert(SCRATCH >= VHD1_NAME_SLOTS * VHD1_NAME_ROOM, "names fit");

int vhd_image_relink(struct vhd_image *child, const struct vhd_link *link,
		     struct vhd_diag *diag)
{
	uint8_t *scratch;
	int rc;

	if (child->type != VHD_TYPE_DIFFERENCING)
		return vhd_fail(diag, VHD_E_UNSUPPORTED, NULL, VHD_NO_OFFSET,
				"only a differencing image has a parent");
	scratch = malloc(SCRATCH);
	if (!scratch)
		return failed(diag, VHD_E_NOMEM);
	rc = child->format == VHD_FORMAT_VHDX
		     ? relink_vhdx(child, link, scratch)
		     : relink_vhd1(child, link, scratch);
	free(scratch);
	return failed(diag, rc);
}

int vhd_image_set_link_id(struct vhd_image *image, const struct vhd_guid *id,
			  struct vhd_diag *diag)
{
	int rc = image->format == VHD_FORMAT_VHDX ? vhd_image_touch(image)
						  : VHD_E_UNSUPPORTED;

	if (!rc)
		rc = vhd_image_flush(image);
	if (!rc)
		rc = vhdx_set_data_guid(image, id);
	return failed(diag, rc);
}

/* -- items of the virtual disk -----------------------------------------------
 */

/* the sizes are resize's business, and the same in a chain */
static bool is_adopted(const struct vhdx_metadata_entry *e)
{
	static const enum vhdx_item not_these[] = {VHDX_ITEM_DISK_SIZE,
						   VHDX_ITEM_LOGICAL_SECTOR};
	uint32_t flags;

	if (!(e->flags & VHDX_ITEM_VIRTUAL_DISK))
		return false;
	for (size_t i = 0; i < sizeof(not_these) / sizeof(not_these[0]); i++)
		if (!(e->flags & VHDX_ITEM_USER) &&
		    vhd_guid_equal(&e->id, vhdx_item_id(not_these[i], &flags)))
			return false;
	return true;
}

static bool holds(struct vhd_image *image, const struct vhdx_metadata_entry *e,
		  const uint8_t *bytes, uint8_t *scratch)
{
	uint32_t length;

	return !vhdx_get_item(image, &e->id, e->flags & VHDX_ITEM_USER, scratch,
			      VHDX_METADATA_ITEM_MAX, &length) &&
	       length == e->length && memcmp(bytes, scratch, length) == 0;
}

static int adopt_item(struct vhd_image *image, struct vhd_image *from,
		      const struct vhdx_metadata_entry *e, uint8_t *scratch)
{
	uint8_t *bytes = scratch + VHDX_METADATA_ITEM_MAX;
	uint32_t length;
	int rc = vhdx_get_item(from, &e->id, e->flags & VHDX_ITEM_USER, bytes,
			       VHDX_METADATA_ITEM_MAX, &length);

	if (rc || holds(image, e, bytes, scratch))
		return rc;
	return vhdx_edit_item(image, &e->id, e->flags, bytes, length);
}

static bool has_entry(const uint8_t *table, uint32_t count,
		      const struct vhdx_metadata_entry *e)
{
	for (uint32_t i = 0; i < count; i++) {
		struct vhdx_metadata_entry other =
			vhdx_metadata_entry(table, i);

		if (vhd_guid_equal(&other.id, &e->id) &&
		    !((other.flags ^ e->flags) & VHDX_ITEM_USER))
			return true;
	}
	return false;
}

/* those of the virtual disk that `from` does not have */
static int drop_items(struct vhd_image *image, const uint8_t *wanted,
		      uint32_t wanted_count)
{
	uint8_t *table = NULL;
	uint32_t count = 0;
	int rc = vhdx_load_items(image, &table, &count);

	for (uint32_t i = 0; i < count && !rc; i++) {
		struct vhdx_metadata_entry e = vhdx_metadata_entry(table, i);

		if (is_adopted(&e) && !has_entry(wanted, wanted_count, &e))
			rc = vhdx_remove_item(image, &e.id,
					      e.flags & VHDX_ITEM_USER);
	}
	free(table);
	return rc;
}

int vhd_image_adopt(struct vhd_image *image, struct vhd_image *from,
		    struct vhd_diag *diag)
{
	uint8_t *scratch = malloc(2 * (size_t)VHDX_METADATA_ITEM_MAX);
	uint8_t *table = NULL;
	uint32_t count = 0;
	int rc = scratch ? vhdx_load_items(from, &table, &count) : VHD_E_NOMEM;

	if (!rc)
		rc = drop_items(image, table, count);

	for (uint32_t i = 0; i < count && !rc; i++) {
		struct vhdx_metadata_entry e = vhdx_metadata_entry(table, i);

		if (is_adopted(&e))
			rc = adopt_item(image, from, &e, scratch);
	}
	free(table);
	free(scratch);
	return failed(diag, rc);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "vhdx_locator.h"

#include "checked.h"
#include "diag.h"
#include "guid.h"
#include "mem.h"
#include "utf16.h"

static const char structure[] = "VHDX parent locator";

static const uint8_t locator_type[16] = {0xB7, 0xEF, 0x4A, 0xB0, 0x9E, 0xD1,
					 0x81, 0x4A, 0xB7, 0x89, 0x25, 0xB8,
					 0xE9, 0x44, 0x59, 0x13};

static const struct vhdx_locator_entry_disk *
entry_disk(const struct vhdx_locator *l, uint32_t index)
{
	return (const void *)(l->item + sizeof(struct vhdx_locator_disk) +
			      index * sizeof(struct vhdx_locator_entry_disk));
}

/* a string lies behind the entry table and inside the item */
static bool string_fits(const struct vhdx_locator *l, uint32_t offset,
			uint32_t length)
{
	uint32_t strings =
		(uint32_t)(sizeof(struct vhdx_locator_disk) +
			   l->count * sizeof(struct vhdx_locator_entry_disk));

	return length && !(length & 1) && offset >= strings &&
	       vhd_inside(offset, length, l->length);
}

static int check(const struct vhdx_locator *l, uint64_t at,
		 struct vhd_diag *diag)
{
	for (uint32_t i = 0; i < l->count; i++) {
		const struct vhdx_locator_entry_disk *e = entry_disk(l, i);

		if (!string_fits(l, le32_get(e->key_offset),
				 le16_get(e->key_length)) ||
		    !string_fits(l, le32_get(e->value_offset),
				 le16_get(e->value_length)))
			return vhd_fail_value(diag, VHD_E_CORRUPT, structure,
					      at,
					      "the strings of entry % lie "
					      "outside the item",
					      i);
	}
	return 0;
}

int vhdx_locator_read(const struct vhd_source *source,
		      const struct vhdx_metadata *metadata, uint8_t *scratch,
		      size_t room, struct vhdx_locator *out,
		      struct vhd_diag *diag)
{
	const struct vhdx_locator_disk *disk = (const void *)scratch;
	uint64_t at = metadata->locator_offset;
	struct vhdx_locator l = {scratch, metadata->locator_length, 0};
	int rc;

	if (l.length > VHDX_LOCATOR_MAX || l.length > room)
		return vhd_fail_value(diag, VHD_E_LIMIT, structure, at,
				      "a locator of % bytes is over the limit",
				      l.length);
	if (l.length < sizeof(*disk))
		return vhd_fail(diag, VHD_E_CORRUPT, structure, at,
				"the item is too short");
	rc = vhd_source_read(source, at, scratch, l.length);
	if (rc)
		return vhd_fail(diag, rc, structure, at, "cannot be read");
	if (memcmp(disk->type, locator_type, 16) != 0)
		return vhd_fail(diag, VHD_E_UNSUPPORTED, structure, at,
				"the locator is of an unknown type");
	l.count = le16_get(disk->count);
	if (!l.count || l.count > VHDX_LOCATOR_COUNT_MAX ||
	    !vhd_inside(sizeof(*disk),
			l.count * sizeof(struct vhdx_locator_entry_disk),
			l.length))
		return vhd_fail_value(diag, VHD_E_CORRUPT, structure, at,
				      "% entries do not fit into the item",
				      l.count);
	rc = check(&l, at, diag);
	if (!rc)
		*out = l;
	return rc;
}

bool vhdx_locator_entry(const struct vhdx_locator *l, uint32_t index, char *key,
			size_t key_size, char *value, size_t value_size)
{
	const struct vhdx_locator_entry_disk *e = entry_disk(l, index);

	return vhd_utf16_strict(l->item + le32_get(e->key_offset),
				le16_get(e->key_length), VHD_UTF16_LE, key,
				key_size) &&
	       vhd_utf16_strict(l->item + le32_get(e->value_offset),
				le16_get(e->value_length), VHD_UTF16_LE, value,
				value_size);
}

/* UTF-16LE against ASCII */
static bool key_is(const struct vhdx_locator *l, uint32_t index,
		   const char *key)
{
	const struct vhdx_locator_entry_disk *e = entry_disk(l, index);
	const uint8_t *text = l->item + le32_get(e->key_offset);
	uint32_t units = le16_get(e->key_length) / 2u;

	for (uint32_t i = 0; i < units; i++)
		if (!key[i] || text[2 * i] != (uint8_t)key[i] ||
		    text[2 * i + 1])
			return false;
	return !key[units];
}

bool vhdx_locator_find(const struct vhdx_locator *l, const char *key,
		       char *value, size_t size)
{
	for (uint32_t i = 0; i < l->count; i++) {
		const struct vhdx_locator_entry_disk *e = entry_disk(l, i);

		if (key_is(l, i, key))
			return vhd_utf16_strict(
				l->item + le32_get(e->value_offset),
				le16_get(e->value_length), VHD_UTF16_LE, value,
				size);
	}
	return false;
}

static bool find_guid(const struct vhdx_locator *l, const char *key,
		      struct vhd_guid *out)
{
	char text[64];
	size_t n = 0;

	if (!vhdx_locator_find(l, key, text, sizeof(text)))
		return false;
	while (text[n])
		n++;
	return vhd_guid_parse(text, n, out);
}

int vhdx_locator_linkage(const struct vhdx_locator *l, struct vhdx_linkage *out,
			 uint64_t offset, struct vhd_diag *diag)
{
	struct vhdx_linkage linkage = {{{0}}, {{0}}};

	if (!find_guid(l, "parent_linkage", &linkage.first))
		return vhd_fail(diag, VHD_E_CORRUPT, structure, offset,
				"parent_linkage is missing or no GUID");
	find_guid(l, "parent_linkage2", &linkage.second);
	*out = linkage;
	return 0;
}

bool vhdx_linkage_matches(const struct vhdx_linkage *linkage,
			  const struct vhd_guid *guid)
{
	return !vhd_guid_is_null(guid) &&
	       (vhd_guid_equal(&linkage->first, guid) ||
		vhd_guid_equal(&linkage->second, guid));
}

/* appends a string; false if it does not fit */
static bool put_string(uint8_t *item, size_t room, uint32_t *used,
		       const char *text, uint32_t *offset, uint32_t *length)
{
	size_t bytes = vhd_utf16_encode(text, VHD_UTF16_LE, item + *used,
					room - *used);

	if (!bytes || bytes > UINT16_MAX)
		return false;
	*offset = *used;
	*length = (uint32_t)bytes;
	*used += (uint32_t)bytes;
	return true;
}

uint32_t vhdx_locator_encode(const struct vhdx_locator_pair *pairs,
			     uint32_t count, uint8_t *item, size_t room)
{
	struct vhdx_locator_disk *disk = (void *)item;
	struct vhdx_locator_entry_disk *entries =
		(void *)(item + sizeof(*disk));
	uint32_t used = (uint32_t)(sizeof(*disk) + count * sizeof(*entries));

	if (count > VHDX_LOCATOR_COUNT_MAX || used > room)
		return 0;
	memset(item, 0, used);
	memcpy(disk->type, locator_type, 16);
	disk->count = le16_of((uint16_t)count);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t key, key_length, value, value_length;

		if (!put_string(item, room, &used, pairs[i].key, &key,
				&key_length) ||
		    !put_string(item, room, &used, pairs[i].value, &value,
				&value_length))
			return 0;
		entries[i].key_offset = le32_of(key);
		entries[i].value_offset = le32_of(value);
		entries[i].key_length = le16_of((uint16_t)key_length);
		entries[i].value_length = le16_of((uint16_t)value_length);
	}
	return used;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The parent locator of a differencing VHDX. vhdx.md 13 */
#ifndef VHD_CORE_VHDX_LOCATOR_H
#define VHD_CORE_VHDX_LOCATOR_H

#include "vhdx_metadata.h"

#define VHDX_LOCATOR_COUNT_MAX 256u
/* larger locators are refused; Windows writes a few hundred bytes */
#define VHDX_LOCATOR_MAX ((uint32_t)60 << 10)

struct vhdx_locator_disk {
	uint8_t type[16];
	uint8_t reserved[2];
	le16 count;
};

struct vhdx_locator_entry_disk {
	le32 key_offset;
	le32 value_offset;
	le16 key_length;
	le16 value_length;
};

_Static_assert(sizeof(struct vhdx_locator_disk) == 20, "20 bytes");
_Static_assert(sizeof(struct vhdx_locator_entry_disk) == 12, "12 bytes");

/* A validated locator in the caller's memory. */
struct vhdx_locator {
	const uint8_t *item;
	uint32_t length;
	uint32_t count;
};

/*
 * Reads the item into `scratch` (`room` bytes) and validates type, count and
 * every string's place.
 */
int vhdx_locator_read(const struct vhd_source *source,
		      const struct vhdx_metadata *metadata, uint8_t *scratch,
		      size_t room, struct vhdx_locator *out,
		      struct vhd_diag *diag);

/*
 * Key and value of entry `index` as UTF-8. False if either is not valid
 * UTF-16 or does not fit.
 */
bool vhdx_locator_entry(const struct vhdx_locator *locator, uint32_t index,
			char *key, size_t key_size, char *value,
			size_t value_size);

/* The value of a key (case-sensitive); false if absent or malformed. */
bool vhdx_locator_find(const struct vhdx_locator *locator, const char *key,
		       char *value, size_t size);

/* One entry of a locator to be written; UTF-8, NUL-terminated. */
struct vhdx_locator_pair {
	const char *key;
	const char *value;
};

/*
 * Encodes a locator into `item` (`room` bytes), strings directly behind the
 * table, key then value. Returns its length, or 0 if it does not fit or a
 * string is no UTF-8.
 */
uint32_t vhdx_locator_encode(const struct vhdx_locator_pair *pairs,
			     uint32_t count, uint8_t *item, size_t room);

/* The two identities a parent may have; a null one never matches. */
struct vhdx_linkage {
	struct vhd_guid first;
	struct vhd_guid second;
};

/* parent_linkage (mandatory) and parent_linkage2. */
int vhdx_locator_linkage(const struct vhdx_locator *locator,
			 struct vhdx_linkage *out, uint64_t offset,
			 struct vhd_diag *diag);

bool vhdx_linkage_matches(const struct vhdx_linkage *linkage,
			  const struct vhd_guid *data_write_guid);

#endif

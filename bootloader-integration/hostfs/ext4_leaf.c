/* SPDX-License-Identifier: BSD-2-Clause */
#include "ext4_leaf.h"

#include "core/bytes.h"

#define MAGIC 0xF30Au
/* a longer one: reserved, and not written */
#define LENGTH_MAX 32768u

struct header {
	le16 magic, entries, room, depth;
	le32 generation;
};

struct entry {
	le32 block;
	le16 length, start_high;
	le32 start;
};

bool ext4_leaf_find(const void *leaf, size_t length, uint64_t block,
		    struct ext4_extent *out)
{
	const struct header *h = leaf;
	const struct entry *e = (const struct entry *)(h + 1);

	if (length < sizeof(*h) || le16_get(h->magic) != MAGIC ||
	    le16_get(h->depth) != 0 ||
	    le16_get(h->entries) > (length - sizeof(*h)) / sizeof(*e))
		return false;
	for (unsigned i = 0; i < le16_get(h->entries); i++) {
		out->first = le32_get(e[i].block);
		out->count = le16_get(e[i].length);
		out->start = (uint64_t)le16_get(e[i].start_high) << 32 |
			     le32_get(e[i].start);
		if (block >= out->first && block - out->first < out->count &&
		    out->count <= LENGTH_MAX)
			return true;
	}
	return false;
}

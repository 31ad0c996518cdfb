/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux swap space: nothing in it outlives the system that used it, except the
 * header, which is the first page. A system suspended to disk puts another
 * signature there, so SWAPSPACE2 says that none is kept. The page may have any
 * size that some processor has; the signature ends it. No library reads this;
 * the structure is `union swap_header` of Linux's <linux/swap.h>.
 */
#include <string.h>

#include "volume.h"

#define SWAP_PAGE_MIN 4096u
#define SWAP_PAGE_MAX 65536u
#define SWAP_MAGIC    "SWAPSPACE2"

enum {
	SWAP_VERSION = 1024,  /* le32, 1 */
	SWAP_LAST_PAGE = 1028 /* le32 */
};

static uint32_t get_le32(const unsigned char *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

/* The page size; 0 if there is no signature, or more than one. */
static uint32_t page_size(const struct area *area)
{
	const size_t len = sizeof(SWAP_MAGIC) - 1;
	uint32_t found = 0;
	char magic[sizeof(SWAP_MAGIC) - 1];

	for (uint32_t page = SWAP_PAGE_MIN; page <= SWAP_PAGE_MAX; page *= 2) {
		if (area_read(area, page - len, magic, len) ||
		    memcmp(magic, SWAP_MAGIC, len) != 0)
			continue;
		if (found)
			return 0;
		found = page;
	}
	return found;
}

void swap_read(struct volume *volume)
{
	uint32_t page = page_size(&volume->area);
	unsigned char header[SWAP_LAST_PAGE + 4];
	uint64_t size;

	if (!page)
		return;
	volume->state = FSMAP_DAMAGED;
	if (area_read(&volume->area, 0, header, sizeof(header)))
		return;
	if (get_le32(header + SWAP_VERSION) != 1) {
		/* made by a processor of the other byte order */
		volume->state = FSMAP_UNKNOWN;
		return;
	}
	size = ((uint64_t)get_le32(header + SWAP_LAST_PAGE) + 1) * page;
	if (size > volume->area.length) {
		volume->state = FSMAP_TRUNCATED;
		return;
	}
	volume->size = size;
	if (!runs_add(&volume->unused, page, size - page))
		volume->state = FSMAP_CLEAN;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "dirty.h"

#define LOG_PAGE 4096u

void vub_dirty_mark(struct vub_dirty *dirty, uint64_t guest, uint64_t length)
{
	uint64_t first = guest / LOG_PAGE;
	uint64_t last = (guest + length - 1) / LOG_PAGE;
	uint64_t room = (uint64_t)dirty->map.size * 8;

	if (!length || guest + length < guest)
		return;
	for (uint64_t page = first; page <= last && page < room; page++)
		__atomic_fetch_or(&dirty->map.start[page / 8],
				  (uint8_t)(1u << (page % 8)),
				  __ATOMIC_SEQ_CST);
}

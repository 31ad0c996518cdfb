/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Integers in memory that a guest or another process changes at the same time:
 * each is read or written once, as a whole, in little-endian.
 */
#ifndef VUB_SHARED_H
#define VUB_SHARED_H

#include <endian.h>
#include <stdint.h>

static inline uint16_t vub_load16(const uint16_t *at)
{
	return le16toh(__atomic_load_n(at, __ATOMIC_ACQUIRE));
}

static inline void vub_store16(uint16_t *at, uint16_t value)
{
	__atomic_store_n(at, htole16(value), __ATOMIC_RELEASE);
}

static inline void vub_store32(uint32_t *at, uint32_t value)
{
	__atomic_store_n(at, htole32(value), __ATOMIC_RELEASE);
}

/* what was stored before is seen by others before what is loaded after */
static inline void vub_fence(void)
{
	__sync_synchronize();
}

#endif

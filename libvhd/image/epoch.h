/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who may still be using space that was released: every read and write of a
 * writable image enters an epoch and leaves it. The epoch moves on only when
 * nobody is left in the one before, so what was released in epoch e is out of
 * use in epoch e + 2. Entering costs two atomic operations and never waits.
 */
#ifndef VHD_IMAGE_EPOCH_H
#define VHD_IMAGE_EPOCH_H

#include <stdatomic.h>
#include <stdint.h>

struct vhd_epoch {
	_Atomic uint64_t now;
	_Atomic uint64_t inside[2]; /* users in even and odd epochs */
};

/* Returns the token for vhd_epoch_leave(). */
static inline unsigned vhd_epoch_enter(struct vhd_epoch *e)
{
	for (;;) {
		uint64_t now = atomic_load(&e->now);

		atomic_fetch_add(&e->inside[now & 1], 1);
		if (atomic_load(&e->now) == now)
			return (unsigned)(now & 1);
		atomic_fetch_sub(&e->inside[now & 1], 1);
	}
}

static inline void vhd_epoch_leave(struct vhd_epoch *e, unsigned token)
{
	atomic_fetch_sub(&e->inside[token], 1);
}

/* One caller at a time: moves on if nobody is in the previous epoch. */
static inline uint64_t vhd_epoch_advance(struct vhd_epoch *e)
{
	uint64_t now = atomic_load(&e->now);

	if (atomic_load(&e->inside[(now + 1) & 1]) == 0)
		atomic_store(&e->now, ++now);
	return now;
}

#endif

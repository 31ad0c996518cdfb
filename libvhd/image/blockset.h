/* SPDX-License-Identifier: BSD-2-Clause */
/* A set of blocks (or chunks) of one image: a bit each. */
#ifndef VHD_IMAGE_BLOCKSET_H
#define VHD_IMAGE_BLOCKSET_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <libvhd/error.h>

struct vhd_blockset {
	uint64_t *words;
	uint64_t room; /* members are below this */
};

/* An empty set; VHD_E_NOMEM. */
static inline int vhd_blockset_new(uint64_t room, struct vhd_blockset *out)
{
	uint64_t *words = calloc((size_t)(room / 64 + 1), sizeof(*words));

	if (!words)
		return VHD_E_NOMEM;
	out->words = words;
	out->room = room;
	return 0;
}

static inline void vhd_blockset_free(struct vhd_blockset *s)
{
	free(s->words);
	*s = (struct vhd_blockset){0};
}

static inline void vhd_blockset_add(struct vhd_blockset *s, uint64_t i)
{
	s->words[i / 64] |= (uint64_t)1 << (i % 64);
}

/* NULL is the empty set. */
static inline bool vhd_blockset_has(const struct vhd_blockset *s, uint64_t i)
{
	return s && i < s->room && (s->words[i / 64] >> (i % 64) & 1);
}

/* The first member at or behind `from`; `room` if there is none. */
static inline uint64_t vhd_blockset_next(const struct vhd_blockset *s,
					 uint64_t from)
{
	while (from < s->room) {
		uint64_t word = s->words[from / 64] >> (from % 64);

		if (word & 1)
			return from;
		from = word ? from + 1 : (from / 64 + 1) * 64;
	}
	return s->room;
}

#endif

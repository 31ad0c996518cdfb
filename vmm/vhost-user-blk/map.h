/* SPDX-License-Identifier: BSD-2-Clause */
/* A piece of a file that the front end shares with us, mapped and guarded. */
#ifndef VUB_MAP_H
#define VUB_MAP_H

#include <stddef.h>
#include <stdint.h>

struct vub_map {
	uint8_t *start; /* of the piece; NULL: nothing is mapped */
	size_t size;
	void *base; /* of the mapping, whole pages */
	size_t length;
	int guard;
};

/*
 * Maps `size` bytes at `offset` of the file, which must have them. `fd` stays
 * the caller's. NULL, or a static phrase that says what is wrong.
 */
const char *vub_map_open(struct vub_map *out, int fd, uint64_t offset,
			 uint64_t size);
void vub_map_close(struct vub_map *map);

#endif

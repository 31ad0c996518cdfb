/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where ext4 says that a block of a file lies. Only what a loader whose file
 * system drivers are its own has seen them read: a leaf of a tree of extents.
 * Freestanding, as hostfs.h.
 */
#ifndef HOSTFS_EXT4_LEAF_H
#define HOSTFS_EXT4_LEAF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So many blocks of a file from one on, and the first of the file system's. */
struct ext4_extent {
	uint32_t first;
	uint32_t count;
	uint64_t start;
};

/*
 * The written extent with `block` in a leaf of `length` bytes, a whole block of
 * the file system. False: it is no leaf, or it has none; what is only reserved
 * is none. Bytes may be anything.
 */
bool ext4_leaf_find(const void *leaf, size_t length, uint64_t block,
		    struct ext4_extent *out);

#endif

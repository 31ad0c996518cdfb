/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several files in one fuzzer's input.
 *
 *   byte 0   bits 0 and 1: what the parent of the last file is: none, the
 *            first, itself, or the second; other bits are the target's
 *   then     le16 length, as many bytes as it says, of a description of a file
 *            (input.h); as long as there are any
 *
 * The last may be cut off. A child's parent is the file behind it.
 */
#ifndef FUZZ_PIECES_H
#define FUZZ_PIECES_H

#include <libvhd/disk.h>

#include "input.h"

#define PIECES_MAX 4u

struct pieces {
	uint8_t flags;
	unsigned count;
	struct input files[PIECES_MAX];
};

/* False if there is no file. */
bool pieces_decode(const uint8_t *data, size_t size, struct pieces *out);
void pieces_drop(struct pieces *p);

/* Which file is the parent of file `i`, or -1. */
int pieces_parent(const struct pieces *p, unsigned i);

/* The disk whose leaf is the first file; `flags` are VHD_DISK_*. */
int pieces_open(struct pieces *p, uint32_t flags, struct vhd_disk **out);

/*
 * A custom mutator: one file's description is mutated, then, three times out of
 * four, its sums are made right (input_seal()). Now and then, the whole input.
 */
size_t pieces_mutate(uint8_t *data, size_t size, size_t room, unsigned seed);

#endif

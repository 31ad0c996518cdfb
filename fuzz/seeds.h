/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of make_seeds share. Whatever fails ends the program. */
#ifndef FUZZ_SEEDS_H
#define FUZZ_SEEDS_H

#include "support/sparse.h"

#define SEED_MAX (64u << 10)

/* The description of a file (input.h); `bytes` has SEED_MAX. 0: too large. */
size_t seeds_encode(const struct sparse *file, uint8_t flags, uint8_t *bytes);

/* Writes FOLDER/TARGET/NAME. */
void seeds_save(const char *folder, const char *target, const char *name,
		const struct sparse *file, uint8_t flags);
void seeds_save_bytes(const char *folder, const char *target, const char *name,
		      const void *bytes, size_t n);

/* The seeds of fuzz_repair: each image of tests/faults. */
void seeds_damage(const char *folder);

/* The seeds of fuzz_chain and fuzz_loader. */
void seeds_chain(const char *folder);

#endif

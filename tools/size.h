/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SIZE as a person writes and reads it: decimal bytes, or a number with K, M,
 * G, T or P (powers of 1024), alone or as KiB / KB.
 */
#ifndef TOOLS_SIZE_H
#define TOOLS_SIZE_H

#include <stdint.h>

#define SIZE_TEXT_SIZE 32

/*
 * Parses all of `text`. Returns NULL, or what is wrong with it (a static
 * phrase, *bytes untouched). Nothing is rounded.
 */
const char *size_parse(const char *text, uint64_t *bytes);

/* "1.5 GiB"; "512 bytes" below 1 KiB. Returns buf. */
const char *size_text(uint64_t bytes, char buf[SIZE_TEXT_SIZE]);

#endif

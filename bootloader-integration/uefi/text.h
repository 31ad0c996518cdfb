/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings, where there is no libc. Texts are UTF-8 and end with a NUL. */
#ifndef VHDBOOT_TEXT_H
#define VHDBOOT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_NUMBER 21 /* digits of any uint64_t, and a NUL */

size_t text_length(const char *text);
/* ASCII letters of either case are the same. */
bool text_same(const char *a, const char *b);
bool text_ends(const char *text, const char *end);
/* `text` begins with `start`. */
bool text_begins(const char *text, const char *start);

/* Appends to the text in `out`; false, and `out` as it was, if it is full. */
bool text_add(char *out, size_t size, const char *text);
/* Takes `length` bytes as a text; false if they do not fit or hold a NUL. */
bool text_take(char *out, size_t size, const char *from, size_t length);

void text_number(uint64_t value, char out[TEXT_NUMBER]);
/* Exactly `digits` hexadecimal digits, lower case, and a NUL. */
void text_hex(uint64_t value, unsigned digits, char *out);

/*
 * A path as the kernel is told it: from the root, with '/'. False if it does
 * not fit.
 */
bool text_path(char *out, size_t size, const char *path);
/* The path of `name` in the folder of `path`. */
bool text_beside(char *out, size_t size, const char *path, const char *name);

#endif

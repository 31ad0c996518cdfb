/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory for a command: it is there, or the program ends with a message. No
 * command prints anything before its output is complete, so that is safe.
 */
#ifndef TOOLS_MEMORY_H
#define TOOLS_MEMORY_H

#include <stddef.h>

/* realloc() that never returns NULL. */
void *tool_resize(void *memory, size_t size);

/*
 * Memory that file content passes through, never NULL. It lies on a page: some
 * processors copy several times slower where it does not.
 */
void *tool_buffer(size_t size);

/* Zeroed memory, never NULL. */
void *tool_zalloc(size_t size);

/* Passes a pointer on; NULL ends the program as out of memory. */
__attribute__((returns_nonnull)) void *tool_must(void *memory);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small file that is there complete or not at all: written under a temporary
 * name in the same folder, flushed, then renamed.
 */
#ifndef TOOLS_NEWFILE_H
#define TOOLS_NEWFILE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes `len` bytes to a new file at `path`. An existing file is replaced
 * only if `force`. Returns an enum tool_exit, failures printed.
 */
int newfile_write(const char *path, const void *bytes, size_t len, bool force);

/* The same for a program, that all may run who may read it. */
int newfile_write_program(const char *path, const void *bytes, size_t len,
			  bool force);

#endif

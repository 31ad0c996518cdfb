/* SPDX-License-Identifier: BSD-2-Clause */
/* Small text files and loaders that boot-install puts in place. */
#ifndef TOOLS_BOOTFILES_H
#define TOOLS_BOOTFILES_H

#include <stdbool.h>
#include <stddef.h>

/* "FORMAT" as a text of its own; never NULL, free() it. */
__attribute__((format(printf, 1, 2))) char *boot_text(const char *format, ...);

/*
 * The whole of a file, with a NUL behind it; free() it. NULL with errno, and
 * EFBIG if it has more than a loader would have.
 */
char *boot_file_read(const char *path, size_t *length);

/*
 * Where a loader's file is: in `folder` if one is given, beside this program
 * in its build tree, or where it was installed. NULL if nowhere; free() it.
 */
char *boot_file_find(const char *folder, const char *name);

/* mkdir; *made tells whether it was not there. An enum tool_exit, printed. */
int boot_folder_make(const char *path, bool *made);

#endif

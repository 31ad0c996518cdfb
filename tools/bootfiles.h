/* SPDX-License-Identifier: BSD-2-Clause */
/* Small text files and loaders that boot-install puts in place. */
#ifndef TOOLS_BOOTFILES_H
#define TOOLS_BOOTFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "FORMAT" as a text of its own; never NULL, free() it. */
__attribute__((format(printf, 1, 2))) char *boot_text(const char *format, ...);

/*
 * The whole of a file, with a NUL behind it; free() it. NULL with errno, and
 * EFBIG if it has more than a loader would have.
 */
char *boot_file_read(const char *path, size_t *length);

/* The same of a text; "" if there is no such file. NULL: printed. */
char *boot_text_read(const char *path);

/* Puts a text in place of the old one. An enum tool_exit, printed. */
int boot_text_write(const char *path, const char *text);

/* unlink(); what is not there is no failure. An enum tool_exit, printed. */
int boot_file_delete(const char *path);

bool boot_is_there(const char *path);

/* FNV-1a: tells what we have put somewhere from what came later. */
uint64_t boot_fingerprint(const char *bytes, size_t length);

/* A file of ours that is to be put somewhere, and where it may be found. */
struct boot_source {
	const char *name;      /* below a folder that the user names */
	const char *built;     /* from this program's folder in a build tree */
	const char *installed; /* from the root */
};

/*
 * The path of a file of ours: in `folder` if one is given, else where it was
 * built or installed. NULL if nowhere; free() it.
 */
char *boot_file_find(const char *folder, const struct boot_source *source);

/*
 * The same, and its content; free() both. NULL if it cannot be read or is
 * nowhere, which is printed.
 */
char *boot_file_load(const char *folder, const struct boot_source *source,
		     char **bytes, size_t *length);

/* mkdir; *made tells whether it was not there. An enum tool_exit, printed. */
int boot_folder_make(const char *path, bool *made);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* VOLUME:/path, the name of the image that holds the root. */
#ifndef LINUX_ROOTNAME_H
#define LINUX_ROOTNAME_H

#include <stddef.h>

struct root_name {
	char tag[12];     /* "PARTUUID", ...; "" for a device */
	char volume[256]; /* its value, or "/dev/..." */
	char path[2048];  /* from the root of the volume: begins with '/' */
};

/*
 * Reads such a text. NULL if it is one; else what is wrong with it, for a
 * person.
 */
const char *root_name_parse(const char *text, struct root_name *out);

/*
 * The same from the bytes of the EFI variable VhdBootImage as efivarfs shows
 * them: four bytes of attributes, then the text without a NUL.
 */
const char *root_name_from_efi(const void *bytes, size_t size,
			       struct root_name *out);

/* NULL if `path` can name a file of the volume; else why not. */
const char *root_path_fault(const char *path);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server leaves in /run/vhd-attach for those who will detach its device:
 * a file with the device's name that says which image it is, locked as long as
 * the server lives and removed when the image is closed well. So whoever takes
 * the lock next knows that it is over, and how it ended.
 *
 * Paths change beneath a server that began in the initramfs; what it has to
 * find again it holds open.
 */
#ifndef LINUX_RECORD_H
#define LINUX_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "device.h"

#define RECORD_FOLDER "/run/vhd-attach"

struct record {
	int folder;
	int file;
	char name[DEVICE_NAME];
};

/* -- the server's side ------------------------------------------------------
 */

/* 0, or -1 with errno. */
int record_begin(struct record *record, const char *name, const char *image);

/* `fault` is what went wrong in closing the image, NULL: nothing. */
void record_end(struct record *record, const char *fault);

/* -- the others' ------------------------------------------------------------
 */

/* -1 with errno, ENOENT: none of ours. */
int record_open(const char *name);

/* Does the server live? */
bool record_is_served(int file);

/*
 * Waits for the server's end and closes the file. True if it ended well; else
 * why not is in `fault`.
 */
bool record_wait(int file, char *fault, size_t size);

/* Calls found() with each name; a nonzero result is returned in the end. */
int record_each(int (*found)(const char *name));

#endif

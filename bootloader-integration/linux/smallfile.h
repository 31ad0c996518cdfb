/* SPDX-License-Identifier: BSD-2-Clause */
/* Small files, as the kernel's own are: read at once, written at once. */
#ifndef LINUX_SMALLFILE_H
#define LINUX_SMALLFILE_H

#include <sys/types.h>

/* Bytes read, at most `size`; -1 with errno. */
ssize_t smallfile_read(const char *path, void *bytes, size_t size);

/* A line of text without its end, NUL-terminated. 0, or -1 with errno. */
int smallfile_line(const char *path, char *text, size_t size);

/* 0, or -1 with errno. The file is made if it is not there. */
int smallfile_write(const char *path, const char *text);

#endif

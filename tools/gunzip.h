/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gzip data from a descriptor that may be a pipe: a read that is interrupted,
 * or would have to wait, can be repeated. zlib's own gzread() loses what it had
 * uncompressed by then.
 */
#ifndef TOOLS_GUNZIP_H
#define TOOLS_GUNZIP_H

#include <stddef.h>
#include <sys/types.h>

struct gunzip;

/* The descriptor stays the caller's. */
struct gunzip *gunzip_new(int fd);
void gunzip_free(struct gunzip *g);

/*
 * As read(): bytes of the content, 0 at the end, or -1 with errno; or -1 and
 * *why, which is else left alone, if the data are wrong.
 */
ssize_t gunzip_read(struct gunzip *g, void *buf, size_t len, const char **why);

#endif

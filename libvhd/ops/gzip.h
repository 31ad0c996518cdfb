/* SPDX-License-Identifier: BSD-2-Clause */
/* gzip streams through zlib; VHD_E_UNSUPPORTED in a build without it. */
#ifndef VHD_OPS_GZIP_H
#define VHD_OPS_GZIP_H

#include <stddef.h>

struct vhd_gzip;

/* Takes compressed bytes; 0 or a negative VHD_E_*. */
typedef int vhd_gzip_sink(void *ctx, const void *buf, size_t len);

int vhd_gzip_new(vhd_gzip_sink *sink, void *ctx, struct vhd_gzip **out);
int vhd_gzip_write(struct vhd_gzip *gz, const void *buf, size_t len);
int vhd_gzip_finish(struct vhd_gzip *gz);
void vhd_gzip_free(struct vhd_gzip *gz);

struct vhd_gunzip;

/* Reads a gzip file of our own making through descriptor `fd`, which stays the
 * caller's and need not stand at its beginning. */
int vhd_gunzip_new(int fd, struct vhd_gunzip **out);

/* Fills buf as far as there is data; *got < len only at the end, or for more
 * than INT_MAX. */
int vhd_gunzip_read(struct vhd_gunzip *gz, void *buf, size_t len, size_t *got);
void vhd_gunzip_free(struct vhd_gunzip *gz);

#endif

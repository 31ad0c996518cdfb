/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A picture of where a disk's data lies: one bar for the virtual disk, one for
 * each file, coloured by layer. Whatever the size of the disk, it has a bounded
 * number of rectangles: bars are divided into columns, and a column shows the
 * layer that fills most of it, the paler the less of it is filled.
 */
#ifndef TOOLS_SVG_H
#define TOOLS_SVG_H

#include <libvhd.h>

struct svg;

/* An empty picture of the disk. Never NULL. */
struct svg *svg_new(struct vhd_disk *disk, const char *path);

/* Counts in one extent; only DATA shows. */
void svg_add(struct svg *svg, const struct vhd_extent *extent);

/* The finished document; free() it. */
char *svg_text(const struct svg *svg, size_t *len);

void svg_free(struct svg *svg);

#endif

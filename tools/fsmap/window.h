/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sparse file in memory that stands for an area of the disk. libblkid wants a
 * descriptor, and a disk image has none; it gets this one, with the bytes
 * copied to it that it is going to look at. All others read as zeros.
 */
#ifndef FSMAP_WINDOW_H
#define FSMAP_WINDOW_H

#include "area.h"

/* Makes the file; once, while that is still allowed. -1 with errno. */
int window_open(void);

/* Its descriptor. */
int window_fd(void);

/*
 * Makes the file as long as the area, with the first and last MiBs of it: that
 * is where tables and signatures are.
 */
int window_load(const struct area *area);

/* Adds a range, as much of it as lies in the area. */
int window_add(const struct area *area, uint64_t offset, uint64_t length);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Block devices of this machine, by their names in /dev: "nbd0". */
#ifndef LINUX_DEVICE_H
#define LINUX_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#define DEVICE_NAME 32

/* Opens /dev/NAME. -1 with errno. */
int device_open(const char *name, int flags);

/*
 * True if the device, or a partition of it, is mounted or belongs to another
 * device.
 */
bool device_in_use(const char *name);

/* Reads the partition table and waits until the nodes are there. */
void device_scan(const char *name);

/* What the kernel has written down of it is on its way to the image. */
void device_flush(const char *name);

/* A line of /sys/block/NAME/FILE. False if there is none. */
bool device_attribute(const char *name, const char *file, char *text,
		      size_t size);

/*
 * Calls found() with the number of each partition; a nonzero result ends that
 * and is returned.
 */
int device_partitions(const char *name, int (*found)(void *ctx, unsigned n),
		      void *ctx);

/* A moment: 20 ms. */
void device_wait(void);

#endif

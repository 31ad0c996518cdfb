/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that the kernel reads by itself, for kiosks: no server can be lost.
 *
 *	/dev/loopT   partitions (the device mapper has none)
 *	/dev/dm-N    a table of what lies where: linear, zero
 *	/dev/loopA.. one a layer: its file
 *
 * Read-only: a write into what is not stored would have to change the image.
 */
#ifndef LINUX_DMDISK_H
#define LINUX_DMDISK_H

#include <stdbool.h>

#include "device.h"
#include "open.h"

/* Returns an enum tool_exit; failures are printed. */
int dm_disk_attach(const char *image, const struct open_options *open,
		   char name[DEVICE_NAME]);

/* The mapped device beneath a loop device ("dm-0"); false if there is none. */
bool dm_disk_beneath(const char *loop, char dm[DEVICE_NAME]);

/* The one that stands on it; false if there is none. */
bool dm_disk_above(const char *loop, char dm[DEVICE_NAME]);

/* Takes all of it down. */
int dm_disk_detach(const char *loop, const char *dm);

#endif

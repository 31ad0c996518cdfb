/* SPDX-License-Identifier: BSD-2-Clause */
/* A file on a FAT or exFAT volume inside a disk, as the firmware finds it. */
#ifndef TOOLS_BOOTINSIDE_H
#define TOOLS_BOOTINSIDE_H

#include <libvhd.h>
#include <stdbool.h>

#include "fsmap_client.h"

/* True if one of the file systems that the map lists has it. */
bool boot_inside_has(struct vhd_disk *disk, const struct fsmap *map,
		     const char *path);

#endif

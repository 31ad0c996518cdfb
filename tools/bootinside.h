/* SPDX-License-Identifier: BSD-2-Clause */
/* A file on a FAT or exFAT volume inside a disk, as the firmware finds it. */
#ifndef TOOLS_BOOTINSIDE_H
#define TOOLS_BOOTINSIDE_H

#include <libvhd.h>
#include <stdbool.h>

/*
 * True if one of the disk's partitions (GPT or the four of an MBR), or the
 * disk as a whole, has the file. Nothing on the disk is trusted.
 */
bool boot_inside_has(struct vhd_disk *disk, const char *path);

#endif

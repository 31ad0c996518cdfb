/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An image as a disk of the firmware: a handle with a device path and block
 * I/O, read-only. Partitions and file systems on it are the firmware's work.
 */
#ifndef VHDBOOT_DISK_H
#define VHDBOOT_DISK_H

#include "conf.h"
#include "place.h"

struct disk;

/*
 * Publishes the image of an entry. VHD_E_EXISTS if it is published already.
 */
int disk_open(const struct conf_entry *entry, struct disk **out,
	      struct vhd_diag *diag);
/* Takes it back. A disk that something holds on to stays. NULL is fine. */
void disk_close(struct disk *disk);

/* The first error that a read of it met, or 0. */
int disk_error(const struct disk *disk);

const struct place *disk_place(const struct disk *disk);

#endif

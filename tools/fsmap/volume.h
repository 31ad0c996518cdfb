/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A partition, or a disk without any, and the file system in it.
 *
 * The functions that read a file system get a volume whose type is known. They
 * set its state, size and unused ranges (offsets in the volume); what they find
 * counts only if the state is FSMAP_CLEAN in the end. They are written for
 * file systems made by an enemy, and run without rights all the same.
 */
#ifndef FSMAP_VOLUME_H
#define FSMAP_VOLUME_H

#include "area.h"
#include "protocol.h"
#include "runs.h"

struct volume {
	unsigned number; /* of the partition; 0: the whole disk */
	struct area area;
	char name[FSMAP_NAME_MAX + 1]; /* of the partition */
	char type[32];                 /* what libblkid calls it, or "" */
	char label[FSMAP_NAME_MAX + 1];
	char uuid[FSMAP_NAME_MAX + 1]; /* of the file system */
	enum fsmap_state state;
	uint64_t size; /* of the file system; 0: not known */
	struct runs unused;
};

/* Reads the file system by its type. Others are FSMAP_UNKNOWN. */
void volume_read(struct volume *volume);

/* One a file system. */
void ext_read(struct volume *volume);
void ntfs_read(struct volume *volume);
void swap_read(struct volume *volume);

#endif

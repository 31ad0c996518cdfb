/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The GUID partition table of a disk, as far as its size concerns it: a backup
 * of it ends the disk, and has to move when the end does.
 */
#ifndef TOOLS_GPT_H
#define TOOLS_GPT_H

#include <stdbool.h>

#include <libvhd.h>

struct gpt;

/*
 * Reads the primary table, and believes it only if both checksums are right.
 * Sets *out to NULL if the disk has none, or this program was built without
 * zlib. Returns 0 or a VHD_E_*.
 */
int gpt_read(struct vhd_disk *disk, struct gpt **out, struct vhd_diag *diag);
void gpt_free(struct gpt *gpt);

/*
 * Where the backup table at the disk's present end starts, if there is a valid
 * one of the same disk; else the disk's size.
 */
int gpt_backup_start(const struct gpt *gpt, struct vhd_disk *disk,
		     uint64_t *start);

/* True if the primary table names a backup at the end of a disk of `size`. */
bool gpt_fits(const struct gpt *gpt, uint64_t size);

/* Smallest size of the disk that holds all partitions and a backup table. */
uint64_t gpt_least(const struct gpt *gpt);

/*
 * The first partition that reaches behind byte `size`: its number, from 1, and
 * its name as UTF-8 (free() it). 0 if there is none.
 */
unsigned gpt_beyond(const struct gpt *gpt, uint64_t size, char **name);

/*
 * Writes the backup for a disk of `size` bytes, then the primary that names it,
 * each durably before the next. `size` is at least gpt_least() and at most the
 * disk's. The primary names a whole backup at any moment, so that a cut leaves
 * a valid table. At last the backup that it named before is erased, where there
 * was one: nobody shall take it for data.
 */
int gpt_move(struct gpt *gpt, struct vhd_disk *disk, uint64_t size,
	     struct vhd_diag *diag);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What vhd-fsmap says on its standard output, for vhdtool and for people.
 *
 * Lines of words with one blank between them. Numbers are decimal, offsets and
 * lengths bytes of the virtual disk. A word that is a name has every byte but
 * A-Z a-z 0-9 . _ + / : - as %XX; "-" alone is an empty one ("%2D" is a name
 * that is a hyphen).
 *
 *	vhd-fsmap 1
 *	file DEVICE INODE                  the image that was opened
 *	disk SIZE SECTOR TABLE             partition table: gpt, dos, ..., none
 *	fs NUMBER START LENGTH SIZE TYPE STATE LABEL NAME
 *	uuid UUID
 *	unused START LENGTH
 *	gap START LENGTH
 *	end
 *
 * fs: one line a partition, in rising order of START; NUMBER 0 is a disk
 * without partitions. SIZE is how much of it the file system takes, counted
 * from START, or 0 if that is not known; TYPE is what libblkid calls it, LABEL
 * the file system's and NAME the partition's name. STATE is a word of enum
 * fsmap_state.
 *
 * uuid: follows the fs it belongs to, as libblkid writes it; left out if there
 * is none.
 *
 * unused: follows the fs it belongs to, only if that is `clean`; whole sectors,
 * rising over the whole disk. What the file system does not use.
 *
 * gap: after the last fs, rising. In no partition, behind the first one and
 * clear of the partition tables and of the disk's last MiB. Nobody is known to
 * use it, but boot loaders and others hide there.
 *
 * end: without this line the output is not complete and must not be used. In
 * its stead may stand, anywhere, as the last line
 *
 *	error TEXT
 *
 * whose word says why there is no answer.
 */
#ifndef FSMAP_PROTOCOL_H
#define FSMAP_PROTOCOL_H

#define FSMAP_PROTOCOL_VERSION "1"

/* Longest line, newline included. */
#define FSMAP_LINE_MAX 2048

/* Most bytes of a name, before they are escaped. */
#define FSMAP_NAME_MAX 255

/* More partitions than that are an error. */
#define FSMAP_FS_MAX 512

enum fsmap_state {
	FSMAP_CLEAN,     /* its unused ranges are known */
	FSMAP_DIRTY,     /* not closed cleanly, or has errors */
	FSMAP_SUSPENDED, /* holds the memory of a suspended system */
	FSMAP_UNKNOWN,   /* of a type, or with features, we do not know */
	FSMAP_DAMAGED,   /* contradicts itself or cannot be read */
	FSMAP_AMBIGUOUS, /* looks like several things at once */
	FSMAP_OVERLAP,   /* the partition overlaps another */
	FSMAP_TRUNCATED, /* larger than the place it lies in */
	FSMAP_CONTAINER, /* an extended partition, others lie inside */
	FSMAP_STATES,
};

/* The word for a state; static. */
const char *fsmap_state_word(enum fsmap_state state);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a file lies on a FAT12, FAT16, FAT32 or exFAT volume.
 *
 * For boot loaders: a loader asks once, keeps the list, and from then on reads
 * the file through blocks of the volume. No file protocol of a firmware is
 * used, for none may be called from inside a block read.
 *
 * Freestanding: no allocation, no recursion, no 64-bit division, less than
 * 1 KiB of stack; needs memcpy, memmove, memset and memcmp, and libvhd/core.
 * Volumes are not trusted: chains of clusters that come back to themselves,
 * leave the volume or are too short for their file are errors, never a hang.
 * What is not looked at: checksums of exFAT, time stamps, the second FAT
 * (unless the volume says that it is the one in use).
 *
 * Only for volumes that nobody writes to meanwhile.
 */
#ifndef HOSTFS_H
#define HOSTFS_H

#include <libvhd/boot.h>

#define HOSTFS_PAGE     4096u
#define HOSTFS_NAME_MAX 255u /* UTF-16 units of one component */

/* Offset of an extent that is not stored: it reads as zeros. */
#define HOSTFS_ZEROS UINT64_MAX

enum hostfs_kind {
	HOSTFS_FAT12 = 1,
	HOSTFS_FAT16,
	HOSTFS_FAT32,
	HOSTFS_EXFAT,
};

struct hostfs_extent {
	uint64_t start;  /* in the file, bytes */
	uint64_t length; /* bytes, never 0 */
	uint64_t offset; /* on the volume, bytes, or HOSTFS_ZEROS */
};

/*
 * A file: extents cover [0, size) in rising order without gaps. The caller
 * sets `extents` and `room`; they stay the caller's.
 */
struct hostfs_file {
	struct hostfs_extent *extents;
	uint32_t room;
	uint32_t count;
	uint64_t size;
};

/* A volume. The caller gives the memory; the fields are hostfs's own. */
struct hostfs {
	struct vhd_source volume;
	enum hostfs_kind kind;
	uint8_t cluster_shift;
	uint32_t clusters;     /* they have the numbers 2 to clusters + 1 */
	uint32_t serial;       /* the volume's, as UUID= shows it */
	uint32_t root_cluster; /* 0 for the fixed root of FAT12 and FAT16 */
	uint32_t root_bytes;   /* the length of that */
	uint64_t root_offset;  /* its place; as all of these, in bytes */
	uint64_t fat_offset;
	uint64_t heap_offset; /* cluster 2 */
	uint64_t page_number;
	uint32_t name_units;
	char text[3 * HOSTFS_NAME_MAX + 1]; /* a component, in UTF-8 */
	uint8_t name[2 * HOSTFS_NAME_MAX];  /* the same, in UTF-16 */
	uint8_t page[HOSTFS_PAGE];
};

/*
 * Reads the volume's first sector. `volume` is copied.
 *
 * Errors: VHD_E_FORMAT for another file system, VHD_E_CORRUPT, what read_at()
 * returns.
 */
int hostfs_open(struct hostfs *fs, const struct vhd_source *volume,
		struct vhd_diag *diag);

/*
 * The volume's label as LABEL= shows it, in UTF-8: the entry of the root
 * directory, not the copy in a FAT's first sector. "" if it has none, or one of
 * FAT that is not ASCII: its code page is not known.
 */
#define HOSTFS_LABEL 34u /* 11 UTF-16 units, and a NUL */
int hostfs_label(struct hostfs *fs, char out[HOSTFS_LABEL]);

/*
 * Finds a file by its path from the root: UTF-8, components separated by '/'
 * or '\', compared without regard to case in Latin, Greek and Cyrillic.
 *
 * Errors: VHD_E_NOENT (also for a directory), VHD_E_INVALID for a path with
 * ".." or without a name, VHD_E_CORRUPT, what read_at() returns; and
 * VHD_E_LIMIT if there are more than file->room extents: file->count then says
 * how many there are, so that the caller can come again. Otherwise `file` is
 * untouched on failure.
 */
int hostfs_find(struct hostfs *fs, const char *path, struct hostfs_file *file,
		struct vhd_diag *diag);

/* Reads a part of a file; VHD_E_RANGE past its end. */
int hostfs_read(const struct vhd_source *volume, const struct hostfs_file *file,
		uint64_t offset, void *buf, size_t len);

#endif

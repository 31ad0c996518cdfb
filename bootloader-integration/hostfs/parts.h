/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of hostfs use of each other. */
#ifndef HOSTFS_PARTS_H
#define HOSTFS_PARTS_H

#include <stdbool.h>

#include "hostfs.h"

#define HOSTFS_ENTRY      32u
#define HOSTFS_SECTOR_MIN 512u

/* Where a file or a directory begins. */
struct hostfs_node {
	bool directory;
	bool contiguous;  /* exFAT: the FAT says nothing of it */
	uint32_t cluster; /* 0: none; of a directory: the fixed root */
	uint64_t size;    /* bytes; of a directory: at most so many */
	uint64_t valid;   /* bytes behind this one read as zeros */
};

/* -- page.c -- */

/* Shows `len` bytes that do not cross a page, until the next call. */
int hostfs_view(struct hostfs *fs, uint64_t offset, size_t len,
		const uint8_t **out);
/* Copies `len` bytes from anywhere. */
int hostfs_bytes(struct hostfs *fs, uint64_t offset, void *buf, size_t len);

/* -- cluster.c -- */

/*
 * A walk along a chain of clusters. A chain that comes back to itself is found
 * by Brent's method: a mark that is set anew after 1, 2, 4, 8 ... steps is met
 * again.
 */
struct hostfs_walk {
	uint32_t cluster; /* 0 behind the end */
	uint32_t mark;
	bool contiguous;
	uint64_t steps;
	uint64_t power;
};

bool hostfs_is_cluster(const struct hostfs *fs, uint32_t cluster);
uint64_t hostfs_cluster_offset(const struct hostfs *fs, uint32_t cluster);
void hostfs_walk_start(struct hostfs_walk *walk,
		       const struct hostfs_node *node);
int hostfs_walk_next(struct hostfs *fs, struct hostfs_walk *walk);

/* -- map.c -- */

int hostfs_map(struct hostfs *fs, const struct hostfs_node *node,
	       struct hostfs_file *file, struct vhd_diag *diag);

/* -- directory.c -- */

struct hostfs_dir {
	struct hostfs_walk walk;
	uint64_t left;   /* bytes that may still be looked at */
	uint64_t offset; /* of the next entry on the volume */
	uint64_t end;    /* of the cluster, or of the fixed root */
};

void hostfs_dir_start(struct hostfs *fs, const struct hostfs_node *node,
		      struct hostfs_dir *dir);
/* 1 and an entry of 32 bytes, 0 at the end, or an error. */
int hostfs_dir_next(struct hostfs *fs, struct hostfs_dir *dir,
		    const uint8_t **entry);

/* -- name.c -- */

/*
 * Takes the next component of *path into fs->name. 1 if there was one, 0 at
 * the end, VHD_E_INVALID.
 */
int hostfs_name_next(struct hostfs *fs, const char **path);
/* Unit `i` of that name, in upper case; 0 behind its end. */
uint16_t hostfs_name_unit(const struct hostfs *fs, uint32_t i);
uint16_t hostfs_fold(uint16_t unit);

/* -- fat.c, exfat.c -- */

int hostfs_fat_open(struct hostfs *fs, const uint8_t *sector,
		    struct vhd_diag *diag);
int hostfs_exfat_open(struct hostfs *fs, const uint8_t *sector,
		      struct vhd_diag *diag);
/* Look fs->name up in `dir`; VHD_E_NOENT if it is not there. */
int hostfs_fat_lookup(struct hostfs *fs, const struct hostfs_node *dir,
		      struct hostfs_node *out);
int hostfs_exfat_lookup(struct hostfs *fs, const struct hostfs_node *dir,
			struct hostfs_node *out);
/* Find the label in the root; VHD_E_NOENT if there is none. */
int hostfs_fat_label(struct hostfs *fs, const struct hostfs_node *root,
		     char out[HOSTFS_LABEL]);
int hostfs_exfat_label(struct hostfs *fs, const struct hostfs_node *root,
		       char out[HOSTFS_LABEL]);

#endif

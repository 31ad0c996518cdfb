/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An image and its parents, all on one volume, opened as one disk. Places of
 * the files are found first; afterwards only the volume's blocks are read.
 *
 * vhd_boot_format() tells their formats.
 */
#ifndef VHDBOOT_CHAIN_H
#define VHDBOOT_CHAIN_H

#include "hostfs.h"

#define CHAIN_PATH 512

struct layer {
	struct layer *parent;
	struct vhd_source volume;
	struct hostfs_file file;
	struct vhd_boot *boot;
	void *window;
	char path[CHAIN_PATH]; /* from the root, with '/' */
};

struct chain {
	struct layer *leaf;
	unsigned depth;
};

/*
 * Opens `path` and its parents. `volume` is kept and must live as long as the
 * chain; fs is not needed afterwards. Errors: those of hostfs_find() and
 * vhd_boot_open(); VHD_E_PARENT, _MISMATCH and _LOOP. diag->path names the
 * file.
 */
int chain_open(struct hostfs *fs, const char *path, struct chain *chain,
	       struct vhd_diag *diag);
void chain_close(struct chain *chain);

/*
 * Reads a whole file of at most `room` bytes, such as a configuration. Returns
 * its length, or VHD_E_*.
 */
int64_t chain_read_file(struct hostfs *fs, const char *path, void *buf,
			size_t room, struct vhd_diag *diag);

#endif

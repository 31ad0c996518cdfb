/* SPDX-License-Identifier: BSD-2-Clause */
/* A mounted disk: the tree, and the answers to the kernel's requests. */
#ifndef FUSE_MOUNT_H
#define FUSE_MOUNT_H

#include <stdatomic.h>
#include <time.h>

#include "fuse_version.h"
#include "tree.h"
#include "view.h"

struct mount {
	struct vhd_disk *disk;
	const char *image; /* the path it was opened by */
	struct tree tree;
	struct views views;
	char *info;  /* what info.json holds */
	mode_t mode; /* of files */
	uid_t uid;
	gid_t gid;
	time_t time;       /* of mounting */
	unsigned max_read; /* as in the mount options; 0: none */
	/* idle timeout */
	_Atomic unsigned open_files;
	_Atomic uint64_t requests;
};

extern const struct fuse_lowlevel_ops mount_ops;

#endif

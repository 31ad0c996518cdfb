/* SPDX-License-Identifier: BSD-2-Clause */
/* Fills the tree of a mount: what there is to see of a disk. */
#ifndef FUSE_CONTENTS_H
#define FUSE_CONTENTS_H

#include "cmdline.h"
#include "mount.h"

/* Adds a file that shows a part of the disk; returns its node. */
size_t contents_add_view(struct mount *mount, size_t parent, const char *name,
			 struct view view);

/* Partitions that cannot be found are said on stderr and left out. */
void contents_build(struct mount *mount, const struct cmdline *options);
void contents_free(struct mount *mount);

#endif

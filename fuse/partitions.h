/* SPDX-License-Identifier: BSD-2-Clause */
/* The folder partitions/ of a mount. */
#ifndef FUSE_PARTITIONS_H
#define FUSE_PARTITIONS_H

#include "cmdline.h"
#include "mount.h"

void partitions_add(struct mount *mount, const struct cmdline *options);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends a mount that nobody has had a file open on for some time. */
#ifndef FUSE_IDLE_H
#define FUSE_IDLE_H

#include "mount.h"

/* Starts a thread that sends this process SIGTERM then. 0 seconds: never. */
void idle_watch(struct mount *mount, unsigned seconds);

#endif

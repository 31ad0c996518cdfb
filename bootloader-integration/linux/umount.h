/* SPDX-License-Identifier: BSD-2-Clause */
/* Unmounting what lies below a folder. */
#ifndef LINUX_UMOUNT_H
#define LINUX_UMOUNT_H

#include <stdbool.h>

/*
 * Unmounts all at and below `folder`, what was mounted last first, again and
 * again while that helps. True if nothing is left. What is left was made
 * read-only where that was possible.
 */
bool umount_below(const char *folder);

#endif

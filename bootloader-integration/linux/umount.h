/* SPDX-License-Identifier: BSD-2-Clause */
/* Unmounting what lies below a folder. */
#ifndef LINUX_UMOUNT_H
#define LINUX_UMOUNT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Unmounts all at and below `folder`, what was mounted last first, again and
 * again while that helps. What is below and in use then is taken out of the
 * tree: systemd leaves there a second view of /run, with files that our own
 * server holds open. So whether a device is free is to be asked of the device.
 * False if `folder` itself is in use; it is made read-only if it can be.
 */
bool umount_below(const char *folder);

/*
 * What is mounted there, "/dev/vda1", or on a folder of that name in another
 * root, as /oldroot/run/x is for /run/x; false if nothing is.
 */
bool umount_source(const char *folder, char *source, size_t size);

#endif

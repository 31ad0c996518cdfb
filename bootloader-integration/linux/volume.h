/* SPDX-License-Identifier: BSD-2-Clause */
/* The volume that the image lies on: found, waited for, mounted. */
#ifndef LINUX_VOLUME_H
#define LINUX_VOLUME_H

#include <stdbool.h>

#include "rootname.h"

#define VOLUME_FOLDER "/run/vhdboot"
#define VOLUME_HOST   VOLUME_FOLDER "/host"

/*
 * Waits so many seconds for it to appear. Returns an enum tool_exit, and the
 * device's path, to be freed.
 */
int volume_find(const struct root_name *root, unsigned timeout, char **device);

/* Mounts it on VOLUME_HOST with more options as fstab writes them. */
int volume_mount(const char *device, const char *options, bool read_only);

/*
 * Refuses a file that the file system keeps in another form than its bytes:
 * compressed or encrypted.
 */
int volume_check_file(const char *path);

#endif

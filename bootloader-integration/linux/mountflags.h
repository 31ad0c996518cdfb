/* SPDX-License-Identifier: BSD-2-Clause */
/* Mount options as fstab writes them, split into what mount(2) wants. */
#ifndef LINUX_MOUNTFLAGS_H
#define LINUX_MOUNTFLAGS_H

#include <stddef.h>

/*
 * Sets or clears MS_* bits in *flags for the options that are such, and puts
 * the others, for the file system, into `data`. 0, or -1 if they do not fit.
 */
int mount_flags_parse(const char *options, unsigned long *flags, char *data,
		      size_t size);

#endif

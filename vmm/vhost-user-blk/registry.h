/* SPDX-License-Identifier: BSD-2-Clause */
/* The disks that this process serves, by their ids. */
#ifndef VUB_REGISTRY_H
#define VUB_REGISTRY_H

#include "device.h"

/* 0, or -1 with a sentence: the id is taken, or what vub_device_open() says. */
int vub_registry_add(const struct vub_device_options *options,
		     char error[VUB_ERROR_SIZE]);
/* NULL if there is none. */
struct vub_device *vub_registry_find(const char *id);
void vub_registry_remove(struct vub_device *device);
void vub_registry_remove_all(void);

/* The first; the others by `next`. */
struct vub_device *vub_registry_first(void);

/* Does what is due for all. Milliseconds until the next time, or -1. */
int vub_registry_tick(void);

#endif

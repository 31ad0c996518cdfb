/* SPDX-License-Identifier: BSD-2-Clause */
#include "registry.h"

#include <stdio.h>
#include <string.h>

static struct vub_device *devices;

struct vub_device *vub_registry_first(void)
{
	return devices;
}

struct vub_device *vub_registry_find(const char *id)
{
	struct vub_device *d = devices;

	while (d && strcmp(d->id, id) != 0)
		d = d->next;
	return d;
}

int vub_registry_add(const struct vub_device_options *o,
		     char error[VUB_ERROR_SIZE])
{
	struct vub_device **last = &devices;
	struct vub_device *d;

	if (vub_registry_find(o->id)) {
		snprintf(error, VUB_ERROR_SIZE, "there is a disk %s already",
			 o->id);
		return -1;
	}
	d = vub_device_open(o, error);
	if (!d)
		return -1;
	while (*last)
		last = &(*last)->next;
	*last = d;
	return 0;
}

void vub_registry_remove(struct vub_device *d)
{
	struct vub_device **at = &devices;

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	vub_device_close(d);
}

void vub_registry_remove_all(void)
{
	while (devices)
		vub_registry_remove(devices);
}

int vub_registry_tick(void)
{
	int64_t first = -1, left;

	for (struct vub_device *d = devices; d; d = d->next) {
		int64_t due = vub_device_tick(d);

		if (due >= 0 && (first < 0 || due < first))
			first = due;
	}
	if (first < 0)
		return -1;
	left = first - vub_now();
	return left < 0 ? 0 : (int)left;
}

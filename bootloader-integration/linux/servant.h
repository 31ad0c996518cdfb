/* SPDX-License-Identifier: BSD-2-Clause */
/* How the process behind a device serves it: what differs between NBD and ublk.
 */
#ifndef LINUX_SERVANT_H
#define LINUX_SERVANT_H

#include <libvhd.h>

#include "device.h"

/*
 * In the order in which they are called. Those that return an int return an
 * enum tool_exit, and have printed what failed.
 */
struct servant {
	/*
	 * Everything that serving needs is there afterwards, but no device. The
	 * disk stays the caller's. After a failure there is nothing to free.
	 */
	int (*open)(struct vhd_disk *disk, const char *image, void **out);
	/* The device appears. */
	int (*start)(void *server, const char *image, char name[DEVICE_NAME]);
	/* Readable when the device is served no more. */
	int (*end_fd)(const void *server);
	/* Has the device go, if it is there; who waits for end_fd sees it. */
	void (*stop)(void *server);
	/* Returns when the disk is in use no more. */
	void (*finish)(void *server);
	/* What is left of the device goes with it. */
	void (*free)(void *server);
};

#endif

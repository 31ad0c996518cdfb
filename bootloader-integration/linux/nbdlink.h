/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's NBD client, told over netlink: a socket becomes a device. Unlike
 * the ioctls, that finds a free device itself and leaves no process behind in
 * the kernel.
 *
 * One connection, though the kernel takes several. It reads each one's replies
 * in a work item that never ends; if no worker can be started at that moment,
 * as on a busy machine at boot, the one rescuer of the queue takes all of them
 * and never comes to the second: requests there wait for ever (seen with 6.1).
 * And with several, a request that takes 30 seconds ends its connection.
 */
#ifndef LINUX_NBDLINK_H
#define LINUX_NBDLINK_H

#include <stdint.h>

#include "device.h"

struct nbd_request_device {
	uint64_t size;
	uint64_t block_size;
	uint64_t flags; /* NBD_FLAG_* */
	int socket;     /* its other end is served already */
};

/*
 * Makes a device of a socket. Returns its number, or -errno: -ENOENT if this
 * kernel has no NBD.
 */
int nbdlink_connect(const struct nbd_request_device *request);

/* 0 or -errno. */
int nbdlink_disconnect(unsigned index);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's NBD client, told over netlink: sockets become a device. Unlike
 * the ioctls, that takes several connections, finds a free device itself, and
 * leaves no process behind in the kernel.
 */
#ifndef LINUX_NBDLINK_H
#define LINUX_NBDLINK_H

#include <stdint.h>

#include "device.h"

struct nbd_request_device {
	uint64_t size;
	uint64_t block_size;
	uint64_t flags; /* NBD_FLAG_* */
	const int *sockets;
	unsigned socket_count;
};

/*
 * Makes a device of sockets whose other ends are served already. Returns its
 * number, or -errno: -ENOENT if this kernel has no NBD.
 */
int nbdlink_connect(const struct nbd_request_device *request);

/* 0 or -errno. */
int nbdlink_disconnect(unsigned index);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "nbddevice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "diag.h"
#include "memory.h"
#include "nbdlink.h"
#include "nbdserver.h"

struct nbd_device {
	struct vhd_disk *disk;
	struct nbd_server *server;
	unsigned index;
	bool connected;
};

static int open_device(struct vhd_disk *disk, const char *image, void **out)
{
	struct nbd_device *d = tool_zalloc(sizeof(*d));
	struct vhd_diag diag = {0};
	int rc;

	d->disk = disk;
	rc = nbd_server_open(disk, &d->server, &diag);
	if (rc) {
		free(d);
		return diag_failure(image, rc, &diag);
	}
	*out = d;
	return TOOL_DONE;
}

static int connect_failed(const char *image, int error)
{
	diag_error(image, "cannot be attached as an NBD device: %s",
		   error == ENOENT ? "this kernel has no NBD"
				   : strerror(error));
	if (error == ENOENT)
		diag_hint("the module is nbd (CONFIG_BLK_DEV_NBD)");
	return TOOL_FAILED;
}

static int start(void *device, const char *image, char name[DEVICE_NAME])
{
	struct nbd_device *d = device;
	const struct nbd_request_device request = {
		.size = vhd_disk_size(d->disk),
		.block_size = vhd_disk_sector_size(d->disk),
		.flags = nbd_server_flags(d->server),
		.socket = nbd_server_socket(d->server),
	};
	int rc = nbdlink_connect(&request);

	if (rc < 0)
		return connect_failed(image, -rc);
	d->index = (unsigned)rc;
	d->connected = true;
	snprintf(name, DEVICE_NAME, "nbd%u", d->index);
	nbd_server_handed_over(d->server);
	return TOOL_DONE;
}

static int end_fd(const void *device)
{
	const struct nbd_device *d = device;

	return nbd_server_end_fd(d->server);
}

static void stop(void *device)
{
	const struct nbd_device *d = device;

	if (d->connected)
		nbdlink_disconnect(d->index);
}

static void finish(void *device)
{
	struct nbd_device *d = device;

	nbd_server_close(d->server);
}

const struct servant nbd_servant = {
	.open = open_device,
	.start = start,
	.end_fd = end_fd,
	.stop = stop,
	.finish = finish,
	.free = free,
};

int nbd_take_away(const char *name)
{
	unsigned index = (unsigned)strtoul(name + strlen("nbd"), NULL, 10);
	int rc = nbdlink_disconnect(index);

	return rc == -EINVAL || rc == -ENOTCONN ? 0 : rc;
}

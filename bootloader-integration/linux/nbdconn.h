/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One connection to the kernel's NBD client: requests from a socket into a
 * queue, completions back. The socket blocks: the kernel takes replies while it
 * sends, so neither waits for the other for ever.
 */
#ifndef LINUX_NBDCONN_H
#define LINUX_NBDCONN_H

#include <stdbool.h>

#include <libvhd.h>

#include "nbdwire.h"

/* requests at a time, and bytes of each: what the kernel has by default */
#define NBDCONN_SLOTS  128
#define NBDCONN_BUFFER ((size_t)128 << 10)

struct nbd_slot {
	struct nbdwire_request request;
	unsigned char *buffer;
	struct nbd_slot *next; /* free */
};

struct nbd_connection {
	struct vhd_disk *disk;
	struct vhd_queue *queue;
	int fd; /* our end; owned */
	bool ended;
	unsigned char *memory;
	struct nbd_slot slots[NBDCONN_SLOTS];
	struct nbd_slot *free;
};

/* 0 or VHD_E_*; owns `fd` in any case. */
int nbd_connection_open(struct nbd_connection *c, struct vhd_disk *disk, int fd,
			struct vhd_diag *diag);

/* Serves until the other end is gone and all is done. */
void nbd_connection_run(struct nbd_connection *c);

void nbd_connection_close(struct nbd_connection *c);

#endif

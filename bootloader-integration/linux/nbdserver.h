/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk behind the kernel's NBD client: threads, one a connection, each with a
 * queue of its own. Everything they need is there before the first request;
 * none asks for memory afterwards, because this may be what memory is waiting
 * for.
 */
#ifndef LINUX_NBDSERVER_H
#define LINUX_NBDSERVER_H

#include <libvhd.h>

#define NBDSERVER_CONNECTIONS 4

struct nbd_server;

/*
 * Makes sockets, queues and buffers for so many connections, at most
 * NBDSERVER_CONNECTIONS, and begins to serve. The disk stays the caller's and
 * outlives the server. 0 or VHD_E_*.
 */
int nbd_server_open(struct vhd_disk *disk, unsigned connections,
		    struct nbd_server **out, struct vhd_diag *diag);

/* The other ends of the sockets, for the kernel: one a connection. */
const int *nbd_server_sockets(const struct nbd_server *server);

/* Closes those: when the kernel has them it keeps them itself. */
void nbd_server_handed_over(struct nbd_server *server);

/* What the device can do, NBDWIRE_* bits. */
uint32_t nbd_server_flags(const struct nbd_server *server);

/* A descriptor that becomes readable when all connections have ended. */
int nbd_server_end_fd(const struct nbd_server *server);

/*
 * Waits until all connections have ended and what they had begun has, too.
 * Frees the server.
 */
void nbd_server_close(struct nbd_server *server);

#endif

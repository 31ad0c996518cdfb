/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk behind the kernel's NBD client: a connection with a thread and a queue
 * of its own. Everything they need is there before the first request; neither
 * asks for memory afterwards, because this may be what memory is waiting for.
 */
#ifndef LINUX_NBDSERVER_H
#define LINUX_NBDSERVER_H

#include <libvhd.h>

struct nbd_server;

/*
 * Makes a pair of sockets, queue and buffers, and begins to serve. The disk
 * stays the caller's and outlives the server. 0 or VHD_E_*.
 */
int nbd_server_open(struct vhd_disk *disk, struct nbd_server **out,
		    struct vhd_diag *diag);

/* The other end of the socket, for the kernel. */
int nbd_server_socket(const struct nbd_server *server);

/* Closes that: when the kernel has it, it keeps it itself. */
void nbd_server_handed_over(struct nbd_server *server);

/* What the device can do, NBDWIRE_* bits. */
uint32_t nbd_server_flags(const struct nbd_server *server);

/* A descriptor that becomes readable when the connection has ended. */
int nbd_server_end_fd(const struct nbd_server *server);

/*
 * Waits until the connection has ended and what it had begun has, too. Frees
 * the server.
 */
void nbd_server_close(struct nbd_server *server);

#endif

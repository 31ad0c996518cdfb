/* SPDX-License-Identifier: BSD-2-Clause */
#include "nbdserver.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nbdconn.h"
#include "nbdwire.h"

/* of the sockets: several of the kernel's requests fit */
#define SOCKET_BUFFER (2 << 20)

struct nbd_server {
	struct vhd_disk *disk;
	int end_fd;
	unsigned count; /* of what follows */
	struct worker {
		struct nbd_server *server;
		struct nbd_connection connection;
		pthread_t thread;
	} workers[NBDSERVER_CONNECTIONS];
	int sockets[NBDSERVER_CONNECTIONS];
	unsigned started;
	unsigned running; /* changed atomically */
};

static void *work(void *ctx)
{
	const uint64_t one = 1;
	struct worker *w = ctx;
	struct nbd_server *s = w->server;

	nbd_connection_run(&w->connection);
	if (__atomic_sub_fetch(&s->running, 1, __ATOMIC_ACQ_REL) == 0 &&
	    write(s->end_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes it */
	return NULL;
}

static int add_connection(struct nbd_server *s, struct vhd_diag *diag)
{
	struct worker *w = &s->workers[s->count];
	const int room = SOCKET_BUFFER;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return VHD_E_NOMEM;
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &room,
			   sizeof(room));
	w->server = s;
	s->sockets[s->count] = pair[0];
	s->count++;
	return nbd_connection_open(&w->connection, s->disk, pair[1], diag);
}

static int start(struct nbd_server *s)
{
	s->running = s->count;
	for (; s->started < s->count; s->started++) {
		struct worker *w = &s->workers[s->started];

		if (pthread_create(&w->thread, NULL, work, w))
			return VHD_E_NOMEM;
	}
	return 0;
}

int nbd_server_open(struct vhd_disk *disk, unsigned connections,
		    struct nbd_server **out, struct vhd_diag *diag)
{
	struct nbd_server *s = calloc(1, sizeof(*s));
	int rc = 0;

	if (!s)
		return VHD_E_NOMEM;
	s->disk = disk;
	s->end_fd = eventfd(0, EFD_CLOEXEC);
	if (s->end_fd < 0)
		rc = VHD_E_NOMEM;
	while (!rc && s->count < connections &&
	       s->count < NBDSERVER_CONNECTIONS)
		rc = add_connection(s, diag);
	if (!rc)
		rc = start(s);
	if (rc)
		nbd_server_close(s);
	else
		*out = s;
	return rc;
}

const int *nbd_server_sockets(const struct nbd_server *server)
{
	return server->sockets;
}

void nbd_server_handed_over(struct nbd_server *s)
{
	for (unsigned i = 0; i < s->count; i++) {
		if (s->sockets[i] >= 0)
			close(s->sockets[i]);
		s->sockets[i] = -1;
	}
}

uint32_t nbd_server_flags(const struct nbd_server *s)
{
	uint32_t flags =
		NBDWIRE_HAS_FLAGS | NBDWIRE_SEND_FLUSH | NBDWIRE_SEND_FUA;

	if (s->count > 1) /* a flush of one is a flush of the disk */
		flags |= NBDWIRE_CAN_MULTI_CONN;
	if (!vhd_disk_is_writable(s->disk))
		return flags | NBDWIRE_READ_ONLY;
	return flags | NBDWIRE_SEND_TRIM | NBDWIRE_SEND_WRITE_ZEROES;
}

int nbd_server_end_fd(const struct nbd_server *server)
{
	return server->end_fd;
}

void nbd_server_close(struct nbd_server *s)
{
	if (!s)
		return;
	nbd_server_handed_over(s); /* without that they would not end */
	for (unsigned i = 0; i < s->started; i++)
		pthread_join(s->workers[i].thread, NULL);
	for (unsigned i = 0; i < s->count; i++)
		nbd_connection_close(&s->workers[i].connection);
	if (s->end_fd >= 0)
		close(s->end_fd);
	free(s);
}

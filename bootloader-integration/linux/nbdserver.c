/* SPDX-License-Identifier: BSD-2-Clause */
#include "nbdserver.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nbdconn.h"
#include "nbdwire.h"

/* of the sockets: many of the kernel's requests fit */
#define SOCKET_BUFFER (4 << 20)

struct nbd_server {
	struct vhd_disk *disk;
	struct nbd_connection connection;
	pthread_t thread;
	bool started;
	int socket; /* the kernel's end */
	int end_fd;
};

static void *work(void *ctx)
{
	const uint64_t one = 1;
	struct nbd_server *s = ctx;

	nbd_connection_run(&s->connection);
	if (write(s->end_fd, &one, sizeof(one)) < 0)
		abort(); /* an eventfd takes it */
	return NULL;
}

static int make_sockets(int pair[2])
{
	const int room = SOCKET_BUFFER;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return VHD_E_NOMEM;
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &room,
			   sizeof(room));
	return 0;
}

static int start(struct nbd_server *s, struct vhd_diag *diag)
{
	int pair[2], rc = make_sockets(pair);

	if (rc)
		return rc;
	s->socket = pair[0];
	rc = nbd_connection_open(&s->connection, s->disk, pair[1], diag);
	if (rc)
		return rc;
	s->end_fd = eventfd(0, EFD_CLOEXEC);
	if (s->end_fd < 0 || pthread_create(&s->thread, NULL, work, s))
		return VHD_E_NOMEM;
	s->started = true;
	return 0;
}

int nbd_server_open(struct vhd_disk *disk, struct nbd_server **out,
		    struct vhd_diag *diag)
{
	struct nbd_server *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return VHD_E_NOMEM;
	s->disk = disk;
	s->connection.fd = s->socket = s->end_fd = -1;
	rc = start(s, diag);
	if (rc)
		nbd_server_close(s);
	else
		*out = s;
	return rc;
}

int nbd_server_socket(const struct nbd_server *server)
{
	return server->socket;
}

void nbd_server_handed_over(struct nbd_server *s)
{
	if (s->socket >= 0)
		close(s->socket);
	s->socket = -1;
}

uint32_t nbd_server_flags(const struct nbd_server *s)
{
	uint32_t flags =
		NBDWIRE_HAS_FLAGS | NBDWIRE_SEND_FLUSH | NBDWIRE_SEND_FUA;

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
	nbd_server_handed_over(s); /* without that it would not end */
	if (s->started)
		pthread_join(s->thread, NULL);
	nbd_connection_close(&s->connection);
	if (s->end_fd >= 0)
		close(s->end_fd);
	free(s);
}

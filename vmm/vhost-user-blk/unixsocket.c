/* SPDX-License-Identifier: BSD-2-Clause */
#include "unixsocket.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#include "socketfile.h"

#define BACKLOG 16

static int new_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
	const struct sockaddr *a = (const struct sockaddr *)address;

	if (!bind(fd, a, sizeof(*address)))
		return 0;
	if (errno != EADDRINUSE)
		return -1;
	if (!socketfile_is_dead(address->sun_path)) {
		errno = EADDRINUSE;
		return -1;
	}
	unlink(address->sun_path);
	return bind(fd, a, sizeof(*address));
}

int vub_listen(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd, saved;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	fd = new_socket();
	if (fd < 0)
		return -1;
	if (!bind_to(fd, &address) && !listen(fd, BACKLOG))
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int vub_accept(int listener)
{
	return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

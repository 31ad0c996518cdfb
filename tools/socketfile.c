/* SPDX-License-Identifier: BSD-2-Clause */
#include "socketfile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

bool socketfile_is_dead(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t n = strlen(path);
	struct stat st;
	bool dead;
	int fd;

	if (n >= sizeof(address.sun_path) || lstat(path, &st) ||
	    !S_ISSOCK(st.st_mode))
		return false;
	memcpy(address.sun_path, path, n + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	dead = connect(fd, (const struct sockaddr *)&address,
		       sizeof(address)) &&
	       errno == ECONNREFUSED;
	close(fd);
	return dead;
}

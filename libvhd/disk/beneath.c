/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel keeps the lookup below the folder (openat2, Linux 5.6). Where it
 * cannot, each component is opened without following links: stricter, never
 * looser. The file is examined through an O_PATH descriptor first, because
 * merely opening a device can have effects, and what is opened afterwards must
 * be the same file.
 */
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "file/file.h"

/* components one by one, links refused */
static int walk_open(int dir, const char *name, int flags)
{
	char part[256];
	int at = dir, fd = -1;

	for (;;) {
		size_t n = strcspn(name, "/");
		bool last = !name[n];

		if (!n || n >= sizeof(part)) {
			errno = ENOENT;
			fd = -1;
		} else {
			memcpy(part, name, n);
			part[n] = '\0';
			fd = (int)TEMP_FAILURE_RETRY(
				openat(at, part,
				       (last ? flags : O_PATH | O_DIRECTORY) |
					       O_NOFOLLOW | O_CLOEXEC));
		}
		if (at != dir)
			close(at);
		if (fd < 0 || last)
			return fd;
		at = fd;
		name += n + 1;
	}
}

static int open_below(int dir, const char *name, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd = TEMP_FAILURE_RETRY(
		syscall(SYS_openat2, dir, name, &how, sizeof(how)));

	if (fd < 0 && (errno == ENOSYS || errno == EPERM))
		return walk_open(dir, name, flags);
	return (int)fd;
}

static int error_of(int err)
{
	/* a lookup that would leave the folder */
	return err == EXDEV ? VHD_E_ACCESS : vhd_error_of_errno(err);
}

int vhd_open_beneath(int dir, const char *name)
{
	struct stat seen, opened;
	int fd = open_below(dir, name, O_PATH);
	int rc;

	if (fd < 0)
		return error_of(errno);
	rc = fstat(fd, &seen) ? vhd_error_of_errno(errno) : 0;
	close(fd);
	if (!rc && !S_ISREG(seen.st_mode))
		rc = VHD_E_ACCESS;
	if (rc)
		return rc;
	fd = open_below(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_of(errno);
	if (fstat(fd, &opened) || opened.st_dev != seen.st_dev ||
	    opened.st_ino != seen.st_ino) {
		close(fd);
		return VHD_E_ACCESS;
	}
	return fd;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "memory.h"

/* "folder/.name.XXXXXX" */
static char *temporary_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char *out = NULL;

	if (asprintf(&out, "%.*s.%s.XXXXXX", (int)(name - path), path, name) <
	    0)
		out = NULL;
	return tool_must(out);
}

static int fill(int fd, const char *bytes, size_t len, mode_t mode)
{
	mode_t mask = umask(0);

	umask(mask);
	/* mkstemp() is stricter than a file of the user's should be; FAT knows
	 * no modes and says EPERM */
	if (fchmod(fd, mode & ~mask) && errno != EPERM)
		return -1;
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return (int)TEMP_FAILURE_RETRY(fsync(fd));
}

static int publish(const char *temporary, const char *path, bool force)
{
	if (force)
		return rename(temporary, path);
	if (link(temporary, path))
		return -1;
	return unlink(temporary);
}

static int write_file(const char *path, const void *bytes, size_t len,
		      bool force, mode_t mode)
{
	char *temporary = temporary_name(path);
	int fd = mkostemp(temporary, O_CLOEXEC);
	int rc = TOOL_DONE;

	if (fd < 0) {
		rc = diag_error(path, "%s", strerror(errno));
		goto out_free;
	}
	if (fill(fd, bytes, len, mode) || publish(temporary, path, force)) {
		rc = diag_error(path, "%s", strerror(errno));
		if (errno == EEXIST)
			diag_hint("--force replaces it");
		unlink(temporary);
	}
	close(fd);
out_free:
	free(temporary);
	return rc;
}

int newfile_write(const char *path, const void *bytes, size_t len, bool force)
{
	return write_file(path, bytes, len, force, 0666);
}

int newfile_write_program(const char *path, const void *bytes, size_t len,
			  bool force)
{
	return write_file(path, bytes, len, force, 0777);
}

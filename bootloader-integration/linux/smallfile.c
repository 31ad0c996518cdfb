/* SPDX-License-Identifier: BSD-2-Clause */
#include "smallfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

ssize_t smallfile_read(const char *path, void *bytes, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;
	ssize_t n = -1, done = 0;

	if (fd < 0)
		return -1;
	while ((size_t)done < size) {
		n = read(fd, (char *)bytes + done, size - (size_t)done);
		if (n <= 0)
			break;
		done += n;
	}
	err = errno;
	close(fd);
	errno = err;
	return n < 0 ? -1 : done;
}

int smallfile_line(const char *path, char *text, size_t size)
{
	ssize_t n = smallfile_read(path, text, size - 1);

	if (n < 0)
		return -1;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

int smallfile_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t length = strlen(text);
	int rc = -1;

	if (fd < 0)
		return -1;
	if (write(fd, text, length) == (ssize_t)length)
		rc = 0;
	close(fd);
	return rc;
}

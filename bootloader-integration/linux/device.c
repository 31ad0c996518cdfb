/* SPDX-License-Identifier: BSD-2-Clause */
#include "device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "smallfile.h"

/* somebody looks at a new device, as udev does: so many moments */
#define PATIENCE 100

void device_wait(void)
{
	const struct timespec moment = {.tv_nsec = 20000000};

	nanosleep(&moment, NULL);
}

int device_open(const char *name, int flags)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/%s", name);
	return open(path, flags | O_CLOEXEC);
}

/* only one may hold a device exclusively, and mounts and such do */
bool device_in_use(const char *name)
{
	int fd = device_open(name, O_RDONLY | O_EXCL);
	bool used = fd < 0 && errno == EBUSY;

	if (fd >= 0)
		close(fd);
	return used;
}

void device_scan(const char *name)
{
	int fd = device_open(name, O_RDONLY);

	if (fd < 0)
		return;
	for (int i = 0; i < PATIENCE; i++) {
		if (ioctl(fd, BLKRRPART) == 0 || errno != EBUSY)
			break;
		device_wait();
	}
	close(fd);
}

void device_flush(const char *name)
{
	int fd = device_open(name, O_RDONLY);

	if (fd < 0)
		return;
	fsync(fd);
	ioctl(fd, BLKFLSBUF);
	close(fd);
}

bool device_attribute(const char *name, const char *file, char *text,
		      size_t size)
{
	char path[512];

	snprintf(path, sizeof(path), "/sys/block/%s/%s", name, file);
	return smallfile_line(path, text, size) == 0;
}

int device_partitions(const char *name, int (*found)(void *ctx, unsigned n),
		      void *ctx)
{
	char path[256], text[16];
	struct dirent *e;
	int rc = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/block/%s", name);
	dir = opendir(path);
	while (dir && !rc && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "%.200s/partition", e->d_name);
		if (device_attribute(name, path, text, sizeof(text)))
			rc = found(ctx, (unsigned)strtoul(text, NULL, 10));
	}
	if (dir)
		closedir(dir);
	return rc;
}

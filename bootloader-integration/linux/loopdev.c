/* SPDX-License-Identifier: BSD-2-Clause */
#include "loopdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "module.h"

#define MARK "vhd-attach"

/* somebody else takes the free device first: so often at most */
#define TRIES 100

/* the kernel lets go of a device when the last one has closed it */
#define PATIENCE 500

static int open_control(void)
{
	int fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		module_load("loop");
		fd = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	}
	return fd;
}

static struct loop_config config_of(const struct loop_request *request)
{
	struct loop_config config = {
		.fd = (uint32_t)request->fd,
		.block_size = request->block,
		.info.lo_sizelimit = request->size,
		/* else content is kept in memory twice; the kernel does
		 * without where the file system cannot */
		.info.lo_flags = LO_FLAGS_DIRECT_IO,
	};

	memcpy(config.info.lo_file_name, MARK, sizeof(MARK));
	if (request->read_only)
		config.info.lo_flags |= LO_FLAGS_READ_ONLY;
	if (request->partitions)
		config.info.lo_flags |= LO_FLAGS_PARTSCAN;
	return config;
}

static int configure(const char *name, struct loop_config *config)
{
	bool read_only = config->info.lo_flags & LO_FLAGS_READ_ONLY;
	int fd = device_open(name, read_only ? O_RDONLY : O_RDWR);
	int rc;

	if (fd < 0)
		return -1;
	rc = ioctl(fd, LOOP_CONFIGURE, config);
	if (rc && errno == EINVAL) {
		config->info.lo_flags &= ~(uint32_t)LO_FLAGS_DIRECT_IO;
		rc = ioctl(fd, LOOP_CONFIGURE, config);
	}
	if (rc)
		rc = -errno;
	close(fd);
	errno = -rc;
	return rc ? -1 : 0;
}

static int attach_free(int control, const struct loop_request *request,
		       char name[DEVICE_NAME])
{
	struct loop_config config = config_of(request);

	for (int i = 0; i < TRIES; i++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);

		if (n < 0)
			return -1;
		snprintf(name, DEVICE_NAME, "loop%d", n);
		if (configure(name, &config) == 0)
			return 0;
		if (errno != EBUSY)
			return -1;
	}
	return -1;
}

int loop_attach(const char *path, const struct loop_request *request,
		char name[DEVICE_NAME])
{
	int control = open_control();
	int rc;

	if (control < 0) {
		diag_error(path, "cannot be attached: /dev/loop-control: %s",
			   strerror(errno));
		if (errno == ENOENT)
			diag_hint("this kernel has no loop devices (module "
				  "loop)");
		return TOOL_FAILED;
	}
	rc = attach_free(control, request, name);
	if (rc)
		diag_error(path, "cannot be attached as a loop device: %s",
			   strerror(errno));
	close(control);
	return rc ? TOOL_FAILED : TOOL_DONE;
}

static bool read_status(const char *name, struct loop_info64 *info)
{
	int fd = device_open(name, O_RDONLY);
	bool is;

	if (fd < 0)
		return false;
	is = ioctl(fd, LOOP_GET_STATUS64, info) == 0;
	close(fd);
	return is;
}

bool loop_is_ours(const char *name)
{
	struct loop_info64 info = {0};

	return read_status(name, &info) &&
	       strncmp((const char *)info.lo_file_name, MARK, sizeof(MARK)) ==
		       0;
}

int loop_detach(const char *name)
{
	struct loop_info64 info;
	int fd = device_open(name, O_RDONLY);

	if (fd < 0)
		return diag_error(name, "%s", strerror(errno));
	fsync(fd);
	if (ioctl(fd, LOOP_CLR_FD) && errno != ENXIO) {
		diag_error(name, "cannot be detached: %s", strerror(errno));
		close(fd);
		return TOOL_FAILED;
	}
	close(fd);
	for (int i = 0; i < PATIENCE && read_status(name, &info); i++)
		device_wait();
	return TOOL_DONE;
}

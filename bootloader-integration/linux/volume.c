/* SPDX-License-Identifier: BSD-2-Clause */
#include "volume.h"

#include <blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "device.h"
#include "diag.h"
#include "module.h"
#include "mountflags.h"

/* -- finding -----------------------------------------------------------------
 */

/* asked anew each time: no list of what was there before */
static char *look_for(const struct root_name *root)
{
	blkid_cache cache;
	char *device;

	if (!root->tag[0])
		return access(root->volume, F_OK) ? NULL : strdup(root->volume);
	if (blkid_get_cache(&cache, "/dev/null"))
		return NULL;
	device = blkid_get_devname(cache, root->tag, root->volume);
	blkid_put_cache(cache);
	return device;
}

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

int volume_find(const struct root_name *root, unsigned timeout, char **device)
{
	const time_t end = now() + (time_t)timeout;
	bool told = false;

	while (!(*device = look_for(root))) {
		if (now() >= end)
			break;
		if (!told)
			fprintf(stderr, "%s: waiting for %s%s%s\n",
				diag_program, root->tag, *root->tag ? "=" : "",
				root->volume);
		told = true;
		for (int i = 0; i < 10; i++)
			device_wait();
	}
	if (*device)
		return TOOL_DONE;
	diag_error(NULL, "%s%s%s: there is no such volume (waited %u seconds)",
		   root->tag, *root->tag ? "=" : "", root->volume, timeout);
	diag_hint("vhdtimeout= is how long to wait; perhaps the disk's driver "
		  "is missing");
	return TOOL_FAILED;
}

/* -- mounting ----------------------------------------------------------------
 */

/* What the kernel calls a file system that libblkid calls `type`, and options
 * without which names would not be UTF-8. */
static const struct driver {
	const char *type;
	const char *driver;
	const char *module;
	const char *options;
} drivers[] = {
	{"vfat", "vfat", "vfat", "utf8=1"},
	{"exfat", "exfat", "exfat", "iocharset=utf8"},
	{"ntfs", "ntfs3", "ntfs3", "iocharset=utf8"},
	{"ext4", "ext4", "ext4", ""},
	{"ext3", "ext4", "ext4", ""},
	{"ext2", "ext4", "ext4", ""},
	{"xfs", "xfs", "xfs", ""},
	{"btrfs", "btrfs", "btrfs", ""},
};

static const struct driver *find_driver(const char *type)
{
	for (size_t i = 0; i < sizeof(drivers) / sizeof(*drivers); i++)
		if (strcmp(drivers[i].type, type) == 0)
			return &drivers[i];
	return NULL;
}

static int mount_failed(const char *device, const struct driver *driver,
			int error)
{
	diag_error(device, "cannot be mounted as %s: %s", driver->driver,
		   error == ENODEV ? "this kernel has no driver for it"
				   : strerror(error));
	if (error == ENODEV)
		diag_hint("the module is %s", driver->module);
	else if (strcmp(driver->type, "ntfs") == 0)
		diag_hint("a volume that Windows has not closed (fast start, "
			  "hibernation) is refused");
	return TOOL_FAILED;
}

static int mount_driver(const char *device, const struct driver *driver,
			const char *options, bool read_only)
{
	unsigned long flags = MS_NOATIME | MS_NODEV | MS_NOSUID;
	char data[1024];

	snprintf(data, sizeof(data), "%s", driver->options);
	if (mount_flags_parse(options, &flags, data, sizeof(data)))
		return diag_error(NULL, "vhdflags=%s: is too long", options);
	if (read_only)
		flags |= MS_RDONLY;
	if (mount(device, VOLUME_HOST, driver->driver, flags, data) == 0)
		return TOOL_DONE;
	if (errno == ENODEV) {
		module_load(driver->module);
		if (mount(device, VOLUME_HOST, driver->driver, flags, data) ==
		    0)
			return TOOL_DONE;
	}
	return mount_failed(device, driver, errno);
}

int volume_mount(const char *device, const char *options, bool read_only)
{
	char *type = blkid_get_tag_value(NULL, "TYPE", device);
	const struct driver *driver = type ? find_driver(type) : NULL;
	int rc;

	if ((mkdir(VOLUME_FOLDER, 0755) && errno != EEXIST) ||
	    (mkdir(VOLUME_HOST, 0755) && errno != EEXIST))
		rc = diag_error(VOLUME_HOST, "%s", strerror(errno));
	else if (!type)
		rc = diag_error(device, "holds no file system that is known");
	else if (!driver)
		rc = diag_error(device, "holds %s: images cannot lie there",
				type);
	else
		rc = mount_driver(device, driver, options, read_only);
	free(type);
	return rc;
}

/* -- files -------------------------------------------------------------------
 */

/* statx() and not the attributes of ext4's kind, which NTFS does not have */
int volume_check_file(const char *path)
{
	struct statx st;

	if (statx(AT_FDCWD, path, 0, STATX_TYPE, &st))
		return diag_error(path, "%s", strerror(errno));
	if (st.stx_attributes & STATX_ATTR_ENCRYPTED)
		return diag_error(path, "is encrypted by its file system");
	if (st.stx_attributes & STATX_ATTR_COMPRESSED) {
		diag_error(path, "is compressed by its file system");
		diag_hint("no loader can read it; copy it to a file that is "
			  "not");
		return TOOL_FAILED;
	}
	return TOOL_DONE;
}

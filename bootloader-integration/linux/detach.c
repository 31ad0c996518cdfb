/* SPDX-License-Identifier: BSD-2-Clause */
/* The reverse of attach.c. */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "command.h"
#include "diag.h"
#include "dmdisk.h"
#include "loopdev.h"
#include "nbddevice.h"
#include "record.h"
#include "ublkserver.h"

static int not_ours(const char *name)
{
	return diag_error(name, "is no device that vhdtool or vhd-attach has "
				"attached");
}

static int in_use(const char *name)
{
	diag_error(name, "is in use");
	diag_hint("unmount what is mounted from it");
	return TOOL_FAILED;
}

static int take_away(const char *name, bool alive)
{
	return strncmp(name, "nbd", 3) == 0 ? nbd_take_away(name)
					    : ublk_take_away(name, alive);
}

/*
 * The server closes the image when the kernel has let go of the device. Nothing
 * is to be flushed before: the last one that closed the device has done that,
 * and a server that is about to die would never answer. If it has died already,
 * what waits for it is set free, so then nobody's use of the device counts.
 */
static int undo_served(const char *name)
{
	int file = record_open(name);
	char fault[512];
	bool alive;
	int rc;

	if (file < 0)
		return not_ours(name);
	alive = record_is_alive(file);
	if (alive && device_in_use(name)) {
		close(file);
		return in_use(name);
	}
	rc = take_away(name, alive);
	if (rc) {
		close(file);
		return diag_error(name, "cannot be detached: %s",
				  strerror(-rc));
	}
	if (record_wait(file, fault, sizeof(fault)))
		return TOOL_DONE;
	if (alive) /* it was not, or not for long */
		take_away(name, false);
	return diag_error(name, "is detached, but its image was not closed: %s",
			  fault);
}

static int undo_loop(const char *name)
{
	char dm[DEVICE_NAME];

	if (!loop_is_ours(name))
		return not_ours(name);
	if (device_in_use(name))
		return in_use(name);
	if (dm_disk_beneath(name, dm))
		return dm_disk_detach(name, dm);
	return loop_detach(name);
}

int attach_undo(const char *device)
{
	const char *name = device;

	if (strncmp(name, "/dev/", 5) == 0)
		name += 5;
	if (strchr(name, '/') || strlen(name) >= DEVICE_NAME)
		return not_ours(device);
	if (strncmp(name, "nbd", 3) == 0 || strncmp(name, "ublkb", 5) == 0)
		return undo_served(name);
	if (strncmp(name, "loop", 4) == 0)
		return undo_loop(name);
	return not_ours(device);
}

static int undo_all_loops(void)
{
	DIR *dir = opendir("/sys/block");
	struct dirent *e;
	int rc = TOOL_DONE;

	while (dir && (e = readdir(dir))) {
		char dm[DEVICE_NAME];

		if (strncmp(e->d_name, "loop", 4) != 0 ||
		    !loop_is_ours(e->d_name) ||
		    dm_disk_above(e->d_name, dm)) /* goes with that one */
			continue;
		if (attach_undo(e->d_name))
			rc = TOOL_FAILED;
	}
	if (dir)
		closedir(dir);
	return rc;
}

int attach_undo_all(void)
{
	int rc = record_each(attach_undo) ? TOOL_FAILED : TOOL_DONE;

	return undo_all_loops() ? TOOL_FAILED : rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* The reverse of attach.c. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "attach.h"
#include "command.h"
#include "diag.h"
#include "dmdisk.h"
#include "loopdev.h"
#include "nbdlink.h"
#include "record.h"

static int not_ours(const char *name)
{
	return diag_error(name, "is no device that vhdtool or vhd-attach has "
				"attached");
}

static void *flush(void *name)
{
	device_flush(name);
	return NULL;
}

/*
 * The kernel waits for the answer of a server that dies meanwhile until it is
 * told to disconnect. So whoever flushes must not be whoever tells it.
 */
static int flush_and_disconnect(const char *name, int file)
{
	const struct timespec moment = {.tv_nsec = 10000000};
	char copy[DEVICE_NAME];
	pthread_t thread;
	bool flushing;
	int rc;

	snprintf(copy, sizeof(copy), "%s", name);
	flushing = !pthread_create(&thread, NULL, flush, copy);
	while (flushing && record_is_served(file)) {
		if (!pthread_tryjoin_np(thread, NULL))
			flushing = false;
		else
			nanosleep(&moment, NULL);
	}
	rc = nbdlink_disconnect((unsigned)strtoul(name + 3, NULL, 10));
	if (flushing)
		pthread_join(thread, NULL);
	return rc;
}

/* The server closes the image when the kernel has let go of it. */
static int undo_nbd(const char *name)
{
	int file = record_open(name);
	char fault[512];
	int rc;

	if (file < 0)
		return not_ours(name);
	rc = flush_and_disconnect(name, file);
	if (rc && rc != -EINVAL && rc != -ENOTCONN) {
		close(file);
		return diag_error(name, "cannot be detached: %s",
				  strerror(-rc));
	}
	if (!record_wait(file, fault, sizeof(fault)))
		return diag_error(name,
				  "is detached, but its image was not "
				  "closed: %s",
				  fault);
	return TOOL_DONE;
}

static int undo_loop(const char *name)
{
	char dm[DEVICE_NAME];

	if (!loop_is_ours(name))
		return not_ours(name);
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
	if (device_in_use(name)) {
		diag_error(device, "is in use");
		diag_hint("unmount what is mounted from it");
		return TOOL_FAILED;
	}
	if (strncmp(name, "nbd", 3) == 0)
		return undo_nbd(name);
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

/* SPDX-License-Identifier: BSD-2-Clause */
#include "fusemount.h"

#include <errno.h>
#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include <libvhd.h>

#include "command.h"
#include "diag.h"
#include "helper.h"
#include "memory.h"

#define TYPE "fuse.vhdfuse"

/* waiting for something that is on its way: 20 ms, so many times */
#define PATIENCE 1500

static void wait_a_moment(void)
{
	const struct timespec moment = {.tv_nsec = 20000000};

	nanosleep(&moment, NULL);
}

void fusemount_free(struct fusemount *m)
{
	free(m->source);
	free(m->type);
	*m = (struct fusemount){0};
}

/* the last one counts: it lies over the others */
bool fusemount_find(const char *folder, struct fusemount *out)
{
	char real[PATH_MAX];
	struct mntent *e;
	FILE *list;

	*out = (struct fusemount){0};
	if (!realpath(folder, real))
		snprintf(real, sizeof(real), "%s", folder);
	list = setmntent("/proc/self/mounts", "re");
	while (list && (e = getmntent(list))) {
		if (strcmp(e->mnt_dir, real) != 0)
			continue;
		fusemount_free(out);
		out->source = tool_must(strdup(e->mnt_fsname));
		out->type = tool_must(strdup(e->mnt_type));
	}
	if (list)
		endmntent(list);
	return out->source;
}

bool fusemount_is_ours(const struct fusemount *m)
{
	return strcmp(m->type, TYPE) == 0;
}

static int unmount(const char *folder)
{
	struct helper_arguments a = {0};
	int rc;

	if (geteuid() == 0)
		return umount2(folder, UMOUNT_NOFOLLOW) ? errno : 0;
	helper_add(&a, "fusermount3");
	helper_add_value(&a, "-u", folder);
	rc = helper_run("fusermount3", &a);
	free(a.items);
	return rc < 0 ? errno : rc ? EBUSY : 0;
}

/* the server ends after the mount is gone, and lets go of the image last */
static int wait_until_closed(const char *image)
{
	struct vhd_file *file;
	int rc = VHD_E_BUSY;

	if (vhd_file_open(image, 0, &file, NULL))
		return TOOL_DONE; /* an unusual name: nothing to wait for */
	for (int i = 0; i < PATIENCE && rc == VHD_E_BUSY; i++) {
		rc = vhd_file_lock(file, VHD_LOCK_SHARED);
		if (rc == VHD_E_BUSY)
			wait_a_moment();
	}
	vhd_file_close(file);
	if (rc == VHD_E_BUSY)
		diag_warning(image, "is unmounted, but still in use");
	return TOOL_DONE;
}

int fusemount_end(const char *folder, bool patient)
{
	struct fusemount m;
	int rc;

	if (!fusemount_find(folder, &m))
		return diag_error(folder, "nothing is mounted there");
	rc = unmount(folder);
	for (int i = 0; patient && rc == EBUSY && i < PATIENCE; i++) {
		wait_a_moment();
		rc = unmount(folder);
	}
	if (rc)
		rc = diag_error(folder, "cannot be unmounted: %s",
				strerror(rc));
	else
		rc = wait_until_closed(m.source);
	fusemount_free(&m);
	return rc;
}

char *fusemount_of_loop(const char *device)
{
	static const char folder[] = FUSEMOUNT_FOLDER "/";
	char path[PATH_MAX], line[PATH_MAX] = "";
	const char *name = strrchr(device, '/');
	char *end;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/block/%s/loop/backing_file",
		 name ? name + 1 : device);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	if (strncmp(line, folder, sizeof(folder) - 1) != 0)
		return NULL;
	end = strchr(line + sizeof(folder) - 1, '/');
	if (!end)
		return NULL;
	*end = '\0';
	return tool_must(strdup(line));
}

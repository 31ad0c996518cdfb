/* SPDX-License-Identifier: BSD-2-Clause */
/* Mounts that vhdfuse serves, seen from outside. */
#ifndef TOOLS_FUSEMOUNT_H
#define TOOLS_FUSEMOUNT_H

#include <stdbool.h>

/*
 * Where `--fs` mounts the image itself: a folder of its own below this one, so
 * that umount finds it again from the loop device on top.
 */
#define FUSEMOUNT_FOLDER "/run/vhdtool"

struct fusemount {
	char *source; /* the image, or the device */
	char *type;   /* "fuse.vhdfuse" */
};

/* What is mounted on a folder; false if nothing is. Free on true. */
bool fusemount_find(const char *folder, struct fusemount *out);
void fusemount_free(struct fusemount *mount);

bool fusemount_is_ours(const struct fusemount *mount);

/*
 * Unmounts a folder of ours and waits until the image is closed. Returns an
 * enum tool_exit, failures printed. `patient`: a loop device may still be going
 * away.
 */
int fusemount_end(const char *folder, bool patient);

/*
 * The hidden folder below FUSEMOUNT_FOLDER whose file a loop device shows, or
 * NULL; free() it.
 */
char *fusemount_of_loop(const char *device);

#endif

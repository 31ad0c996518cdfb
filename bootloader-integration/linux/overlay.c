/* SPDX-License-Identifier: BSD-2-Clause */
#include "overlay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "format.h"

static int create(struct vhd_disk *parent, int format, const char *child,
		  const char *name)
{
	const struct vhd_create_options options = {
		.size = sizeof(options),
		.format = format,
		.type = VHD_TYPE_DIFFERENCING,
		.parent = parent,
		.parent_name = name,
	};
	struct vhd_diag diag = {0};
	int rc = vhd_create(child, &options, &diag);

	return rc ? diag_failure(child, rc, &diag) : TOOL_DONE;
}

static int make(const char *image, const struct open_options *open,
		const char *child)
{
	struct vhd_disk *disk;
	char *name;
	int format, rc;

	rc = open_need_format(image, open->format, &format);
	if (rc)
		return rc;
	if (format == VHD_FORMAT_RAW)
		return diag_error(image, "is raw: it cannot have a child that "
					 "takes the writes");
	rc = open_disk(image, open, 0, &disk);
	if (rc)
		return rc;
	rc = vhd_relative_path(child, image, &name);
	if (rc) {
		rc = diag_failure(child, rc, NULL);
	} else {
		rc = create(disk, format, child, name);
		free(name);
	}
	vhd_disk_close(disk);
	return rc;
}

int overlay_make(const char *image, const struct open_options *open,
		 const char *child)
{
	if (access(child, F_OK) == 0)
		return TOOL_DONE;
	if (errno != ENOENT)
		return diag_error(child, "%s", strerror(errno));
	return make(image, open, child);
}

int overlay_make_temporary(const char *image, const struct open_options *open,
			   char **child)
{
	const char *base = strrchr(image, '/') + 1;

	if (mkdir(OVERLAY_FOLDER, 0700) && errno != EEXIST)
		return diag_error(OVERLAY_FOLDER, "%s", strerror(errno));
	if (mount("vhdoverlay", OVERLAY_FOLDER, "tmpfs",
		  MS_NODEV | MS_NOSUID | MS_NOEXEC, "mode=0700"))
		return diag_error(OVERLAY_FOLDER, "%s", strerror(errno));
	if (asprintf(child, "%s/%s", OVERLAY_FOLDER, base) < 0)
		return diag_error(OVERLAY_FOLDER, "out of memory");
	return make(image, open, *child);
}

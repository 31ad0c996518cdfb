/* SPDX-License-Identifier: BSD-2-Clause */
#include "overlay.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"

/* a child of the opened parent at `path` */
static int make_child(struct vhd_disk *parent, const char *path,
		      const char *parent_path)
{
	struct vhd_create_options o = {
		.size = sizeof(o),
		.format = vhd_image_format(vhd_disk_image(parent, 0)),
		.parent = parent,
	};
	struct vhd_diag diag = {0};
	char *name;
	int rc = vhd_relative_path(path, parent_path, &name);

	if (rc)
		return diag_failure(parent_path, rc, NULL);
	o.parent_name = name;
	rc = vhd_create(path, &o, &diag);
	free(name);
	return rc ? diag_failure(path, rc, &diag) : TOOL_DONE;
}

static int create(const struct cmdline *options, const char *path)
{
	struct vhd_disk *parent;
	int rc = open_disk(options->image, &options->open, VHD_DISK_VERIFY,
			   &parent);

	if (rc)
		return rc;
	if (vhd_image_format(vhd_disk_image(parent, 0)) == VHD_FORMAT_RAW) {
		rc = diag_error(options->image,
				"a raw disk can have no differencing child");
		diag_hint("convert it, or make a copy");
	} else {
		rc = make_child(parent, path, options->image);
	}
	vhd_disk_close(parent);
	return rc;
}

/* the child's parent is named, whatever its locators say */
static int open_child(const struct cmdline *options, const char *path,
		      struct vhd_disk **out)
{
	struct open_options child = options->open;
	int rc = open_need_format(options->image, child.format, &child.format);

	child.parent = options->image;
	return rc ? rc
		  : open_disk(path, &child, VHD_DISK_WRITE | VHD_DISK_VERIFY,
			      out);
}

static int open_temporary(const struct cmdline *options, struct vhd_disk **out)
{
	const char *folder = getenv("TMPDIR");
	char dir[PATH_MAX], path[PATH_MAX + 8];
	int rc;

	if (snprintf(dir, sizeof(dir), "%s/vhdfuse.XXXXXX",
		     folder && *folder ? folder : "/tmp") >= (int)sizeof(dir) ||
	    !mkdtemp(dir))
		return diag_error(dir, "cannot be made");
	snprintf(path, sizeof(path), "%s/child", dir);
	rc = create(options, path);
	if (!rc)
		rc = open_child(options, path, out);
	unlink(path);
	rmdir(dir);
	return rc;
}

int overlay_open(const struct cmdline *options, struct vhd_disk **out)
{
	int rc = TOOL_DONE;

	if (!options->keep)
		return open_temporary(options, out);
	if (access(options->keep, F_OK))
		rc = create(options, options->keep);
	return rc ? rc : open_child(options, options->keep, out);
}

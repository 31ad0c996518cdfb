/* SPDX-License-Identifier: BSD-2-Clause */
#include "link.h"

#include <stdlib.h>
#include <sys/stat.h>

#include <libvhd/disk.h>

#include "core/diag.h"
#include "image/lineage.h"

int vhd_link_by_path(struct vhd_image *child, const char *child_path,
		     struct vhd_image *parent, const char *parent_path,
		     struct vhd_diag *diag)
{
	struct vhd_image_info info;
	struct vhd_link link = {0};
	struct stat st;
	char *name;
	int rc = vhd_relative_path(child_path, parent_path, &name);

	if (rc)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				vhd_strerror(rc));
	vhd_image_get_info(parent, &info);
	link.id = info.link_id;
	link.name = name;
	if (!stat(parent_path, &st))
		link.timestamp = st.st_mtime;
	rc = vhd_image_relink(child, &link, diag);
	free(name);
	return rc;
}

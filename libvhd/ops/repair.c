/* SPDX-License-Identifier: BSD-2-Clause */
#include <libvhd/ops.h>

#include "core/diag.h"
#include "image/repair.h"

struct mending {
	const char *path;
	vhd_check_fn *mended;
	void *ctx;
};

static void pass_on(void *ctx, const struct vhd_fault *fault)
{
	const struct mending *m = ctx;

	m->mended(m->ctx, m->path, fault);
}

int vhd_repair(const char *path, int format, uint32_t flags,
	       vhd_check_fn *mended, void *ctx, struct vhd_diag *diag)
{
	struct mending m = {path, mended, ctx};
	bool dry_run = flags & VHD_REPAIR_DRY_RUN;
	struct vhd_file *file;
	int rc = vhd_file_open(path, dry_run ? 0 : VHD_FILE_WRITE, &file, diag);

	if (rc)
		return rc;
	rc = vhd_file_lock(file,
			   dry_run ? VHD_LOCK_SHARED : VHD_LOCK_EXCLUSIVE);
	if (rc)
		vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
			 "another program has the image open");
	else
		rc = vhd_image_repair(file, format, dry_run, pass_on, &m, diag);
	vhd_file_close(file);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Giving a child another parent. Where the child stores nothing, what the old
 * parents show is held against what the new one shows; what differs is copied
 * into the child, which hides nothing new by that. Then one durable step names
 * the new parent. A crash before it leaves the child on its old parent, with
 * the same content, and running again starts over.
 */
#include <string.h>

#include <libvhd/ops.h>

#include "copy.h"
#include "core/checked.h"
#include "core/diag.h"
#include "disk/claim.h"
#include "link.h"
#include "output.h"
#include "rebase.h"

int vhd_rebase_copy(struct vhd_disk *child, struct vhd_disk *parent,
		    const struct vhd_rebase_options *options,
		    struct vhd_job *job, struct vhd_diag *diag)
{
	struct vhd_target t;
	int rc;

	vhd_target_existing(&t, child);
	t.is_child = true;
	t.shown = parent;
	t.from_layer = 1;
	t.to_layer = vhd_disk_layers(child);
	rc = vhd_copy(child, &t, options->jobs, VHD_REFLINK_AUTO, job, diag);
	return rc ? rc : vhd_disk_flush(child, diag);
}

static int refuse_loop(struct vhd_disk *parent, const char *child,
		       struct vhd_diag *diag)
{
	for (unsigned i = 0; i < vhd_disk_layers(parent); i++)
		if (vhd_disk_is_file(parent, i, child))
			return vhd_output_fail(diag, VHD_E_LOOP, child,
					       "is the new parent, or a parent "
					       "of it");
	return 0;
}

/* without a look at the content the parent's own parents need not be there */
static int open_parent(const struct vhd_rebase_options *options,
		       const struct vhd_disk_options *open,
		       struct vhd_disk **out, struct vhd_diag *diag)
{
	struct vhd_disk_options o = *open;
	int rc;

	o.flags = VHD_DISK_VERIFY;
	o.parent = NULL;
	rc = vhd_disk_open(options->parent, &o, out, diag);
	if ((rc == VHD_E_PARENT || rc == VHD_E_MISMATCH) &&
	    (options->flags & VHD_REBASE_UNSAFE)) {
		o.flags |= VHD_DISK_LAYER;
		rc = vhd_disk_open(options->parent, &o, out, diag);
	}
	return rc;
}

static int open_child(const char *path,
		      const struct vhd_rebase_options *options,
		      const struct vhd_disk_options *open,
		      struct vhd_disk **out, struct vhd_diag *diag)
{
	struct vhd_disk_options o = *open;
	int rc;

	o.flags = VHD_DISK_WRITE | VHD_DISK_SAME_CONTENT;
	if (options->flags & VHD_REBASE_UNSAFE)
		o.flags |= VHD_DISK_LAYER;
	rc = vhd_disk_open(path, &o, out, diag);
	if (rc == VHD_E_PARENT || rc == VHD_E_MISMATCH)
		vhd_hint(diag, rc,
			 "--old-parent names it; --unsafe does without it, if "
			 "you know that the new parent shows the same");
	return rc;
}

static int check(struct vhd_disk *child, struct vhd_disk *parent,
		 const char *path, struct vhd_diag *diag)
{
	if (!vhd_image_has_parent(vhd_disk_image(child, 0)))
		return vhd_output_fail(diag, VHD_E_INVALID, path,
				       "is no differencing image");
	if (vhd_disk_sector_size(child) != vhd_disk_sector_size(parent))
		return vhd_output_fail(diag, VHD_E_INVALID,
				       vhd_disk_path(parent, 0),
				       "has sectors of another size than the "
				       "child");
	if (vhd_disk_layers(parent) >= VHD_DISK_DEPTH_MAX)
		return vhd_output_fail(diag, VHD_E_LIMIT, path,
				       "the chain would become too long");
	return 0;
}

static int rebase(struct vhd_disk *child, struct vhd_disk *parent,
		  const char *path, const struct vhd_rebase_options *options,
		  struct vhd_job *job, struct vhd_diag *diag)
{
	int rc = check(child, parent, path, diag), end;

	if (rc)
		return rc;
	if (!(options->flags & VHD_REBASE_UNSAFE))
		rc = vhd_rebase_copy(child, parent, options, job, diag);
	if (!rc)
		rc = vhd_link_by_path(vhd_disk_image(child, 0), path,
				      vhd_disk_image(parent, 0),
				      options->parent, diag);
	if (rc)
		vhd_output_fail_path(diag, path);
	/* in order, also after a failure */
	end = vhd_disk_shut(child, rc ? NULL : diag);
	return rc ? rc : end;
}

int vhd_rebase(const char *path, const struct vhd_disk_options *open,
	       const struct vhd_rebase_options *options, struct vhd_job *job,
	       struct vhd_diag *diag)
{
	struct vhd_rebase_options r = {0};
	struct vhd_disk_options o = {0};
	struct vhd_disk *parent, *child;
	int rc;

	memcpy(&r, options, vhd_min(options->size, sizeof(r)));
	memcpy(&o, open, vhd_min(open->size, sizeof(o)));
	o.size = sizeof(o);
	rc = open_parent(&r, &o, &parent, diag);
	if (rc)
		return rc;
	rc = refuse_loop(parent, path, diag);
	if (!rc)
		rc = open_child(path, &r, &o, &child, diag);
	if (!rc) {
		rc = rebase(child, parent, path, &r, job, diag);
		vhd_disk_close(child);
	}
	vhd_disk_close(parent);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who is whose parent: the identity that children of an image know, and the
 * parent that an image expects. For images that are open for writing and that
 * nobody else uses meanwhile. Each change takes effect at one moment, durably,
 * after everything written before it.
 */
#ifndef VHD_IMAGE_LINEAGE_H
#define VHD_IMAGE_LINEAGE_H

#include <libvhd/image.h>

/* What a child says of its parent. */
struct vhd_link {
	/* VHD: the parent's unique id. VHDX: its DataWriteGuid */
	struct vhd_guid id;
	/* VHDX: another one that is accepted as well; null for none */
	struct vhd_guid second;
	/* VHD: when the parent's file was changed last, Unix time */
	int64_t timestamp;
	/* relative to the child's folder; NULL: the stored names stay */
	const char *name;
};

/* What the child says now; `name` is NULL. */
void vhd_image_get_link(const struct vhd_image *child, struct vhd_link *out);

/*
 * Lets the child say so from now on. With a name, everything that named the
 * parent before is gone. VHD_E_UNSUPPORTED if the image is not differencing;
 * VHD_E_INVALID for a name that cannot be stored.
 */
int vhd_image_relink(struct vhd_image *child, const struct vhd_link *link,
		     struct vhd_diag *diag);

/*
 * Gives a VHDX the DataWriteGuid that its children will know. Open it with
 * VHD_IMAGE_SAME_CONTENT, or the first change replaces that. vhdx.md 4.3
 */
int vhd_image_set_link_id(struct vhd_image *image, const struct vhd_guid *id,
			  struct vhd_diag *diag);

/*
 * Gives a VHDX the metadata items that belong to the virtual disk as `from`
 * has them (disk id, physical sector size, those of other programs), but for
 * the size. vhdx.md 14.6
 */
int vhd_image_adopt(struct vhd_image *image, struct vhd_image *from,
		    struct vhd_diag *diag);

#endif

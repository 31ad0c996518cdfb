/* SPDX-License-Identifier: BSD-2-Clause */
#include "extents.h"

#include <stdbool.h>

#include "command.h"
#include "diag.h"

/* Can `b` be counted to `a`, which ends where it begins? */
static bool continues(const struct vhd_extent *a, const struct vhd_extent *b)
{
	if (a->kind != b->kind || a->depth != b->depth)
		return false;
	return a->kind != VHD_EXTENT_DATA || a->offset + a->length == b->offset;
}

/*
 * Of a child that was opened alone it is said what its parent would show; to
 * the disk that is zeros.
 */
static int next_extent(struct vhd_disk *disk, uint64_t at, uint64_t length,
		       struct vhd_extent *out, struct vhd_diag *diag)
{
	struct vhd_image *leaf = vhd_disk_image(disk, 0);

	if (vhd_disk_layers(disk) == 1 && vhd_image_has_parent(leaf))
		return vhd_image_extent(leaf, at, length, out, diag);
	return vhd_disk_extent(disk, at, length, out, diag);
}

int extents_walk(struct vhd_disk *disk, const char *path, extents_fn *fn,
		 void *ctx)
{
	uint64_t size = vhd_disk_size(disk), at = 0;
	struct vhd_extent pending = {0}, next;
	struct vhd_diag diag = {0};
	int rc = TOOL_DONE;

	while (at < size && !rc) {
		int error = next_extent(disk, at, size - at, &next, &diag);

		if (error)
			return diag_failure(path, error, &diag);
		at += next.length;
		if (pending.length && continues(&pending, &next)) {
			pending.length += next.length;
			continue;
		}
		if (pending.length)
			rc = fn(ctx, &pending);
		pending = next;
	}
	if (!rc && pending.length)
		rc = fn(ctx, &pending);
	return rc;
}

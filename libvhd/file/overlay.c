/* SPDX-License-Identifier: BSD-2-Clause */
/* A replayed VHDX log (core/vhdx_overlay.h) as a file. */
#include <stdlib.h>

#include "core/checked.h"
#include "file.h"

struct overlaid {
	struct vhd_file *base;
	const struct vhdx_overlay *overlay;
};

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct overlaid *o = ctx;

	if (!vhd_inside(offset, len, o->overlay->size))
		return VHD_E_IO;
	return vhdx_overlay_read((void *)(uintptr_t)o->overlay, offset, buf,
				 len);
}

static int get_size(void *ctx, uint64_t *size)
{
	*size = ((const struct overlaid *)ctx)->overlay->size;
	return 0;
}

/* stored bytes of the file, or replayed ones, whichever come first */
static int next_data(void *ctx, uint64_t offset, uint64_t *start, uint64_t *end)
{
	const struct overlaid *o = ctx;
	uint64_t from, to, size;
	int rc = vhd_file_size(o->base, &size);

	*start = *end = o->overlay->size;
	if (!rc && offset < size) {
		rc = vhd_file_next_data(o->base, offset, &from, &to);
		if (!rc && from < size) {
			*start = from;
			*end = to;
		}
	}
	if (!rc && vhdx_overlay_next(o->overlay, offset, &from, &to) &&
	    from < *start) {
		*start = from;
		*end = to;
	}
	return rc;
}

static int get_allocated(void *ctx, uint64_t *bytes)
{
	return vhd_file_allocated(((const struct overlaid *)ctx)->base, bytes);
}

static const struct vhd_file_ops ops = {
	.size = sizeof(struct vhd_file_ops),
	.read_at = read_at,
	.get_size = get_size,
	.close = free,
	.next_data = next_data,
	.get_allocated = get_allocated,
};

int vhd_file_open_overlay(struct vhd_file *base,
			  const struct vhdx_overlay *overlay,
			  struct vhd_file **out)
{
	struct overlaid *o = malloc(sizeof(*o));
	int rc;

	if (!o)
		return VHD_E_NOMEM;
	*o = (struct overlaid){base, overlay};
	rc = vhd_file_new(&ops, o, out);
	if (rc)
		free(o);
	return rc;
}

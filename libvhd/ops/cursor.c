/* SPDX-License-Identifier: BSD-2-Clause */
#include "cursor.h"

#include "core/checked.h"
#include "core/diag.h"
#include "disk/claim.h"

void vhd_cursor_start(struct vhd_cursor *c, struct vhd_disk *disk,
		      uint64_t from, uint64_t end)
{
	*c = (struct vhd_cursor){.disk = disk, .at = from, .end = end};
	vhd_cursor_select(c, 0, vhd_disk_layers(disk));
}

void vhd_cursor_select(struct vhd_cursor *c, unsigned from, unsigned to)
{
	c->from_layer = from;
	c->to_layer = to;
}

/* the run at the cursor, kept until it is used up */
static int refill(struct vhd_cursor *c, struct vhd_diag *diag)
{
	if (c->extent.length)
		return 0;
	if (c->to_layer == vhd_disk_layers(c->disk))
		return vhd_disk_extent(c->disk, c->at, c->end - c->at,
				       &c->extent, diag);
	return vhd_disk_extent_above(c->disk, c->to_layer, c->at,
				     c->end - c->at, &c->extent, diag);
}

static bool is_selected(const struct vhd_cursor *c)
{
	return c->extent.depth >= c->from_layer &&
	       c->extent.depth < c->to_layer;
}

/* looks where the layer's file has stored bytes at or after `offset` */
static int find_data(struct vhd_cursor *c, uint32_t layer, uint64_t offset,
		     struct vhd_diag *diag)
{
	struct vhd_file *file = vhd_image_file(vhd_disk_image(c->disk, layer));
	int rc;

	if (layer == c->data_layer && offset >= c->data_start &&
	    offset < c->data_end)
		return 0;
	rc = vhd_file_next_data(file, offset, &c->data_start, &c->data_end);
	if (rc)
		return vhd_fail(diag, rc, "data", offset, "cannot be located");
	c->data_layer = layer;
	return 0;
}

int vhd_cursor_next(struct vhd_cursor *c, uint64_t most, struct vhd_piece *out,
		    struct vhd_diag *diag)
{
	struct vhd_extent *e = &c->extent;
	int rc;

	*out = (struct vhd_piece){.start = c->at};
	if (c->at >= c->end)
		return 0;
	rc = refill(c, diag);
	if (!rc && e->kind == VHD_EXTENT_DATA && is_selected(c))
		rc = find_data(c, e->depth, e->offset, diag);
	if (rc)
		return rc;
	out->length = e->length;
	out->layer = e->depth;
	out->offset = e->offset;
	if (!is_selected(c)) {
		out->skip = true;
	} else if (e->kind == VHD_EXTENT_ZERO) {
		out->zero = true;
	} else if (c->data_start > e->offset) {
		out->zero = true;
		out->length = vhd_min(e->length, c->data_start - e->offset);
	} else {
		out->length =
			vhd_min(vhd_min(e->length, c->data_end - e->offset),
				most - (c->at & (most - 1)));
	}
	c->at += out->length;
	e->start += out->length;
	e->offset += out->length;
	e->length -= out->length;
	return 0;
}

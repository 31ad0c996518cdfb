/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only a VHD has: sector bitmaps of a dynamic disk must be clear only over
 * zeros, and XenServer's batmap must not call a block full that is not.
 */
#include <stdlib.h>

#include "check.h"
#include "vhd1_full.h"
#include "vhd1_hidden.h"

static int on_hidden(void *ctx, const struct vhd1_hidden *run)
{
	struct vhd_checking *c = ctx;
	const struct vhd_fault fault = {
		.code = "bitmap-hides-data",
		.structure = "VHD sector bitmap",
		.offset = run->bitmap,
		.severity = VHD_SEVERITY_ERROR,
		.message = "a sector is marked as never written but holds "
			   "data; it reads as zeros here, other programs show "
			   "the data",
		.repairable = VHD_REPAIRABLE_SALVAGE,
		.start = run->start,
		.length = run->length,
	};

	if (c->bitmap_faults++ < VHD_CHECK_REPEAT_MAX)
		c->fault(c->ctx, &fault);
	return 0;
}

static int check_batmap(struct vhd_checking *c)
{
	static const char name[] = "VHD batmap";
	const struct vhd1_batmap *b = &c->image->meta.vhd1.batmap;
	struct vhd1_full full;
	int rc;

	if (!c->image->meta.vhd1.has_batmap)
		return 0;
	rc = vhd1_full_find(c->image, &full, c->diag);
	if (rc)
		return rc;
	if (full.checksum_bad)
		vhd_check_report_repairable(
			c, "batmap-bad", name, b->header_offset,
			VHD_SEVERITY_ERROR,
			"its checksum is wrong; XenServer may refuse the "
			"image");
	if (full.wrong)
		vhd_check_report_repairable(
			c, "batmap-stale", name, b->offset + full.first / 8,
			VHD_SEVERITY_ERROR,
			"it calls blocks full that are not; XenServer would "
			"show wrong data");
	free(full.map);
	return 0;
}

int vhd1_check(struct vhd_checking *c)
{
	int rc = vhd1_hidden_find(c->image, on_hidden, c, c->diag);

	return rc ? rc : check_batmap(c);
}

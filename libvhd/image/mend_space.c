/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Space that nothing owns, and the end of the file. The table is sound here,
 * so what is between and behind its blocks belongs to nobody. Nothing moves.
 *
 * A VHD's footer is put behind the last block before the file is cut there, so
 * that there is one at any moment; a lost one is put there as well.
 */
#include <string.h>

#include "check.h"
#include "core/checked.h"
#include "core/diag.h"
#include "mend.h"
#include "table.h"
#include "vhdx_journal.h"

static const char footer_name[] = "VHD footer";
static const char space_name[] = "free space";

struct gaps {
	struct vhd_mending *m;
	bool punch; /* else count */
	uint64_t bytes;
	int rc;
};

/* the stored bytes of a gap; what is behind the end goes with the cut */
static void visit_gap(void *ctx, uint64_t start, uint64_t end)
{
	struct gaps *g = ctx;
	uint64_t from, to;

	while (start < end && !g->rc) {
		g->rc = vhd_file_next_data(g->m->file, start, &from, &to);
		if (g->rc || from >= end || to <= from)
			break;
		to = vhd_min(to, end);
		g->bytes += to - from;
		if (g->punch && from < g->m->end)
			g->rc = vhd_file_punch(g->m->file, from,
					       vhd_min(to, g->m->end) - from);
		start = to;
	}
}

static int walk_gaps(struct vhd_mending *m, struct vhd_image *image, bool punch,
		     uint64_t *bytes)
{
	struct gaps g = {.m = m, .punch = punch};
	int rc = vhd_check_gaps(image, image->map.limit, visit_gap, &g);

	*bytes = g.bytes;
	return rc ? rc : g.rc;
}

/* -- the end of a VHD --------------------------------------------------------
 */

static int put_footer(struct vhd_mending *m, struct vhd_image *image)
{
	uint64_t at = vhd_round_up(m->end, VHD1_SECTOR), size = 0;
	uint8_t footer[VHD1_FOOTER_SIZE];
	int rc = vhd_file_read(m->file, image->meta.vhd1.footer_offset, footer,
			       sizeof(footer));

	if (!rc)
		rc = vhd_file_write(m->file, at, footer, sizeof(footer));
	if (!rc)
		rc = vhd_file_flush(m->file);
	if (!rc)
		rc = vhd_file_size(m->file, &size);
	if (rc || size == at + VHD1_FOOTER_SIZE)
		return rc;
	rc = vhd_file_resize(m->file, at + VHD1_FOOTER_SIZE);
	return rc ? rc : vhd_file_flush(m->file);
}

static int mend_footer(struct vhd_mending *m, struct vhd_image *image)
{
	int rc;

	if (!(image->conditions & VHD_COND_FOOTER_LOST))
		return 0;
	rc = put_footer(m, image);
	if (rc)
		return vhd_mend_fail(m, rc, footer_name, VHD_NO_OFFSET);
	vhd_mend_report(m, "footer-lost", footer_name,
			vhd_round_up(m->end, VHD1_SECTOR),
			"written behind the last block, from the copy at "
			"offset 0");
	return 0;
}

/* -- leaks -------------------------------------------------------------------
 */

static int cut_tail(struct vhd_mending *m, struct vhd_image *image)
{
	uint64_t size;
	int rc = vhd_file_size(m->file, &size);

	if (rc)
		return rc;
	if (image->format == VHD_FORMAT_VHD)
		return put_footer(m, image);
	if (size > m->end)
		rc = vhd_file_resize(m->file, m->end);
	return rc ? rc : vhd_file_flush(m->file);
}

static int give_back(struct vhd_mending *m, struct vhd_image *image)
{
	uint64_t bytes;
	int rc = 0;

	if (image->format == VHD_FORMAT_VHDX)
		rc = vhdx_file_touch(image);
	if (!rc)
		rc = walk_gaps(m, image, true, &bytes);
	return rc ? rc : cut_tail(m, image);
}

static int mend_leaks(struct vhd_mending *m, struct vhd_image *image)
{
	struct vhd_diag text;
	uint64_t bytes;
	int rc = walk_gaps(m, image, false, &bytes);

	if (!rc && bytes < vhd_table_place(image))
		return 0;
	if (!rc)
		rc = give_back(m, image);
	if (rc)
		return vhd_mend_fail(m, rc, space_name, VHD_NO_OFFSET);
	vhd_fail_value(&text, VHD_E_REPAIR, NULL, 0,
		       "% bytes that nothing refers to were given back", bytes);
	vhd_mend_report(m, "leak", space_name, VHD_NO_OFFSET, text.text);
	return 0;
}

int vhd_mend_space(struct vhd_mending *m, struct vhd_image *image)
{
	int rc;

	if (image->map.kind == VHD_MAP_LINEAR)
		return 0;
	rc = mend_leaks(m, image);
	return rc || image->format != VHD_FORMAT_VHD ? rc
						     : mend_footer(m, image);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* What only a VHDX has: second copies of header and region table. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/diag.h"
#include "core/guid.h"

static const char header_name[] = "VHDX header";
static const char region_name[] = "VHDX region table";

/* the two headers should agree in all but the sequence number */
static int check_headers(struct vhd_checking *c, uint8_t *scratch)
{
	const struct vhdx_headers *h = &c->image->meta.vhdx.headers;
	uint64_t at = vhdx_other_header(h->offset);
	struct vhdx_header other;
	int rc = vhd_file_read(c->image->file, at, scratch, VHDX_HEADER_SIZE);

	if (rc)
		return vhd_fail(c->diag, rc, header_name, at, "cannot be read");
	if (!vhdx_header_decode(scratch, &other))
		return 0; /* a condition of the open already */
	if (vhdx_headers_equal(h, &other))
		vhd_check_report_repairable(
			c, "headers-equal", header_name, at,
			VHD_SEVERITY_REMARK,
			"both headers carry the same sequence number; some "
			"programs call that damaged");
	if (vhdx_headers_differ(h, &other))
		vhd_check_report_repairable(
			c, "headers-differ", header_name, at,
			VHD_SEVERITY_REMARK,
			"the older header names another log; if the newer one "
			"were lost, stale metadata would be replayed");
	return 0;
}

/* both copies whole and equal */
static int check_regions(struct vhd_checking *c, uint8_t *scratch)
{
	struct vhd_source source;
	uint8_t *first = malloc(VHDX_REGION_TABLE_SIZE);
	int rc = first ? vhd_file_source(c->image->view, &source) : VHD_E_NOMEM;
	bool ok1, ok2;

	if (rc) {
		free(first);
		return rc;
	}
	ok1 = vhdx_region_table_usable(&source, VHDX_REGION_TABLE1, first);
	ok2 = vhdx_region_table_usable(&source, VHDX_REGION_TABLE2, scratch);
	if (ok1 && !ok2)
		vhd_check_report_repairable(
			c, "region-table-bad", region_name, VHDX_REGION_TABLE2,
			VHD_SEVERITY_ERROR,
			"the second region table is damaged; the first one is "
			"used");
	else if (!ok1 && !(c->image->conditions & VHD_COND_REGION_BAD))
		vhd_check_report_repairable(
			c, "region-table-bad", region_name, VHDX_REGION_TABLE1,
			VHD_SEVERITY_ERROR,
			"the checksum of the first region table is wrong, "
			"though its entries can be read");
	else if (ok1 && ok2 &&
		 memcmp(first, scratch, VHDX_REGION_TABLE_SIZE) != 0)
		vhd_check_report_repairable(
			c, "region-tables-differ", region_name,
			VHDX_REGION_TABLE2, VHD_SEVERITY_ERROR,
			"the two region tables differ; the first one is used");
	free(first);
	return 0;
}

int vhdx_check(struct vhd_checking *c)
{
	uint8_t *scratch = malloc(VHDX_SCRATCH);
	int rc = scratch ? check_headers(c, scratch) : VHD_E_NOMEM;

	if (!rc)
		rc = check_regions(c, scratch);
	free(scratch);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VHDX: headers, log, region tables, item flags. Headers are rewritten one at a
 * time with rising sequence numbers (vhdx.md 4.4), so one is whole at any
 * moment; of the region tables only the copy that is not used is written.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/diag.h"
#include "core/guid.h"
#include "mend.h"
#include "vhdx_journal.h"
#include "vhdx_patch.h"

static const char header_name[] = "VHDX header";
static const char region_name[] = "VHDX region table";
static const char log_name[] = "VHDX log";

static void no_change(struct vhdx_header *header, const struct vhd_guid *guids)
{
	(void)header;
	(void)guids;
}

static void clear_log(struct vhdx_header *header, const struct vhd_guid *guids)
{
	header->log_guid = *guids;
}

/* -- headers -----------------------------------------------------------------
 */

struct header_row {
	const char *code;
	const char *message;
};

static const struct header_row *find_header_fault(const struct vhdx_headers *h,
						  const struct vhdx_header *o)
{
	static const struct header_row rows[] = {
		{"header-bad",
		 "the damaged header was rewritten from the other one"},
		{"headers-equal",
		 "both headers got sequence numbers of their own"},
		{"headers-differ",
		 "the older header was rewritten from the newer one"},
	};

	if (!h->other_is_valid)
		return &rows[0];
	if (vhdx_headers_equal(h, o))
		return &rows[1];
	return vhdx_headers_differ(h, o) ? &rows[2] : NULL;
}

/* one update writes both slots, whatever was in them */
static int mend_slots(struct vhd_mending *m, struct vhd_image *image,
		      uint8_t *scratch)
{
	const struct vhdx_headers *h = &image->meta.vhdx.headers;
	const struct vhd_guid null = {{0}};
	const struct header_row *row;
	struct vhdx_header other = {0};
	uint64_t at = vhdx_other_header(h->offset);
	int rc = vhd_file_read(m->file, at, scratch, VHDX_HEADER_SIZE);

	if (rc)
		return vhd_mend_fail(m, rc, header_name, at);
	vhdx_header_decode(scratch, &other);
	row = find_header_fault(h, &other);
	if (!row)
		return 0;
	rc = vhdx_header_update(image, no_change, &null);
	if (rc)
		return vhd_mend_fail(m, rc, header_name, at);
	vhd_mend_report(m, row->code, header_name, at, row->message);
	return 0;
}

/* -- the log -----------------------------------------------------------------
 */

static int discard_log(struct vhd_mending *m, struct vhd_image *image,
		       uint64_t at)
{
	const struct vhd_guid null = {{0}};
	int rc = vhdx_header_update(image, clear_log, &null);

	if (rc)
		return vhd_mend_fail(m, rc, log_name, at);
	vhd_mend_report(m, "log-invalid", log_name, at,
			"it holds no valid entry and was discarded");
	return 0;
}

static int mend_log(struct vhd_mending *m, struct vhd_image *image,
		    uint8_t *scratch)
{
	const struct vhdx_header *h = &image->meta.vhdx.headers.current;
	uint64_t at = h->log_offset;
	int rc;

	if (vhd_guid_is_null(&h->log_guid))
		return 0;
	rc = vhdx_image_replay(image, scratch, true, m->diag);
	if (rc == VHD_E_LOG)
		return discard_log(m, image, at);
	if (!rc)
		rc = vhdx_image_write_back(image, m->diag);
	if (rc)
		return rc;
	vhd_mend_report(m, "log-dirty", log_name, at,
			"its updates were written to the file");
	return 0;
}

/* the image has headers and a log, nothing else can be trusted yet */
int vhdx_mend_headers(struct vhd_mending *m)
{
	struct vhd_image *image = calloc(1, sizeof(*image));
	uint8_t *scratch = malloc(VHDX_SCRATCH);
	struct vhd_source source;
	int rc = image && scratch ? vhd_file_source(m->file, &source)
				  : VHD_E_NOMEM;

	if (rc) {
		vhd_mend_fail(m, rc, NULL, VHD_NO_OFFSET);
		goto out;
	}
	image->file = m->file;
	image->view = m->file;
	rc = vhdx_open_headers(&source, scratch, &image->meta.vhdx, m->diag);
	if (!rc)
		rc = mend_slots(m, image, scratch);
	if (!rc)
		rc = mend_log(m, image, scratch);
	if (image->overlay || image->overlay_memory)
		vhd_image_vhdx.close(image);
out:
	free(scratch);
	free(image);
	return rc;
}

/* -- region tables -----------------------------------------------------------
 */

/* `bytes` over the copy at `to` */
static int mend_copy(struct vhd_mending *m, uint64_t to, const uint8_t *bytes,
		     const char *code)
{
	int rc = vhd_file_write(m->file, to, bytes, VHDX_REGION_TABLE_SIZE);

	if (!rc)
		rc = vhd_file_flush(m->file);
	if (rc)
		return vhd_mend_fail(m, rc, region_name, to);
	vhd_mend_report(m, code, region_name, to,
			"rewritten from the other copy");
	return 0;
}

static int mend_tables(struct vhd_mending *m, uint8_t *a, uint8_t *b)
{
	struct vhd_source source;
	int rc = vhd_file_source(m->file, &source);
	bool ok1, ok2;

	if (rc)
		return vhd_mend_fail(m, rc, region_name, VHDX_REGION_TABLE1);
	ok1 = vhdx_region_table_usable(&source, VHDX_REGION_TABLE1, a);
	ok2 = vhdx_region_table_usable(&source, VHDX_REGION_TABLE2, b);
	if (ok1 && !ok2)
		return mend_copy(m, VHDX_REGION_TABLE2, a, "region-table-bad");
	if (!ok1 && ok2)
		return mend_copy(m, VHDX_REGION_TABLE1, b, "region-table-bad");
	if (ok1 && memcmp(a, b, VHDX_REGION_TABLE_SIZE) != 0)
		return mend_copy(m, VHDX_REGION_TABLE2, a,
				 "region-tables-differ");
	return 0;
}

int vhdx_mend_regions(struct vhd_mending *m)
{
	uint8_t *a = malloc(VHDX_REGION_TABLE_SIZE);
	uint8_t *b = malloc(VHDX_REGION_TABLE_SIZE);
	int rc = a && b ? mend_tables(m, a, b)
			: vhd_mend_fail(m, VHD_E_NOMEM, NULL, VHD_NO_OFFSET);

	free(a);
	free(b);
	return rc;
}

/* -- flags of metadata items -------------------------------------------------
 */

static int put_flags(struct vhd_image *image, uint8_t *table)
{
	uint64_t at = image->meta.vhdx.regions.metadata.offset;
	struct vhdx_patch patch;
	int rc =
		vhd_file_read(image->file, at, table, VHDX_METADATA_TABLE_SIZE);

	if (rc)
		return rc;
	rc = vhdx_patch_begin(&patch, image, false);
	for (uint32_t i = 0; i < vhdx_metadata_count(table) && !rc; i++) {
		uint32_t offset = vhdx_metadata_usual_flags(table, i);

		if (offset)
			rc = vhdx_patch_put(&patch, at + offset, table + offset,
					    sizeof(le32));
	}
	return vhdx_patch_end(&patch, rc);
}

int vhdx_mend_flags(struct vhd_mending *m, struct vhd_image *image)
{
	static const char name[] = "VHDX metadata table";
	uint64_t at = image->meta.vhdx.regions.metadata.offset;
	uint8_t *table;
	int rc;

	if (!(image->conditions & VHD_COND_ITEM_FLAGS))
		return 0;
	table = malloc(VHDX_METADATA_TABLE_SIZE);
	rc = table ? put_flags(image, table) : VHD_E_NOMEM;
	free(table);
	if (rc)
		return vhd_mend_fail(m, rc, name, at);
	vhd_mend_report(m, "item-flags", name, at,
			"the known items have their usual flags");
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mending what can be mended without loss: second copies from the good one, a
 * log that names nothing, a lost footer, a log to be replayed, space nothing
 * refers to. Each step leaves a file that opens at least as well as before, so
 * a crash in the middle is mended by running it again.
 *
 * Nothing here touches a block table entry or payload.
 */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/checked.h"
#include "core/diag.h"
#include "core/guid.h"
#include "layer.h"
#include "repair.h"
#include "vhdx_journal.h"
#include "writer.h"

struct repairing {
	struct vhd_file *file;
	int format;
	bool dry_run;
	vhd_fault_fn *mended;
	void *ctx;
	struct vhd_diag *diag;
};

static void report(const struct repairing *r, const char *code,
		   const char *structure, uint64_t offset, const char *message)
{
	const struct vhd_fault fault = {
		.code = code,
		.structure = structure,
		.offset = offset,
		.severity = VHD_SEVERITY_ERROR,
		.message = message,
		.repairable = 1,
	};

	r->mended(r->ctx, &fault);
}

static int fail(const struct repairing *r, int rc, const char *structure,
		uint64_t offset)
{
	return vhd_fail(r->diag, rc, structure, offset, "cannot be mended");
}

/* -- VHD
 * ------------------------------------------------------------------------- */

/* the copy at 0 becomes what the footer is, all of its bytes */
static int mend_copy(const struct repairing *r, const struct vhd1_meta *meta)
{
	static const char name[] = "VHD footer copy";
	uint32_t size = meta->conditions & VHD_COND_FOOTER_511
				? VHD1_FOOTER_OLD_SIZE
				: VHD1_FOOTER_SIZE;
	uint8_t bytes[VHD1_FOOTER_SIZE] = {0};
	int rc;

	if (!(meta->conditions &
	      (VHD_COND_FOOTER_COPY_BAD | VHD_COND_FOOTERS_DIFFER)))
		return 0;
	report(r, "footer-copy-bad", name, 0,
	       "rewritten from the footer at the end of the file");
	if (r->dry_run)
		return 0;
	rc = vhd_file_read(r->file, meta->footer_offset, bytes, size);
	if (!rc)
		rc = vhd_file_write(r->file, 0, bytes, sizeof(bytes));
	if (!rc)
		rc = vhd_file_flush(r->file);
	return rc ? fail(r, rc, name, 0) : 0;
}

static int mend_vhd1(const struct repairing *r)
{
	struct vhd1_meta *meta = malloc(sizeof(*meta));
	uint8_t scratch[VHD1_HEADER_SIZE];
	struct vhd_source source;
	struct vhd_map map;
	int rc = meta ? vhd_file_source(r->file, &source) : VHD_E_NOMEM;

	if (!rc)
		rc = vhd1_open(&source, VHD1_SIZE_CURRENT, scratch, meta, &map,
			       r->diag);
	if (!rc)
		rc = mend_copy(r, meta);
	if (!rc && (meta->conditions & VHD_COND_FOOTER_LOST))
		report(r, "footer-lost", "VHD footer", VHD_NO_OFFSET,
		       "written behind the last block, from the copy at "
		       "offset 0");
	free(meta);
	return rc;
}

/* -- VHDX
 * ------------------------------------------------------------------------- */

static void no_change(struct vhdx_header *header, const struct vhd_guid *guids)
{
	(void)header;
	(void)guids;
}

static void clear_log(struct vhdx_header *header, const struct vhd_guid *guids)
{
	header->log_guid = *guids;
}

/* a header slot that cannot be read, and a log without an entry */
static int mend_headers(const struct repairing *r, struct vhd_image *image,
			uint8_t *scratch)
{
	const struct vhdx_headers *h = &image->meta.vhdx.headers;
	const struct vhd_guid null = {{0}};
	struct vhdx_log_active active;
	struct vhd_source source;
	struct vhdx_log log;
	int rc = vhd_file_source(r->file, &source);

	if (!rc && !h->other_is_valid) {
		report(r, "header-bad", "VHDX header", h->offset,
		       "the damaged header was rewritten from the other one");
		if (!r->dry_run)
			rc = vhdx_header_update(image, no_change, &null);
	}
	log = vhdx_log_of(&source, &h->current, scratch);
	if (rc || vhd_guid_is_null(&log.guid))
		return rc;
	rc = vhdx_log_find(&log, &active, r->diag);
	if (rc == 0)
		report(r, "log-dirty", "VHDX log", log.offset,
		       "its updates were written to the file");
	if (rc != VHD_E_LOG)
		return rc;
	report(r, "log-invalid", "VHDX log", log.offset,
	       "it holds no valid entry and was discarded");
	return r->dry_run ? 0 : vhdx_header_update(image, clear_log, &null);
}

/* copy `from` over copy `to` */
static int mend_region_copy(const struct repairing *r, uint64_t from,
			    uint64_t to, uint8_t *bytes)
{
	int rc;

	report(r, "region-table-bad", "VHDX region table", to,
	       "rewritten from the other copy");
	if (r->dry_run)
		return 0;
	rc = vhd_file_read(r->file, from, bytes, VHDX_REGION_TABLE_SIZE);
	if (!rc)
		rc = vhd_file_write(r->file, to, bytes, VHDX_REGION_TABLE_SIZE);
	return rc ? rc : vhd_file_flush(r->file);
}

/* after the log was replayed: tables may be in it */
static int mend_regions(const struct repairing *r, uint8_t *a, uint8_t *b)
{
	struct vhd_source source;
	int rc = vhd_file_source(r->file, &source);
	bool ok1, ok2;

	if (rc)
		return rc;
	ok1 = vhdx_region_table_usable(&source, VHDX_REGION_TABLE1, a);
	ok2 = vhdx_region_table_usable(&source, VHDX_REGION_TABLE2, b);
	if (ok1 && (!ok2 || memcmp(a, b, VHDX_REGION_TABLE_SIZE) != 0))
		return mend_region_copy(r, VHDX_REGION_TABLE1,
					VHDX_REGION_TABLE2, b);
	if (!ok1 && ok2)
		return mend_region_copy(r, VHDX_REGION_TABLE2,
					VHDX_REGION_TABLE1, b);
	return 0;
}

/* header work needs an image, but this one cannot be opened as such yet */
static int mend_vhdx(const struct repairing *r)
{
	struct vhd_image *image = calloc(1, sizeof(*image));
	uint8_t *scratch = malloc(VHDX_SCRATCH);
	struct vhd_source source;
	int rc = image && scratch ? vhd_file_source(r->file, &source)
				  : VHD_E_NOMEM;

	if (!rc) {
		image->file = r->file;
		image->view = r->file;
		rc = vhdx_open_headers(&source, scratch, &image->meta.vhdx,
				       r->diag);
	}
	if (!rc)
		rc = mend_headers(r, image, scratch);
	free(scratch);
	free(image);
	return rc;
}

static int mend_vhdx_regions(const struct repairing *r)
{
	uint8_t *a = malloc(VHDX_REGION_TABLE_SIZE);
	uint8_t *b = malloc(VHDX_REGION_TABLE_SIZE);
	int rc = a && b ? mend_regions(r, a, b) : VHD_E_NOMEM;

	free(a);
	free(b);
	return rc;
}

/* -- space
 * ------------------------------------------------------------------------- */

struct leaking {
	const struct repairing *r;
	uint64_t bytes;
	int rc;
};

static void punch_gap(void *ctx, uint64_t start, uint64_t end)
{
	struct leaking *l = ctx;
	uint64_t from, to;

	while (start < end && !l->rc) {
		if (vhd_file_next_data(l->r->file, start, &from, &to) ||
		    from >= end || to <= from)
			break;
		to = vhd_min(to, end);
		if (!l->r->dry_run)
			l->rc = vhd_file_punch(l->r->file, from, to - from);
		l->bytes += to - from;
		start = to;
	}
}

/* gives unowned space back to the host, without moving anything */
static int mend_leaks(const struct repairing *r, struct vhd_image *image)
{
	uint64_t end = image->writer ? vhd_space_end(image->writer->space)
				     : image->map.limit;
	struct leaking l = {.r = r};
	struct vhd_diag why;
	int rc = vhd_check_gaps(image, end, punch_gap, &l);

	if (!rc)
		rc = l.rc;
	if (rc || l.bytes < (uint64_t)1 << image->map.block_shift)
		return rc;
	vhd_fail_value(&why, VHD_E_REPAIR, NULL, 0,
		       "% bytes that nothing refers to were given back",
		       l.bytes);
	report(r, "leak", "free space", VHD_NO_OFFSET, why.text);
	return 0;
}

/*
 * What a crash left behind the last object. The identity of a VHDX stays: its
 * content does not change, and children may hang on it.
 */
static int mend_tail(const struct repairing *r, struct vhd_image *image)
{
	uint64_t end = vhd_space_end(image->writer->space), size;
	int rc = vhd_file_size(r->file, &size);

	if (rc || r->format == VHD_FORMAT_VHD)
		return rc ? rc : vhd_image_touch(image);
	if (size <= end)
		return 0;
	rc = vhd_file_resize(r->file, end);
	return rc ? rc : vhd_file_flush(r->file);
}

/* opening for writing replays the log */
static int mend_opened(const struct repairing *r)
{
	const struct vhd_image_options options = {
		.size = sizeof(options),
		.format = r->format,
		.flags = r->dry_run ? 0 : VHD_IMAGE_WRITE,
	};
	struct vhd_image *image;
	int rc = vhd_image_open(r->file, &options, &image, r->diag);

	if (rc)
		return rc;
	if (image->map.kind != VHD_MAP_LINEAR) {
		rc = mend_leaks(r, image);
		if (!rc && !r->dry_run)
			rc = mend_tail(r, image);
		if (!rc && !r->dry_run)
			rc = vhd_image_shut(image);
	}
	vhd_image_detach(image);
	return rc ? fail(r, rc, NULL, VHD_NO_OFFSET) : 0;
}

int vhd_image_repair(struct vhd_file *file, int format, bool dry_run,
		     vhd_fault_fn *mended, void *ctx, struct vhd_diag *diag)
{
	const struct repairing r = {file, format, dry_run, mended, ctx, diag};
	int rc = 0;

	if (format == VHD_FORMAT_VHD)
		rc = mend_vhd1(&r);
	else if (format == VHD_FORMAT_VHDX)
		rc = mend_vhdx(&r);
	else
		return vhd_fail(diag, VHD_E_UNSUPPORTED, NULL, VHD_NO_OFFSET,
				"a raw disk has nothing to mend");
	if (!rc)
		rc = mend_opened(&r);
	if (!rc && format == VHD_FORMAT_VHDX)
		rc = mend_vhdx_regions(&r);
	return rc;
}

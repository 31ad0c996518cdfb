/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VHD: footers, hidden data, XenServer's batmap. A footer is one sector, which
 * is old or new; of two, one is written at a time, so that the other counts if
 * the power is cut. vhd.md 15
 */
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/checked.h"
#include "core/diag.h"
#include "mend.h"
#include "vhd1_full.h"
#include "vhd1_hidden.h"
#include "vhd1_tail.h"

static const char footer_name[] = "VHD footer";
static const char copy_name[] = "VHD footer copy";

/* -- footers -----------------------------------------------------------------
 */

/* the last byte, which programs before Virtual PC 2004 did not write */
static int mend_511(struct vhd_mending *m, struct vhd1_meta *meta)
{
	uint64_t at = meta->footer_offset + VHD1_FOOTER_OLD_SIZE;
	uint8_t zero = 0;
	int rc;

	if (!(meta->conditions & VHD_COND_FOOTER_511))
		return 0;
	rc = vhd_file_write(m->file, at, &zero, 1);
	if (!rc)
		rc = vhd_file_flush(m->file);
	if (rc)
		return vhd_mend_fail(m, rc, footer_name, meta->footer_offset);
	vhd_mend_report(m, "footer-511", footer_name, meta->footer_offset,
			"it has its 512th byte");
	return 0;
}

/* the copy at 0 becomes what the footer is, all of its bytes */
static int mend_copy(struct vhd_mending *m, const struct vhd1_meta *meta)
{
	bool differ = meta->conditions & VHD_COND_FOOTERS_DIFFER;
	uint8_t bytes[VHD1_FOOTER_SIZE];
	int rc;

	if (!differ && !(meta->conditions & VHD_COND_FOOTER_COPY_BAD))
		return 0;
	rc = vhd_file_read(m->file, meta->footer_offset, bytes, sizeof(bytes));
	if (!rc)
		rc = vhd_file_write(m->file, 0, bytes, sizeof(bytes));
	if (!rc)
		rc = vhd_file_flush(m->file);
	if (rc)
		return vhd_mend_fail(m, rc, copy_name, 0);
	vhd_mend_report(m, differ ? "footers-differ" : "footer-copy-bad",
			copy_name, 0,
			"rewritten from the footer at the end of the file");
	return 0;
}

/* tapdisk's mark goes; what is left is a footer that is lost */
static int clear_mark(struct vhd_mending *m, const struct vhd1_meta *meta)
{
	uint64_t size;
	int rc;

	if (!(meta->conditions & VHD_COND_TAPDISK_OPEN))
		return 0;
	rc = vhd_file_size(m->file, &size);
	if (!rc)
		rc = vhd_file_punch(m->file, size - VHD1_FOOTER_SIZE,
				    VHD1_FOOTER_SIZE);
	if (!rc)
		rc = vhd_file_flush(m->file);
	if (rc)
		return vhd_mend_fail(m, rc, footer_name, VHD_NO_OFFSET);
	vhd_mend_report(m, "tapdisk-open", footer_name, size - VHD1_FOOTER_SIZE,
			"tapdisk's mark was taken away");
	return 0;
}

/* `size` in the footer at `at`, checksum included */
static int put_size(struct vhd_mending *m, uint64_t at, uint64_t size)
{
	uint8_t bytes[VHD1_FOOTER_SIZE];
	struct vhd1_footer_disk *disk = (void *)bytes;
	int rc = vhd_file_read(m->file, at, bytes, sizeof(bytes));

	if (rc)
		return rc;
	disk->current_size = be64_of(size);
	disk->checksum = be32_of(
		vhd1_checksum(bytes, sizeof(bytes),
			      offsetof(struct vhd1_footer_disk, checksum)));
	rc = vhd_file_write(m->file, at, bytes, sizeof(bytes));
	return rc ? rc : vhd_file_flush(m->file);
}

/* the end first: between the two it counts */
static int mend_size(struct vhd_mending *m, const struct vhd1_meta *meta)
{
	struct vhd_fault fault = {
		.code = "odd-size",
		.structure = footer_name,
		.offset = meta->footer_offset,
		.severity = VHD_SEVERITY_CORRUPT,
		.message = "the size was rounded down to whole sectors",
		.repairable = VHD_REPAIRABLE_SALVAGE,
		.start = meta->size,
		.length = meta->footer.current_size - meta->size,
	};
	int rc;

	if (!(meta->conditions & VHD_COND_ODD_SIZE) || !m->options->salvage)
		return 0;
	rc = put_size(m, meta->footer_offset, meta->size);
	if (!rc && meta->footer_offset && meta->footer.type != VHD_TYPE_FIXED)
		rc = put_size(m, 0, meta->size);
	if (rc)
		return vhd_mend_fail(m, rc, footer_name, meta->footer_offset);
	m->mended(m->ctx, &fault);
	return 0;
}

static int open_meta(struct vhd_mending *m, struct vhd1_meta *meta,
		     struct vhd_diag *diag)
{
	uint8_t scratch[VHD1_HEADER_SIZE];
	struct vhd_source source;
	struct vhd_map map;
	int rc = vhd_file_source(m->file, &source);

	if (rc)
		return vhd_fail(diag, rc, NULL, VHD_NO_OFFSET,
				vhd_strerror(rc));
	return vhd1_open(&source, VHD1_SIZE_CURRENT, scratch, meta, &map, diag);
}

/* what does not open is a matter of salvage, if anything helps */
static int open_or_salvage(struct vhd_mending *m, struct vhd1_meta *meta)
{
	struct vhd_diag why = {0};
	int rc = open_meta(m, meta, &why);

	if (!rc)
		return 0;
	if (rc == VHD_E_FORMAT || rc == VHD_E_CORRUPT)
		rc = vhd1_mend_lost(m, rc, &why);
	else if (m->diag)
		*m->diag = why;
	return rc ? rc : open_meta(m, meta, m->diag);
}

static int mend_steps(struct vhd_mending *m, struct vhd1_meta *meta)
{
	int rc = open_or_salvage(m, meta);

	if (!rc)
		rc = vhd1_check_alone(meta->conditions, m->diag);
	if (!rc)
		rc = mend_511(m, meta);
	if (!rc)
		rc = mend_copy(m, meta);
	if (!rc)
		rc = clear_mark(m, meta);
	return rc ? rc : mend_size(m, meta);
}

int vhd1_mend_footers(struct vhd_mending *m)
{
	struct vhd1_meta *meta = calloc(1, sizeof(*meta));
	int rc = meta ? mend_steps(m, meta)
		      : vhd_mend_fail(m, VHD_E_NOMEM, NULL, VHD_NO_OFFSET);

	free(meta);
	return rc;
}

/* -- hidden data -------------------------------------------------------------
 */

struct erasing {
	struct vhd_mending *m;
	bool any;
};

/* what reads as zeros becomes zeros, for every program */
static int erase(void *ctx, const struct vhd1_hidden *run)
{
	struct erasing *e = ctx;
	struct vhd_mending *m = e->m;
	const struct vhd_fault fault = {
		.code = "bitmap-hides-data",
		.structure = "VHD sector bitmap",
		.offset = run->bitmap,
		.severity = VHD_SEVERITY_CORRUPT,
		.message = "data in sectors marked as never written were "
			   "erased; the sectors read as zeros as before",
		.repairable = VHD_REPAIRABLE_SALVAGE,
		.start = run->start,
		.length = run->length,
	};
	int rc = vhd_file_punch(m->file, run->offset, run->length);

	if (rc)
		return vhd_mend_fail(m, rc, fault.structure, run->offset);
	e->any = true;
	m->mended(m->ctx, &fault);
	return 0;
}

int vhd1_mend_hidden(struct vhd_mending *m, struct vhd_image *image)
{
	struct erasing e = {m, false};
	int rc = vhd1_hidden_find(image, erase, &e, m->diag);

	return rc || !e.any ? rc : vhd_file_flush(m->file);
}

/* -- the batmap --------------------------------------------------------------
 */

/* a cut between the two writes leaves a wrong checksum, which this mends */
static int put_batmap(struct vhd_mending *m, const struct vhd1_batmap *b,
		      const struct vhd1_full *full)
{
	be32 checksum = be32_of(full->checksum);
	int rc = vhd_file_write(m->file, b->offset, full->map,
				(size_t)full->bytes);

	if (!rc && b->bytes > full->bytes)
		rc = vhd_file_punch(m->file, b->offset + full->bytes,
				    b->bytes - full->bytes);
	if (!rc)
		rc = vhd_file_write(
			m->file,
			b->header_offset +
				offsetof(struct vhd1_batmap_disk, checksum),
			&checksum, sizeof(checksum));
	return rc ? rc : vhd_file_flush(m->file);
}

int vhd1_mend_batmap(struct vhd_mending *m, struct vhd_image *image)
{
	static const char name[] = "VHD batmap";
	const struct vhd1_batmap *b = &image->meta.vhd1.batmap;
	struct vhd1_full full;
	int rc;

	if (!image->meta.vhd1.has_batmap)
		return 0;
	rc = vhd1_full_find(image, &full, m->diag);
	if (rc)
		return rc;
	if (!full.checksum_bad && !full.wrong)
		goto out;
	rc = put_batmap(m, b, &full);
	if (rc)
		vhd_mend_fail(m, rc, name, b->header_offset);
	else
		vhd_mend_report(m, full.wrong ? "batmap-stale" : "batmap-bad",
				name, b->header_offset,
				"only blocks that are full are called so, and "
				"its checksum is right");
out:
	free(full.map);
	return rc;
}

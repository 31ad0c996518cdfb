/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Repair: the list of its steps. What each may do is in docs/design.md,
 * "Repair"; the order matters. Second copies come first, so that from there on
 * one of two survives any cut; then the log; then the block table, which says
 * what is owned; what is free comes last.
 */
#include "repair.h"

#include "core/diag.h"
#include "layer.h"
#include "mend.h"

void vhd_mend_report(const struct vhd_mending *m, const char *code,
		     const char *structure, uint64_t offset,
		     const char *message)
{
	const struct vhd_fault fault = {
		.code = code,
		.structure = structure,
		.offset = offset,
		.severity = VHD_SEVERITY_ERROR,
		.message = message,
		.repairable = VHD_REPAIRABLE_LOSSLESS,
	};

	m->mended(m->ctx, &fault);
}

int vhd_mend_fail(const struct vhd_mending *m, int rc, const char *structure,
		  uint64_t offset)
{
	return vhd_fail(m->diag, rc, structure, offset, "cannot be mended");
}

int vhd_mend_with(struct vhd_mending *m,
		  int (*step)(struct vhd_mending *m, struct vhd_image *image))
{
	const struct vhd_image_options options = {
		.size = sizeof(options),
		.format = m->options->format,
	};
	struct vhd_image *image;
	int rc = vhd_image_open(m->file, &options, &image, m->diag);

	if (rc)
		return rc;
	rc = step(m, image);
	vhd_image_detach(image);
	return rc;
}

static bool has_blocks(struct vhd_mending *m, int *rc)
{
	const struct vhd_image_options options = {
		.size = sizeof(options),
		.format = m->options->format,
	};
	struct vhd_image *image;
	bool blocks;

	*rc = vhd_image_open(m->file, &options, &image, m->diag);
	if (*rc)
		return false;
	blocks = image->map.kind != VHD_MAP_LINEAR;
	vhd_image_detach(image);
	return blocks;
}

static int mend_vhd1(struct vhd_mending *m)
{
	int rc = vhd1_mend_footers(m);

	if (rc || !has_blocks(m, &rc))
		return rc;
	rc = vhd_mend_table(m);
	if (!rc && m->options->salvage)
		rc = vhd_mend_with(m, vhd1_mend_hidden);
	if (!rc)
		rc = vhd_mend_with(m, vhd1_mend_batmap);
	return rc;
}

static int mend_vhdx(struct vhd_mending *m)
{
	int rc = vhdx_mend_headers(m);

	if (!rc)
		rc = vhdx_mend_regions(m);
	if (!rc)
		rc = vhd_mend_with(m, vhdx_mend_flags);
	return rc ? rc : vhd_mend_table(m);
}

int vhd_image_repair(struct vhd_file *file,
		     const struct vhd_image_repair *options,
		     vhd_fault_fn *mended, void *ctx, struct vhd_diag *diag)
{
	struct vhd_mending m = {
		.file = file,
		.options = options,
		.mended = mended,
		.ctx = ctx,
		.diag = diag,
	};
	int rc;

	if (options->format == VHD_FORMAT_VHD)
		rc = mend_vhd1(&m);
	else if (options->format == VHD_FORMAT_VHDX)
		rc = mend_vhdx(&m);
	else
		return vhd_fail(diag, VHD_E_UNSUPPORTED, NULL, VHD_NO_OFFSET,
				"a raw disk has nothing to mend");
	if (!rc && !m.table_bad)
		rc = vhd_mend_with(&m, vhd_mend_space);
	return rc;
}

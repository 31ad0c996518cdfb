/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by the checks of both formats. */
#ifndef VHD_IMAGE_CHECK_H
#define VHD_IMAGE_CHECK_H

#include "image.h"
#include "table.h"

/* Findings of one code that are reported one by one; the rest is counted. */
#define VHD_CHECK_REPEAT_MAX 100u

struct vhd_checking {
	struct vhd_image *image; /* opened lazily */
	vhd_fault_fn *fault;
	void *ctx;
	struct vhd_claims *claims;
	uint64_t entry_faults; /* findings in table entries */
	int entry_worst;       /* severity of those not reported singly */
	uint64_t anchors;      /* VHDX: blocks that only keep a place */
	uint64_t bitmap_faults;
	struct vhd_diag *diag;
};

void vhd_check_report(const struct vhd_checking *c, const char *code,
		      const char *structure, uint64_t offset,
		      enum vhd_severity severity, const char *message);

/* The same for damage that check --repair mends. */
void vhd_check_report_repairable(const struct vhd_checking *c, const char *code,
				 const char *structure, uint64_t offset,
				 enum vhd_severity severity,
				 const char *message);

/* Calls `gap` for each range, of a block's size or more, from the first block
 * to `end` that nothing owns. The table must be sound. */
int vhd_check_gaps(struct vhd_image *image, uint64_t end,
		   void (*gap)(void *ctx, uint64_t start, uint64_t end),
		   void *ctx);

/* Format-specific parts; negative only if the file cannot be read. */
int vhd1_check(struct vhd_checking *c);
int vhdx_check(struct vhd_checking *c);

#endif

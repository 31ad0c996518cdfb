/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the steps of a repair share. Each step looks at the file anew, changes
 * it so that it opens at least as well as before, and is durable when it
 * returns; so a repair that was cut short is mended by running it again.
 */
#ifndef VHD_IMAGE_MEND_H
#define VHD_IMAGE_MEND_H

#include "image.h"
#include "repair.h"

struct vhd_mending {
	struct vhd_file *file;
	const struct vhd_image_repair *options;
	vhd_fault_fn *mended;
	void *ctx;
	struct vhd_diag *diag;
	/* entries are left that only salvage may mend: nobody knows what is
	 * free */
	bool table_bad;
	uint64_t end; /* of all that the table and the metadata own */
};

/* Says what was mended. */
void vhd_mend_report(const struct vhd_mending *m, const char *code,
		     const char *structure, uint64_t offset,
		     const char *message);

/* Runs a step on the image, opened lazily. */
int vhd_mend_with(struct vhd_mending *m,
		  int (*step)(struct vhd_mending *m, struct vhd_image *image));

/* Fails with the place where it went wrong. */
int vhd_mend_fail(const struct vhd_mending *m, int rc, const char *structure,
		  uint64_t offset);

/* The steps, in the order in which they run. */
int vhd1_mend_footers(struct vhd_mending *m);
int vhdx_mend_headers(struct vhd_mending *m);
int vhdx_mend_regions(struct vhd_mending *m);
int vhdx_mend_flags(struct vhd_mending *m, struct vhd_image *image);
/* Sets table_bad and end. */
int vhd_mend_table(struct vhd_mending *m);
int vhd1_mend_hidden(struct vhd_mending *m, struct vhd_image *image);
int vhd1_mend_batmap(struct vhd_mending *m, struct vhd_image *image);
int vhd_mend_space(struct vhd_mending *m, struct vhd_image *image);

/* Salvage of a VHD that does not open: a lost footer pair or dynamic header.
 * `error` and `why` are what opening said; returned if nothing can be done. */
int vhd1_mend_lost(struct vhd_mending *m, int error,
		   const struct vhd_diag *why);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An undo file: the bytes another file had before it was changed, durable
 * before the change is. docs/design.md, "Backup of a repair", has its bytes.
 */
#ifndef VHD_FILE_UNDO_H
#define VHD_FILE_UNDO_H

#include <libvhd/file.h>

/* Where the undo bytes go. */
struct vhd_undo_sink {
	/* adds bytes at the end */
	int (*append)(void *ctx, const void *buf, size_t len);
	/* makes them durable; the first call also gives the file its name */
	int (*sync)(void *ctx);
	void *ctx;
};

/*
 * `inner` as a file whose old bytes are saved before each first change, and its
 * old size. Nothing is appended while nothing is changed. Owns neither; `sink`
 * must outlive it. Hands out no descriptor: no change may pass it by.
 */
int vhd_file_open_undo(struct vhd_file *inner, const struct vhd_undo_sink *sink,
		       struct vhd_file **out);

/*
 * Gives `target` the bytes and the size that `undo` keeps, durably. Checks all
 * of it before the first change. A last record that is not whole is left out:
 * its change was never made. VHD_E_FORMAT if `undo` is no undo file,
 * VHD_E_CORRUPT if it is damaged, VHD_E_MISMATCH if `target` is another file,
 * or has changed in a part that was sampled. Cut short, it is run again.
 */
int vhd_undo_restore(struct vhd_file *undo, struct vhd_file *target,
		     struct vhd_diag *diag);

#endif

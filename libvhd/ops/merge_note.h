/* SPDX-License-Identifier: BSD-2-Clause */
/* What a merge with VHD_MERGE_DELETE has still to remove: CHILD.merged. */
#ifndef VHD_OPS_MERGE_NOTE_H
#define VHD_OPS_MERGE_NOTE_H

#include <stdbool.h>

#include <libvhd/disk.h>

#define VHD_MERGE_NOTE_SUFFIX ".merged"

/* Notes the layers between 0 and `into`, which holds what they do, durably, in
 * place of an older note. */
int vhd_merge_note(struct vhd_disk *disk, unsigned into, struct vhd_diag *diag);

/*
 * Removes what an earlier merge of layer 0 into its parent, layer 1, noted and
 * did not come to remove. VHD_E_BUSY if somebody has such an image open.
 */
int vhd_merge_remove_noted(struct vhd_disk *disk, struct vhd_diag *diag);

/* Removes the note, if there is one. The caller makes that durable. */
int vhd_merge_forget_note(struct vhd_disk *disk, bool *was_there,
			  struct vhd_diag *diag);

#endif

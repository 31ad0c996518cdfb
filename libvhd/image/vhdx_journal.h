/* SPDX-License-Identifier: BSD-2-Clause */
/* The VHDX log as a journal, and the headers that announce it. */
#ifndef VHD_IMAGE_VHDX_JOURNAL_H
#define VHD_IMAGE_VHDX_JOURNAL_H

#include "writer.h"

/*
 * Changes header fields durably: both slots, a flush after each, each with the
 * next sequence number. `change` edits the new header. vhdx.md 4.4
 */
int vhdx_header_update(struct vhd_image *image,
		       void (*change)(struct vhdx_header *header,
				      const struct vhd_guid *guids),
		       const struct vhd_guid *guids);

/* New FileWriteGuid and, unless the content stays the same, DataWriteGuid:
 * precedes any change of the file. */
int vhdx_session_start(struct vhd_image *image);

/* Gives the image the DataWriteGuid that its children will know, durably. No
 * flush may run. */
int vhdx_set_data_guid(struct vhd_image *image, const struct vhd_guid *guid);

/* New FileWriteGuid alone: precedes a change that no guest can see. */
int vhdx_file_touch(struct vhd_image *image);

/*
 * Replays a dirty log into the file (vhdx.md 10.4), which is clean afterwards.
 * The image has its headers and its overlay, nothing else yet.
 */
int vhdx_journal_replay(struct vhd_image *image, struct vhd_diag *diag);

/*
 * Makes data written so far and a set of pages durable.
 *
 *   ordered:  barrier (data) - entry - barrier, pages at home
 *   else:     entry - barrier (data and entry), pages at home
 *
 * Without `ordered` the caller vouches that every block the pages newly refer
 * to reads, if its data were lost, as what the disk read before.
 * `last` is the end of all objects the pages refer to.
 */
int vhdx_journal_commit(struct vhd_image *image, const struct vhd_page_set *set,
			bool ordered, uint64_t last);

/*
 * No entry so far will be replayed any more, whatever happens: their targets
 * may be written without the log, or given to something else. vhdx.md 11.7
 */
int vhdx_journal_settle(struct vhd_image *image);

/* Everything home and durable, log GUID null. */
int vhdx_journal_close(struct vhd_image *image);

void vhdx_journal_free(struct vhd_image *image);

#endif

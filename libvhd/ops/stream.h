/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing a disk front to back: to a pipe, or compressed. */
#ifndef VHD_OPS_STREAM_H
#define VHD_OPS_STREAM_H

#include <libvhd/ops.h>

#include "output.h"

int vhd_stream(struct vhd_disk *disk, struct vhd_output *output, bool gzip,
	       struct vhd_job *job, struct vhd_diag *diag);

/* Reads back what was written, raw or compressed, and compares. */
int vhd_stream_verify(struct vhd_disk *disk, struct vhd_output *output,
		      bool gzip, struct vhd_job *job, struct vhd_diag *diag);

#endif

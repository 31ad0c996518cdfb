/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A conversion that can be continued is built in a file with a name of its own
 * beside the destination, PATH.partial. It appears as soon as it is an empty
 * disk of the right kind, and stays when the conversion fails, is killed, or
 * the power fails. From then on it is an image in use: at any moment it opens
 * and shows each sector as the source has it or not yet.
 *
 * What it already holds is found by reading it. There is no record of progress
 * that could be wrong: should the source have changed, or the partial file be
 * something else, the result is still the content of the source.
 *
 * It is locked while somebody works on it.
 */
#ifndef VHD_OPS_PARTIAL_H
#define VHD_OPS_PARTIAL_H

#include <libvhd/ops.h>

#include "output.h"

#define VHD_PARTIAL_SUFFIX ".partial"
#define VHD_PARTIAL_HINT   "remove it to begin anew"

struct vhd_make;

/*
 * Opens what an earlier run left, else a new file that has no name yet. As
 * vhd_output_open(); VHD_E_BUSY if another program works on it, VHD_E_INVALID
 * if it belongs to `source`.
 */
int vhd_partial_open(const char *path, bool force, struct vhd_disk *source,
		     struct vhd_output *out, struct vhd_diag *diag);

/* Gives a new file, laid out, the partial name. */
int vhd_partial_publish(struct vhd_output *out, struct vhd_diag *diag);

/* VHD_E_MISMATCH: was begun with another `what`. */
int vhd_partial_misfit(const struct vhd_output *out, const char *what,
		       struct vhd_diag *diag);

/*
 * Whether what was found is an image as `make` would make it; changes nothing.
 * `asked` is what the caller said (or NULL): an identity that was not asked for
 * is kept.
 */
int vhd_partial_check(const struct vhd_output *out, const struct vhd_make *make,
		      const struct vhd_create_options *asked,
		      struct vhd_diag *diag);

#endif

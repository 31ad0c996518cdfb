/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VUB_EXPLAIN_H
#define VUB_EXPLAIN_H

#include <libvhd.h>

#define VUB_ERROR_SIZE 600

/* A failure of the library as a sentence. `path` is the file if diag names
 * none. */
void vub_explain(char error[VUB_ERROR_SIZE], const char *path, int rc,
		 const struct vhd_diag *diag);

#endif

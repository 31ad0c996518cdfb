/* SPDX-License-Identifier: BSD-2-Clause */
/* Filling a struct vhd_diag without printf. */
#ifndef VHD_CORE_DIAG_H
#define VHD_CORE_DIAG_H

#include <libvhd/error.h>

/*
 * Records a failure and returns `error`, so that decoders can say
 * `return vhd_fail(...)`. A NULL diag is fine. Strings are static.
 */
int vhd_fail(struct vhd_diag *diag, int error, const char *structure,
	     uint64_t offset, const char *text);

/* The same; the one '%' of `text` becomes `value` in decimal. */
int vhd_fail_value(struct vhd_diag *diag, int error, const char *structure,
		   uint64_t offset, const char *text, uint64_t value);

/* Adds advice to a diag just filled; returns its error. */
int vhd_hint(struct vhd_diag *diag, int error, const char *hint);

#endif

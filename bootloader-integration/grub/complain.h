/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the library has to say, as an error of GRUB's. */
#ifndef VHD_GRUB_COMPLAIN_H
#define VHD_GRUB_COMPLAIN_H

#include <grub/err.h>
#include <libvhd/error.h>

/*
 * Sets GRUB's error to "PATH: what is wrong", and returns it. `rc` is the
 * VHD_E_* of the failure, `diag` what is known of it. If GRUB itself failed
 * underneath, its own words are the reason.
 */
grub_err_t vhd_complain(const char *path, int rc, const struct vhd_diag *diag);

/* The end of a path, short enough for a message of GRUB's. */
const char *vhd_short(const char *path);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef VHD_GRUB_VERSION_H
#define VHD_GRUB_VERSION_H

#include <grub/err.h>

/*
 * Is the running GRUB the one this module was built for? If not, or if that
 * cannot be told, an error of GRUB's that says what to do.
 */
grub_err_t vhd_version_check(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* A file whose changes stay in memory: what would be, without doing it. */
#ifndef VHD_FILE_SCRATCH_H
#define VHD_FILE_SCRATCH_H

#include <libvhd/file.h>

/* Changed pages of 4 KiB that are kept; more is VHD_E_LIMIT. */
#define VHD_SCRATCH_PAGES_MAX ((size_t)1 << 16)

/*
 * `base` with a write side of its own; not a byte of base changes. Owns base
 * on success. Takes no locks, hands out no descriptor. For one thread.
 */
int vhd_file_open_scratch(struct vhd_file *base, struct vhd_file **out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening names from strangers below a folder, and nowhere else. */
#ifndef VHD_DISK_BENEATH_H
#define VHD_DISK_BENEATH_H

/*
 * Opens the regular file `name` (relative, no ".." components) below the
 * folder `dir` for reading. Symbolic links are followed as long as they stay
 * below it. Never opens a device, FIFO or socket, and never blocks. Returns a
 * descriptor or a negative VHD_E_*.
 */
int vhd_open_beneath(int dir, const char *name);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FUSE_READAHEAD_H
#define FUSE_READAHEAD_H

/*
 * Lets the kernel read ahead as far as one request can carry; it does 128 KiB
 * otherwise. Only root may say so, and a mount without it is just slower.
 */
void readahead_raise(const char *mountpoint);

#endif

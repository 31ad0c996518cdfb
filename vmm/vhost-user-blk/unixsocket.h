/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VUB_UNIXSOCKET_H
#define VUB_UNIXSOCKET_H

/*
 * Listens at a path. A socket that a dead process left there is replaced; one
 * that somebody listens at is not. Returns a descriptor, or -1 with errno.
 */
int vub_listen(const char *path);

/* The next connection, or -1. */
int vub_accept(int listener);

#endif

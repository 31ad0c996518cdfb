/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TOOLS_SOCKETFILE_H
#define TOOLS_SOCKETFILE_H

#include <stdbool.h>

/* The path is a socket that nobody listens at: what a server left behind. */
bool socketfile_is_dead(const char *path);

#endif

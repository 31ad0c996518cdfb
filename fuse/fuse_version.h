/* SPDX-License-Identifier: BSD-2-Clause */
/* The one place that says which interface of libfuse is used. */
#ifndef FUSE_FUSE_VERSION_H
#define FUSE_FUSE_VERSION_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

#endif

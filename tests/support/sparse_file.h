/* SPDX-License-Identifier: BSD-2-Clause */
/* A sparse file in memory as a vhd_file, for the hosted library. */
#ifndef TESTS_SUPPORT_SPARSE_FILE_H
#define TESTS_SUPPORT_SPARSE_FILE_H

#include <libvhd/file.h>

#include "support/sparse.h"

/*
 * Read-only; reads are counted in `s` and fail as s->fail_at says. `s` stays
 * the caller's and must outlive the file; two files of it are the same one.
 * Ends the program when out of memory.
 */
struct vhd_file *sparse_file_new(struct sparse *s);

#endif

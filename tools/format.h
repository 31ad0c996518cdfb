/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of formats: as options say them, as file names suggest them, and, for
 * commands that only look at a file, as its content suggests.
 */
#ifndef TOOLS_FORMAT_H
#define TOOLS_FORMAT_H

#include <libvhd.h>

/* "raw", "vhd", "vhdx" -> enum vhd_format; 0 for anything else. */
int format_from_name(const char *name);

/* The reverse; static. */
const char *format_name(int format);

/* "fixed", "dynamic", "differencing". */
const char *format_type_name(int type);

/* By the extension of a path; 0 if it has none that is known. */
int format_from_path(const char *path);

/* By magic numbers; 0 if there are none. Never for reading data. */
int format_from_content(struct vhd_file *file);

#endif

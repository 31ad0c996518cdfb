/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What convert reads: a disk by path, or one that comes through a pipe or
 * compressed.
 */
#ifndef TOOLS_SOURCE_H
#define TOOLS_SOURCE_H

#include <libvhd.h>

#include "open.h"
#include "progress.h"

/* True if the name of a file says that it is compressed (.gz). */
bool source_is_gzip(const char *path);

/*
 * The format a name asks for, without ".gz"; raw if nothing else is left of
 * the name, or for a stream. 0 if the extension is unknown.
 */
int source_format(const char *path, bool gzip);

/*
 * Opens a disk to read all of it; gzip: it is compressed. What cannot be read
 * twice is first copied to a file without a name in the folder of `beside`
 * (NULL: that for temporary files). Returns an enum tool_exit, failures
 * printed.
 */
int source_open(const char *path, const struct open_options *options, bool gzip,
		const char *beside, const struct progress_options *show,
		struct vhd_disk **out);

#endif

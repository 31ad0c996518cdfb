/* SPDX-License-Identifier: BSD-2-Clause */
/* A differencing child that takes the writes. */
#ifndef LINUX_OVERLAY_H
#define LINUX_OVERLAY_H

#include "open.h"

/* A tmpfs for children that are thrown away. */
#define OVERLAY_FOLDER "/run/vhdboot/overlay"

/*
 * Makes `child` of `image` unless it is there already; `open` says how the
 * image is opened. Returns an enum tool_exit; failures are printed.
 */
int overlay_make(const char *image, const struct open_options *open,
		 const char *child);

/*
 * The same in memory. `child` is the path of it, to be freed.
 */
int overlay_make_temporary(const char *image, const struct open_options *open,
			   char **child);

#endif

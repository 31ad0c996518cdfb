/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A disk that comes through a pipe or compressed. Its size is only known at
 * its end and it cannot be read twice, so it first goes to a sparse file
 * without a name, which is gone when it is closed or the process dies.
 */
#ifndef TOOLS_SPOOL_H
#define TOOLS_SPOOL_H

#include <libvhd.h>

#include "input.h"

/*
 * Copies all of the input to a new file in the folder of `beside` (NULL: the
 * folder for temporary files). Runs of zeros become holes. Returns an enum
 * tool_exit, failures printed.
 */
int spool_input(struct input *input, const char *beside,
		struct progress *progress, struct vhd_file **out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going into the background: the process that was started waits until the mount
 * is there, or is not, and ends with that; the work goes on in a child of it,
 * which may print until then.
 */
#ifndef FUSE_BACKGROUND_H
#define FUSE_BACKGROUND_H

#include <stdbool.h>

struct background {
	int pipe; /* to the process that waits; -1 in the foreground */
};

/* Before any thread is started. Returns in the child only; false (printed) if
 * there is none. */
bool background_start(struct background *b, bool foreground);

/* All is well: lets the waiting process end, and leaves the terminal. */
void background_ready(struct background *b);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Long work: its job, a progress display on stderr, and a clean end on Ctrl-C.
 *
 * A thread polls the job and draws; the work itself knows nothing of it. Only
 * one piece of work at a time.
 */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <libvhd.h>

#include "options.h"

struct progress_options {
	bool quiet;
	int mode; /* index in progress_modes */
};

extern const char *const progress_modes[];

#define PROGRESS_OPTIONS(o)                                                    \
	{                                                                      \
		.name = "progress",                                            \
		.kind = OPTION_CHOICE,                                         \
		.target = &(o).mode,                                           \
		.argument = "MODE",                                            \
		.choices = progress_modes,                                     \
		.help = "bar (on a terminal), json (a line a second), none",   \
	},                                                                     \
	{                                                                      \
		.name = "quiet", .letter = 'q', .kind = OPTION_FLAG,           \
		.target = &(o).quiet, .help = "no progress",                   \
	}

struct progress;

/*
 * Begins: from here on SIGINT and SIGTERM cancel the job (the second one
 * kills). `what` is a static word for the bar ("converting").
 */
struct progress *progress_start(const struct progress_options *options,
				const char *what);

struct vhd_job *progress_job(struct progress *progress);

/*
 * For work that the tool does itself: how much there is to do (0: unknown),
 * what has been done, and whether a signal asked to stop.
 */
void progress_expect(struct progress *progress, uint64_t total);
void progress_add(struct progress *progress, uint64_t bytes);
bool progress_is_canceled(const struct progress *progress);

/* Draws a last time, gives the signals back, frees. */
void progress_stop(struct progress *progress);

#endif

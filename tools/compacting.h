/* SPDX-License-Identifier: BSD-2-Clause */
/* What compact and trim have in common. */
#ifndef TOOLS_COMPACTING_H
#define TOOLS_COMPACTING_H

#include "open.h"
#include "progress.h"

struct compacting_options {
	struct open_options open;
	struct progress_options progress;
	bool zeroes;
	bool free_space;
	bool dry_run;
	bool json;
};

/* All options that both have, but the format. */
#define COMPACTING_OPTIONS(o)                                                  \
	{                                                                      \
		.name = "dry-run",                                             \
		.kind = OPTION_FLAG,                                           \
		.target = &(o).dry_run,                                        \
		.help = "change nothing, say what would be gained",            \
	},                                                                     \
		{                                                              \
			.name = "json",                                        \
			.kind = OPTION_FLAG,                                   \
			.target = &(o).json,                                   \
			.help = "one JSON document",                           \
		},                                                             \
		OPEN_CHAIN_OPTIONS((o).open), OPEN_CHILDREN_OPTION((o).open),  \
		PROGRESS_OPTIONS((o).progress)

/*
 * Lets go of what `path` need not store and, unless `flags` has
 * VHD_COMPACT_NO_MOVE, packs it; says what was gained. `what` is a static word
 * for the progress bar. Returns an enum tool_exit.
 */
int compacting_run(const char *path, const struct compacting_options *options,
		   uint32_t flags, const char *what);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/* What commands that copy between images have in common. */
#ifndef TOOLS_COPYING_H
#define TOOLS_COPYING_H

#include <libvhd.h>

#include "options.h"

struct copying_options {
	int reflink; /* enum vhd_reflink */
	unsigned jobs;
};

/* in the order of enum vhd_reflink */
extern const char *const copying_reflink_modes[];

#define COPYING_REFLINK_OPTION(o, text)                                        \
	{                                                                      \
		.name = "reflink", .kind = OPTION_CHOICE,                      \
		.target = &(o).reflink, .argument = "WHEN",                    \
		.choices = copying_reflink_modes, .help = text,                \
	}

#define COPYING_JOBS_OPTION(o)                                                 \
	{                                                                      \
		.name = "jobs", .letter = 'j', .kind = OPTION_COUNT,           \
		.target = &(o).jobs, .argument = "N",                          \
		.help = "requests in flight",                                  \
	}

#endif

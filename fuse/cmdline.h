/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of vhdfuse, in the manner of other FUSE programs. */
#ifndef FUSE_CMDLINE_H
#define FUSE_CMDLINE_H

#include <stdbool.h>

#include "fuse_version.h"
#include "open.h"

struct cmdline {
	struct open_options open;
	char *image;
	char *format; /* as typed; NULL: by the extension */
	char *parent;
	char *mountpoint;
	char *keep;            /* --keep: the overlay's child stays here */
	unsigned idle_timeout; /* seconds; 0: never */
	unsigned max_read;     /* bytes; 0: as much as the kernel likes */
	int read_only;
	int allow_other;
	int overlay;
	int json_status;
	int foreground;
	int single_thread;
	int help;
	int version;
	struct fuse_args args; /* what is left for libfuse */
};

/* Returns an enum tool_exit, mistakes printed. */
int cmdline_read(int argc, char **argv, struct cmdline *out);
void cmdline_free(struct cmdline *options);
void cmdline_help(void);

#endif

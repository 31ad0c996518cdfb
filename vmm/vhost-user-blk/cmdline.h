/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VUB_CMDLINE_H
#define VUB_CMDLINE_H

#include "device.h"

struct cmdline {
	struct vub_device_options device; /* image NULL: none at the start */
	const char *control;
	bool help;
	bool version;
};

/* Returns an enum tool_exit, mistakes printed. */
int cmdline_read(int argc, char **argv, struct cmdline *out);
void cmdline_help(void);

#endif

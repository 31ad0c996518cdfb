/* SPDX-License-Identifier: BSD-2-Clause */
/* An image becomes a block device. */
#ifndef LINUX_ATTACH_H
#define LINUX_ATTACH_H

#include <stdbool.h>

#include "device.h"
#include "open.h"
#include "settings.h"

struct attach_options {
	struct open_options open;
	enum attach_mode mode;
	bool read_only;
	bool root; /* the system runs from it: the server outlives signals */
};

#define ATTACH_OPTIONS(o)                                                      \
	OPEN_FORMAT_OPTION((o).open),                                          \
		{                                                              \
			.name = "read-only",                                   \
			.letter = 'r',                                         \
			.kind = OPTION_FLAG,                                   \
			.target = &(o).read_only,                              \
			.help = "not a byte of any file is changed",           \
		},                                                             \
		OPEN_CHILDREN_OPTION((o).open), OPEN_CHAIN_OPTIONS((o).open)

/*
 * Attaches the image and has its partitions scanned; `name` is the device's.
 * Returns an enum tool_exit; failures are printed.
 */
int attach_image(const char *image, const struct attach_options *options,
		 char name[DEVICE_NAME]);

/*
 * Undoes that, for "nbd0" or "/dev/nbd0", and returns when the image is closed.
 * Refuses a device that is in use, or that is none of ours.
 */
int attach_undo(const char *device);

/* The same for all there are. */
int attach_undo_all(void);

#endif

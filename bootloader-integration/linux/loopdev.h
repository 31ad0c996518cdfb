/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loop devices: what the kernel serves from a file by itself. Ours carry a mark
 * (lo_file_name), so that only those are taken down again.
 */
#ifndef LINUX_LOOPDEV_H
#define LINUX_LOOPDEV_H

#include <stdbool.h>
#include <stdint.h>

#include "device.h"

struct loop_request {
	int fd;         /* stays the caller's; its lock stays, too */
	uint64_t size;  /* bytes of the file that are shown */
	uint32_t block; /* logical block size */
	bool read_only;
	bool partitions;
};

/*
 * Makes one. Returns an enum tool_exit; a failure is printed with `path`, which
 * names the file.
 */
int loop_attach(const char *path, const struct loop_request *request,
		char name[DEVICE_NAME]);

/* Takes one down that nobody uses, and waits until it is. */
int loop_detach(const char *name);

/* True if it is one of ours. */
bool loop_is_ours(const char *name);

#endif

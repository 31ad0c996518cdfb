/* SPDX-License-Identifier: BSD-2-Clause */
#include "volume.h"

#include <string.h>

static void suspended(struct volume *volume)
{
	volume->state = FSMAP_SUSPENDED;
}

static const struct {
	const char *type;
	void (*read)(struct volume *volume);
} readers[] = {
	{"ext2", ext_read},  {"ext3", ext_read},  {"ext4", ext_read},
	{"ntfs", ntfs_read}, {"swap", swap_read}, {"swsuspend", suspended},
};

void volume_read(struct volume *volume)
{
	volume->state = FSMAP_UNKNOWN;
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
		if (strcmp(readers[i].type, volume->type) == 0)
			readers[i].read(volume);
	}
	if (volume->state != FSMAP_CLEAN)
		runs_clear(&volume->unused);
}

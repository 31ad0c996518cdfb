/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's device mapper, by its ioctls: as much of it as is used here. */
#ifndef LINUX_DM_H
#define LINUX_DM_H

#include <stddef.h>
#include <stdint.h>

/* Targets of a table in the making, as the kernel reads them. */
struct dm_table {
	unsigned char *bytes;
	size_t length;
	uint32_t count;
};

/* Adds a target, in bytes of whole sectors. `kind` is "linear" or "zero". */
void dm_table_add(struct dm_table *table, uint64_t start, uint64_t length,
		  const char *kind, const char *parameters);

void dm_table_free(struct dm_table *table);

/* All return 0 or -1 with errno. A new device is read-only and runs. */
int dm_create(const char *name, const struct dm_table *table, unsigned *number);
int dm_remove(unsigned number);

/* Removes all devices that nobody uses. */
void dm_remove_all(void);

#endif

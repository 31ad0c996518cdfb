/* SPDX-License-Identifier: BSD-2-Clause */
/* The partitions of a disk, as libblkid sees them. */
#ifndef FSMAP_TABLE_H
#define FSMAP_TABLE_H

#include "volume.h"

struct table {
	char type[32];          /* "gpt", "dos", ...; "none" */
	struct volume *volumes; /* by rising start */
	size_t count;
};

/*
 * Reads the table of the disk, which must be in the window. Partitions that
 * lie outside are cut and FSMAP_TRUNCATED, those that overlap others
 * FSMAP_OVERLAP, extended ones FSMAP_CONTAINER, all others FSMAP_UNKNOWN.
 * Returns NULL, or what is wrong (static).
 */
const char *table_read(const struct area *disk, struct table *out);

void table_free(struct table *table);

/* What lies in no partition and is none of the table's; see protocol.h. */
int table_gaps(const struct table *table, const struct area *disk,
	       struct runs *out);

#endif

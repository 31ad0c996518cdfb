/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of protocol.h, on standard output. */
#ifndef FSMAP_REPORT_H
#define FSMAP_REPORT_H

#include "table.h"

/* Gives standard output a buffer; before the sandbox, before anything else. */
void report_begin(void);

/* The lines that describe the disk. */
void report_disk(struct vhd_disk *disk, const char *table);

/*
 * An fs line and its unused ranges: whole sectors, and only those of at least
 * that many bytes.
 */
void report_volume(const struct volume *volume, uint64_t at_least);

void report_gaps(const struct runs *gaps, uint64_t sector_size,
		 uint64_t at_least);

/* The last line. Returns 0, or -1 if not all could be written. */
int report_end(void);

/* The last line if there is no answer. */
void report_error(const char *text);

#endif

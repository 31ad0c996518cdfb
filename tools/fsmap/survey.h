/* SPDX-License-Identifier: BSD-2-Clause */
/* What is on a disk: its partitions, their file systems, what is unused. */
#ifndef FSMAP_SURVEY_H
#define FSMAP_SURVEY_H

#include "table.h"

/*
 * Looks at everything, or, without `ranges`, for partitions and types of file
 * systems only. A disk without a partition table has one volume,
 * number 0. Returns NULL, or what is wrong (static). Needs the window.
 */
const char *survey(struct vhd_disk *disk, bool ranges, struct table *out);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "survey.h"

#include <stdlib.h>

#include "identify.h"

static void read_one(struct volume *volume, bool ranges)
{
	if (volume->state != FSMAP_UNKNOWN)
		return;
	volume->state = identify(volume);
	if (ranges && volume->state == FSMAP_UNKNOWN)
		volume_read(volume);
}

/* The disk as the only volume, which is identified already. */
static const char *read_whole(const struct volume *whole, bool ranges,
			      struct table *out)
{
	out->volumes = malloc(sizeof(*whole));
	if (!out->volumes)
		return "out of memory";
	out->volumes[0] = *whole;
	out->count = 1;
	if (ranges && whole->state == FSMAP_UNKNOWN)
		volume_read(&out->volumes[0]);
	return NULL;
}

/*
 * A signature of the whole disk beside a partition table: one of them is left
 * from earlier times, or the disk is a part of an array. Nobody knows.
 */
static void doubt_all(struct table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		if (table->volumes[i].state != FSMAP_CONTAINER)
			table->volumes[i].state = FSMAP_AMBIGUOUS;
	}
}

const char *survey(struct vhd_disk *disk, bool ranges, struct table *out)
{
	struct volume whole = {
		.area = {.disk = disk, .length = vhd_disk_size(disk)},
	};
	const char *wrong;

	whole.state = identify(&whole);
	if (whole.state == FSMAP_DAMAGED)
		return "the disk cannot be read";
	wrong = table_read(&whole.area, out);
	if (wrong)
		return wrong;
	if (out->count == 0)
		return read_whole(&whole, ranges, out);
	if (whole.type[0] || whole.state == FSMAP_AMBIGUOUS)
		doubt_all(out);
	for (size_t i = 0; i < out->count; i++)
		read_one(&out->volumes[i], ranges);
	return NULL;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "area.h"

int area_read(const struct area *area, uint64_t offset, void *buf, size_t len)
{
	if (offset > area->length || len > area->length - offset)
		return -1;
	if (vhd_disk_read(area->disk, area->start + offset, buf, len, NULL))
		return -1;
	return 0;
}

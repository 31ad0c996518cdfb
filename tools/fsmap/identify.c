/* SPDX-License-Identifier: BSD-2-Clause */
#include "identify.h"

#include <blkid/blkid.h>
#include <stdio.h>
#include <string.h>

#include "window.h"

/*
 * libblkid believes in an NTFS only if it finds the first file record, which
 * Windows puts 3 GiB into the volume. Where, the boot sector says.
 */
static int add_mft(const struct area *area)
{
	unsigned char boot[512];
	uint64_t cluster = 0, sector, sectors_per_cluster;

	if (area->length < sizeof(boot) ||
	    area_read(area, 0, boot, sizeof(boot)))
		return -1;
	if (memcmp(boot + 3, "NTFS    ", 8) != 0)
		return 0;
	sector = (uint64_t)(boot[11] | boot[12] << 8);
	sectors_per_cluster = boot[13];
	/* large clusters are stored as a negative power of two */
	if (sectors_per_cluster > 128)
		sectors_per_cluster = UINT64_C(1)
				      << ((256 - sectors_per_cluster) & 31);
	for (int i = 7; i >= 0; i--)
		cluster = cluster << 8 | boot[48 + i];
	if (cluster > area->length)
		return 0;
	return window_add(area, cluster * sectors_per_cluster * sector,
			  64 << 10);
}

static void get_value(blkid_probe probe, const char *name, char *out,
		      size_t size)
{
	const char *value;

	if (blkid_probe_lookup_value(probe, name, &value, NULL))
		return;
	snprintf(out, size, "%s", value);
}

static enum fsmap_state probe_window(blkid_probe probe, struct volume *volume)
{
	const struct area *area = &volume->area;
	int rc;

	if (blkid_probe_set_device(probe, window_fd(), 0, 0) ||
	    blkid_probe_set_sectorsize(probe, vhd_disk_sector_size(area->disk)))
		return FSMAP_DAMAGED;
	blkid_probe_enable_partitions(probe, 0);
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_TYPE |
							 BLKID_SUBLKS_LABEL |
							 BLKID_SUBLKS_UUID);
	rc = blkid_do_safeprobe(probe);
	if (rc == -2)
		return FSMAP_AMBIGUOUS;
	if (rc < 0)
		return FSMAP_DAMAGED;
	get_value(probe, "TYPE", volume->type, sizeof(volume->type));
	get_value(probe, "LABEL", volume->label, sizeof(volume->label));
	get_value(probe, "UUID", volume->uuid, sizeof(volume->uuid));
	return FSMAP_UNKNOWN;
}

enum fsmap_state identify(struct volume *volume)
{
	enum fsmap_state state;
	blkid_probe probe;

	if (window_load(&volume->area) || add_mft(&volume->area))
		return FSMAP_DAMAGED;
	probe = blkid_new_probe();
	if (!probe)
		return FSMAP_DAMAGED;
	state = probe_window(probe, volume);
	blkid_free_probe(probe);
	return state;
}

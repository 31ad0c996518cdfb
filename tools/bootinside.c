/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootinside.h"

#include <stdlib.h>
#include <string.h>

#include <hostfs.h>

#include "memory.h"

struct volume {
	struct vhd_disk *disk;
	uint64_t start;
};

static int read_volume(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct volume *v = ctx;

	return vhd_disk_read(v->disk, v->start + offset, buf, len, NULL);
}

static bool volume_has(struct vhd_disk *disk, const struct fsmap_fs *fs,
		       const char *path)
{
	struct volume volume = {disk, fs->start};
	struct vhd_source source = {&volume, read_volume, fs->length};
	struct hostfs *host = tool_zalloc(sizeof(*host));
	struct hostfs_extent extent;
	struct hostfs_file file = {.extents = &extent, .room = 1};
	struct vhd_diag diag = {0};
	int rc = hostfs_open(host, &source, &diag);

	if (!rc)
		rc = hostfs_find(host, path, &file, &diag);
	free(host);
	/* it is there, in more pieces than there is room for */
	return rc == 0 || rc == VHD_E_LIMIT;
}

bool boot_inside_has(struct vhd_disk *disk, const struct fsmap *map,
		     const char *path)
{
	for (size_t i = 0; i < map->fs_count; i++) {
		const struct fsmap_fs *fs = &map->fs[i];

		if ((strcmp(fs->type, "vfat") == 0 ||
		     strcmp(fs->type, "exfat") == 0) &&
		    volume_has(disk, fs, path))
			return true;
	}
	return false;
}

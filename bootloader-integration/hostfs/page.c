/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One page of the volume is kept. A file's chain is read in the order of the
 * FAT, a directory in its own, so one is nearly as good as many.
 */
#include "core/checked.h"
#include "core/mem.h"
#include "parts.h"

static int load(struct hostfs *fs, uint64_t number)
{
	uint64_t at = number * HOSTFS_PAGE;
	size_t have = (size_t)vhd_min(HOSTFS_PAGE, fs->volume.size - at);
	int rc;

	if (fs->page_number == number)
		return 0;
	fs->page_number = UINT64_MAX;
	rc = fs->volume.read_at(fs->volume.ctx, at, fs->page, have);
	if (!rc)
		fs->page_number = number;
	return rc;
}

int hostfs_view(struct hostfs *fs, uint64_t offset, size_t len,
		const uint8_t **out)
{
	int rc;

	if (!vhd_inside(offset, len, fs->volume.size))
		return VHD_E_CORRUPT;
	rc = load(fs, offset / HOSTFS_PAGE);
	*out = fs->page + offset % HOSTFS_PAGE;
	return rc;
}

int hostfs_bytes(struct hostfs *fs, uint64_t offset, void *buf, size_t len)
{
	uint8_t *to = buf;

	while (len) {
		size_t room = HOSTFS_PAGE - (size_t)(offset % HOSTFS_PAGE);
		size_t n = len < room ? len : room;
		const uint8_t *from;
		int rc = hostfs_view(fs, offset, n, &from);

		if (rc)
			return rc;
		memcpy(to, from, n);
		to += n;
		offset += n;
		len -= n;
	}
	return 0;
}

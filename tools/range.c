/* SPDX-License-Identifier: BSD-2-Clause */
#include "range.h"

#include <inttypes.h>

#include "command.h"
#include "diag.h"

/* A multiple of all block sizes, so that whole blocks stay whole. */
#define STEP ((uint64_t)1 << 30)

int range_check_end(struct vhd_disk *disk, const char *path, uint64_t offset,
		    uint64_t length)
{
	uint64_t size = vhd_disk_size(disk);

	if (offset <= size && length <= size - offset)
		return TOOL_DONE;
	return diag_error(
		path, "the range passes the end of the disk at %" PRIu64, size);
}

int range_check(struct vhd_disk *disk, const char *path, uint64_t offset,
		uint64_t length)
{
	uint32_t sector = vhd_disk_sector_size(disk);

	if (offset % sector)
		return diag_error(path,
				  "offset %" PRIu64 " is no multiple of the "
				  "sector size, %u",
				  offset, sector);
	if (length % sector)
		return diag_error(path,
				  "length %" PRIu64 " is no multiple of the "
				  "sector size, %u",
				  length, sector);
	return range_check_end(disk, path, offset, length);
}

int range_open(const char *path, const struct range_options *options,
	       struct vhd_disk **out)
{
	return open_disk(path, &options->open, VHD_DISK_WRITE, out);
}

int range_close(struct vhd_disk *disk, const char *path, int rc)
{
	struct vhd_diag diag = {0};
	int error = vhd_disk_shut(disk, &diag);

	/* the first failure is the one to tell */
	if (error && !rc)
		rc = diag_failure(path, error, &diag);
	vhd_disk_close(disk);
	return rc;
}

static int change_steps(struct vhd_disk *disk, const char *path,
			uint64_t offset, uint64_t length,
			range_change_fn *change, struct progress *progress)
{
	uint64_t end = offset + length;

	while (offset < end) {
		uint64_t next = offset - offset % STEP + STEP;
		uint64_t n = (next < end ? next : end) - offset;
		struct vhd_diag diag = {0};
		int error;

		if (progress_is_canceled(progress))
			return diag_error(path, "interrupted at byte %" PRIu64,
					  offset);
		error = change(disk, offset, n, &diag);
		if (error)
			return diag_failure(path, error, &diag);
		progress_add(progress, n);
		offset += n;
	}
	return TOOL_DONE;
}

int range_change(const char *path, const struct range_options *options,
		 const char *what, range_change_fn *change)
{
	uint64_t offset = options->offset.bytes;
	uint64_t length = options->length.bytes;
	struct progress *progress;
	struct vhd_disk *disk;
	int rc;

	if (!options->offset.given || !options->length.given)
		return diag_usage("%s: --offset and --length are needed", what);
	rc = range_open(path, options, &disk);
	if (rc)
		return rc;
	rc = range_check(disk, path, offset, length);
	if (!rc) {
		progress = progress_start(&options->progress, what);
		progress_expect(progress, length);
		rc = change_steps(disk, path, offset, length, change, progress);
		progress_stop(progress);
	}
	return range_close(disk, path, rc);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw disks and fixed VHDs. The footer of a fixed VHD has no copy, so at any
 * moment one must be whole at the end of the file. It need not lie where the
 * disk ends: what is between the two is slack, which nobody reads (vhd.md 3).
 *
 *   grow    the footer as it is goes to the new end - barrier - zeros up to it,
 *           over the old footer and whatever lies there - barrier - the footer
 *           says the new size
 *   shrink  the footer says the new size - barrier - it is written behind the
 *           disk's end as well - barrier - the file is cut there
 *
 * A footer behind the end of the file extends it by being written: there is no
 * moment at which the file is longer and has none.
 */
#include <string.h>

#include "core/checked.h"
#include "resize.h"
#include "vhd1_edit.h"

static int zero_durably(struct vhd_image *image, uint64_t from, uint64_t to)
{
	int rc = from < to ? vhd_file_punch(image->file, from, to - from) : 0;

	return rc ? rc : vhd_file_flush(image->file);
}

/* -- raw ---------------------------------------------------------------------
 */

static int resize_raw(struct vhd_image *image, uint64_t size)
{
	int rc = vhd_file_resize(image->file, size);

	if (!rc)
		rc = vhd_file_flush(image->file);
	if (rc)
		return rc;
	image->map.size = size;
	image->map.limit = size;
	return 0;
}

/* -- fixed VHD ---------------------------------------------------------------
 */

/* the end footer also lies at `at`, durably */
static int copy_footer(struct vhd_image *image, uint64_t at)
{
	const struct vhd1_meta *meta = &image->meta.vhd1;
	uint8_t bytes[VHD1_FOOTER_SIZE] = {0};
	size_t size = meta->conditions & VHD_COND_FOOTER_511
			      ? VHD1_FOOTER_OLD_SIZE
			      : VHD1_FOOTER_SIZE;
	int rc = vhd_file_read(image->file, meta->footer_offset, bytes, size);

	if (!rc)
		rc = vhd_file_write(image->file, at, bytes, sizeof(bytes));
	if (!rc)
		rc = vhd_file_flush(image->file);
	return rc ? rc : vhd1_image_refresh(image);
}

static int publish(struct vhd_image *image, uint64_t size)
{
	struct vhd1_footer footer = image->meta.vhd1.footer;

	footer.current_size = size;
	footer.geometry = vhd1_footer_geometry(&footer);
	return vhd1_edit_footer(image, &footer);
}

/* `size` is within the file already, or the file becomes longer */
static int grow(struct vhd_image *image, uint64_t size)
{
	uint64_t old = image->map.size;
	int rc = 0;

	if (image->meta.vhd1.footer_offset < size)
		rc = copy_footer(image, size);
	if (!rc)
		rc = zero_durably(image, old, size);
	return rc ? rc : publish(image, size);
}

/* the footer directly behind the disk, and nothing after it */
static int cut_slack(struct vhd_image *image)
{
	uint64_t end = image->map.size;
	int rc;

	if (image->meta.vhd1.footer_offset == end)
		return 0;
	rc = copy_footer(image, end);
	if (!rc)
		rc = vhd_file_resize(image->file, end + VHD1_FOOTER_SIZE);
	if (!rc)
		rc = vhd_file_flush(image->file);
	return rc ? rc : vhd1_image_refresh(image);
}

int vhd_resize_linear(struct vhd_image *image, uint64_t size)
{
	int rc = 0;

	if (image->format == VHD_FORMAT_RAW)
		return resize_raw(image, size);
	if (size > image->map.size)
		rc = grow(image, size);
	else if (size < image->map.size)
		rc = publish(image, size);
	return rc ? rc : cut_slack(image);
}

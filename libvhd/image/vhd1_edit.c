/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dynamic header has one copy of two sectors, so rewriting it in place
 * could tear it (vhd.md 14.5). But its place is named by the footer, which is
 * one sector. So:
 *
 *   a copy of the old header goes behind the last object, the footer behind
 *   that - barrier - both footers name the copy, one after the other - the new
 *   header is written at home - barrier - both footers name home, one after the
 *   other - the copy is cut off.
 *
 * Between the two steps of a pair the end footer counts. At any moment every
 * footer names a whole header. After a cut in the middle the next change finds
 * the header away from home and needs the second half only.
 *
 * A failure in the middle leaves the file as a cut does. Whoever then wrote on,
 * or only cut the file behind the last object, would destroy the copy. So it
 * puts the image in doubt.
 */
#include "vhd1_edit.h"

#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "vhd1_tail.h"

#define HOME VHD1_FOOTER_SIZE

static int write_durably(struct vhd_image *image, uint64_t at,
			 const void *bytes, size_t length)
{
	int rc = vhd_file_write(image->file, at, bytes, length);

	return rc ? vhd_write_doubt(image, rc) : vhd_write_barrier(image);
}

int vhd1_image_refresh(struct vhd_image *image)
{
	struct vhd1_meta *meta = malloc(sizeof(*meta));
	uint8_t scratch[VHD1_HEADER_SIZE];
	struct vhd_source source;
	struct vhd_map map;
	int rc = meta ? vhd_file_source(image->file, &source) : VHD_E_NOMEM;

	if (!rc)
		rc = vhd1_open(&source, VHD1_SIZE_CURRENT, scratch, meta, &map,
			       NULL);
	if (!rc) {
		image->meta.vhd1 = *meta;
		vhd_image_take_map(image, &map);
		if (map.kind == VHD_MAP_LINEAR)
			image->map.limit = map.limit;
	}
	free(meta);
	return vhd_write_doubt(image, rc); /* the file was changed already */
}

/* where the end footer is, and its bytes */
static int load_footer(struct vhd_image *image, uint64_t *at,
		       uint8_t bytes[VHD1_FOOTER_SIZE])
{
	const struct vhd1_tail *t = image->writer->tail;
	const struct vhd1_meta *meta = &image->meta.vhd1;
	size_t size = meta->conditions & VHD_COND_FOOTER_511
			      ? VHD1_FOOTER_OLD_SIZE
			      : VHD1_FOOTER_SIZE;

	if (t) {
		*at = t->footer_offset;
		memcpy(bytes, t->footer, VHD1_FOOTER_SIZE);
		return 0;
	}
	memset(bytes, 0, VHD1_FOOTER_SIZE);
	*at = meta->footer_offset;
	return vhd_file_read(image->file, *at, bytes, size);
}

static int put_footer(struct vhd_image *image, const struct vhd1_footer *footer)
{
	struct vhd1_tail *t = image->writer->tail;
	uint8_t bytes[VHD1_FOOTER_SIZE];
	uint64_t at;
	int rc = load_footer(image, &at, bytes);

	if (rc)
		return rc;
	vhd1_footer_encode(footer, bytes);
	rc = write_durably(image, at, bytes, sizeof(bytes));
	if (!rc && footer->type != VHD_TYPE_FIXED)
		rc = write_durably(image, 0, bytes, sizeof(bytes));
	if (!rc && t)
		memcpy(t->footer, bytes, sizeof(bytes));
	if (!rc)
		image->meta.vhd1.footer = *footer;
	return rc;
}

int vhd1_edit_footer(struct vhd_image *image, const struct vhd1_footer *footer)
{
	int rc = vhd_image_touch(image);

	if (!rc)
		rc = vhd_image_flush(image);
	if (!rc && image->writer->tail)
		rc = vhd1_tail_trim(image);
	if (!rc)
		rc = put_footer(image, footer);
	return rc ? rc : vhd1_image_refresh(image);
}

/* -- the header -------------------------------------------------------------
 */

static int name_header(struct vhd_image *image, uint64_t at)
{
	struct vhd1_footer footer = image->meta.vhd1.footer;

	footer.data_offset = at;
	return put_footer(image, &footer);
}

/* where the header belongs: 512, as programs that do not look expect it,
 * unless something else is there */
static uint64_t home_of(const struct vhd_image *image)
{
	const struct vhd_map *map = &image->map;
	uint64_t now = image->meta.vhd1.footer.data_offset;

	for (uint32_t i = 0; i < map->reserved_count; i++)
		if (map->reserved[i].start != now &&
		    vhd_overlap(HOME, HOME + VHD1_HEADER_SIZE,
				map->reserved[i].start, map->reserved[i].end))
			return now;
	return HOME;
}

/* the header as it is also lies behind everything else, and counts there */
static int step_aside(struct vhd_image *image,
		      const uint8_t bytes[VHD1_HEADER_SIZE])
{
	struct vhd1_tail *t = image->writer->tail;
	uint64_t at = t->footer_offset, behind = at + VHD1_HEADER_SIZE;
	int rc = vhd_file_write(image->file, behind, t->footer,
				VHD1_FOOTER_SIZE);

	t->untidy = t->untidy || rc;
	if (!rc)
		rc = vhd_write_barrier(image);
	if (rc)
		return rc;
	vhd1_tail_note(image, behind);
	rc = write_durably(image, at, bytes, VHD1_HEADER_SIZE);
	return rc ? rc : name_header(image, at);
}

static int replace_header(struct vhd_image *image,
			  const struct vhd1_header *header)
{
	uint64_t now = image->meta.vhd1.footer.data_offset;
	uint64_t home = home_of(image);
	uint8_t bytes[VHD1_HEADER_SIZE];
	int rc = vhd_file_read(image->file, now, bytes, sizeof(bytes));

	if (!rc && now == home)
		rc = step_aside(image, bytes);
	if (rc)
		return rc;
	vhd1_header_encode(header, bytes);
	rc = write_durably(image, home, bytes, sizeof(bytes));
	return rc ? rc : name_header(image, home);
}

/* the copy that a cut left behind everything else is out of use */
static int forget_copy(struct vhd_image *image)
{
	int rc = vhd1_image_refresh(image);

	return rc ? rc : vhd_image_find_end(image);
}

int vhd1_edit_header(struct vhd_image *image, const struct vhd1_header *header)
{
	bool away = image->meta.vhd1.footer.data_offset != HOME;
	int rc = vhd_image_touch(image);

	if (!rc)
		rc = vhd_image_flush(image);
	if (!rc)
		rc = vhd1_tail_trim(image);
	if (!rc)
		rc = replace_header(image, header);
	if (rc)
		return rc;
	/* the new one counts, and memory does not know it yet */
	if (away)
		rc = forget_copy(image);
	if (!rc)
		rc = vhd1_tail_trim(image);
	return rc ? vhd_write_doubt(image, rc) : vhd1_image_refresh(image);
}

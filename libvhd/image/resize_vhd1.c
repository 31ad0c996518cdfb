/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dynamic and differencing VHDs (vhd.md 16.3, 16.4).
 *
 *   grow    blocks, then locators, get out of the way of a longer table -
 *           entries behind the old ones say "not allocated" - barrier - the
 *           header counts them - what the new part shows is zeros - barrier -
 *           the footers say the new size
 *   shrink  the footers say the new size - entries behind it are reset
 *
 * The table stays where it is, behind the header, as programs that do not look
 * expect it. Entries behind the disk's end may hold anything, with what was cut
 * off or with another program, so they are looked at before they count.
 *
 * A child's new part reads as zeros even where its parent is larger than the
 * child was: only stored zeros can say that in this format.
 */
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "core/diag.h"
#include "core/vhd1_locator.h"
#include "move.h"
#include "resize.h"
#include "vhd1_edit.h"
#include "vhd1_tail.h"

#define STEP ((size_t)64 << 10)

static int unsupported(struct vhd_diag *diag, const char *text)
{
	return vhd_fail(diag, VHD_E_UNSUPPORTED, NULL, VHD_NO_OFFSET, text);
}

/* -- entries behind the disk's end -------------------------------------------
 */

static uint64_t table_end(const struct vhd_image *image, uint64_t entries)
{
	return vhd_round_up(image->map.bat_offset + entries * 4, VHD1_SECTOR);
}

static uint64_t present_end(const struct vhd_image *image)
{
	return table_end(image, image->meta.vhd1.header.max_entries);
}

static bool is_reset(const uint8_t *bytes, size_t length)
{
	return bytes[0] == 0xFF && !memcmp(bytes, bytes + 1, length - 1);
}

/* behind the entries in use of a sector, through the pages that hold them */
static int reset_rest(struct vhd_image *image, uint64_t at, size_t length)
{
	uint8_t bytes[VHD1_SECTOR];
	const struct vhd_patch patch = {at, bytes, length};
	int rc = vhd_file_read(image->file, at, bytes, length);

	if (rc || is_reset(bytes, length))
		return rc;
	memset(bytes, 0xFF, length);
	return vhd_image_patch(image, &patch, 1);
}

/* whole sectors that hold no entry in use */
static int reset_sectors(struct vhd_image *image, uint64_t at, uint64_t end,
			 uint8_t *buf)
{
	int rc = 0;

	for (size_t n; at < end && !rc; at += n) {
		n = (size_t)vhd_min(STEP, end - at);
		rc = vhd_file_read(image->file, at, buf, n);
		if (rc || is_reset(buf, n))
			continue;
		memset(buf, 0xFF, n);
		rc = vhd_file_write(image->file, at, buf, n);
		vhd_pages_drop(image->pages, at, n);
	}
	return rc;
}

/* from behind the entries in use to `end`; durable after the next flush */
static int reset_entries(struct vhd_image *image, uint64_t end)
{
	uint64_t at = image->map.bat_offset + image->map.blocks * 4;
	uint64_t whole = vhd_round_up(at, VHD1_SECTOR);
	uint8_t *buf = malloc(STEP);
	int rc = buf ? 0 : VHD_E_NOMEM;

	if (!rc && at < whole)
		rc = reset_rest(image, at, (size_t)(whole - at));
	if (!rc)
		rc = reset_sectors(image, whole, end, buf);
	free(buf);
	return rc;
}

static int entries_are_reset(struct vhd_image *image, bool *done)
{
	uint64_t at = image->map.bat_offset + image->map.blocks * 4;
	uint64_t end = image->map.bat_offset +
		       (uint64_t)image->meta.vhd1.header.max_entries * 4;
	uint8_t *buf = malloc(STEP);
	int rc = buf ? 0 : VHD_E_NOMEM;

	*done = true;
	for (size_t n; at < end && !rc && *done; at += n) {
		n = (size_t)vhd_min(STEP, end - at);
		rc = vhd_file_read(image->file, at, buf, n);
		*done = !rc && is_reset(buf, n);
	}
	free(buf);
	return rc;
}

int vhd1_resize_is_done(struct vhd_image *image, bool *done)
{
	const struct vhd1_meta *meta = &image->meta.vhd1;
	int rc = 0;

	*done = meta->footer_offset == image->map.size;
	if (image->map.kind == VHD_MAP_LINEAR)
		return 0;
	rc = entries_are_reset(image, done);
	*done &= !meta->copy_is_stale &&
		 !(meta->conditions & VHD_COND_FOOTER_LOST) &&
		 meta->footer_offset <= vhd_space_end(image->writer->space);
	return rc;
}

/* -- room for a longer table -------------------------------------------------
 */

/* Where locators go that lie where the table is to grow. */
struct locators {
	struct vhd1_header header; /* as it will be */
	bool moves[VHD1_LOCATORS];
	uint64_t start; /* of the first that moves */
	uint64_t end;   /* behind the last */
};

/* its room, of which programs have odd ideas */
static uint64_t room_of(const struct vhd1_locator *l)
{
	uint64_t space = l->space <= VHD1_LOCATOR_MAX ? l->space : 0;

	return vhd_round_up(vhd_max(space, l->length), VHD1_SECTOR);
}

static bool is_used(const struct vhd1_locator *l)
{
	return l->code && l->length && l->length <= VHD1_LOCATOR_MAX;
}

/* one more that lies before `end`, and whose new place is behind it */
static bool add_moving(struct locators *m, uint64_t from)
{
	bool more = false;

	for (unsigned i = 0; i < VHD1_LOCATORS; i++) {
		const struct vhd1_locator *l = &m->header.locators[i];
		uint64_t end = l->offset + l->length;

		if (m->moves[i] || !is_used(l) ||
		    !vhd_overlap(l->offset, end, from, m->end))
			continue;
		m->moves[i] = true;
		m->start = vhd_max(m->start, vhd_round_up(end, VHD1_SECTOR));
		more = true;
	}
	return more;
}

/* behind the new table and behind their old places; what is in the way of that
 * moves as well */
static void plan_locators(const struct vhd_image *image, uint64_t from,
			  uint64_t to, struct locators *m)
{
	*m = (struct locators){
		.header = image->meta.vhd1.header,
		.start = to,
		.end = to,
	};
	if (!image->map.has_parent)
		return;
	while (add_moving(m, from)) {
		m->end = m->start;
		for (unsigned i = 0; i < VHD1_LOCATORS; i++)
			if (m->moves[i])
				m->end += room_of(&m->header.locators[i]);
	}
}

static int copy_locator(struct vhd_image *image, const struct vhd1_locator *l,
			uint64_t to, uint64_t room)
{
	uint8_t *bytes = calloc(1, (size_t)room);
	int rc = bytes ? vhd_file_read(image->file, l->offset, bytes, l->length)
		       : VHD_E_NOMEM;

	if (!rc)
		rc = vhd_file_write(image->file, to, bytes, (size_t)room);
	free(bytes);
	return rc;
}

/* copies that are durable before the header names them */
static int move_locators(struct vhd_image *image, struct locators *m)
{
	uint64_t at = m->start;
	int rc = 0;

	for (unsigned i = 0; i < VHD1_LOCATORS && !rc; i++) {
		struct vhd1_locator *l = &m->header.locators[i];
		uint64_t room = room_of(l);

		if (!m->moves[i])
			continue;
		rc = copy_locator(image, l, at, room);
		l->space = (uint32_t)room;
		l->offset = at;
		at += room;
	}
	if (!rc)
		rc = vhd_image_flush(image);
	return rc ? rc : vhd1_edit_header(image, &m->header);
}

/* the header, or a copy of it that a cut left behind, is no place for entries
 */
static bool header_is_in_way(const struct vhd_image *image, uint64_t from,
			     uint64_t to)
{
	uint64_t at = image->meta.vhd1.footer.data_offset;

	return vhd_overlap(at, at + VHD1_HEADER_SIZE, from, to);
}

/* a change of the header that was cut off leaves it away from home */
static int bring_header_home(struct vhd_image *image)
{
	const struct vhd1_header header = image->meta.vhd1.header;

	if (image->meta.vhd1.footer.data_offset == VHD1_FOOTER_SIZE)
		return 0;
	return vhd1_edit_header(image, &header);
}

/* [from, to) of the file, behind the table, becomes free */
static int clear_way(struct vhd_image *image, uint64_t from, uint64_t to)
{
	struct locators m;
	int rc;

	plan_locators(image, from, to, &m);
	rc = vhd_image_clear_range(image, from, m.end);
	if (!rc) /* the footer lies behind it, too */
		rc = vhd1_tail_trim(image);
	return rc || m.start == m.end ? rc : move_locators(image, &m);
}

static int extend_table(struct vhd_image *image, uint64_t entries,
			struct vhd_diag *diag)
{
	uint64_t from = present_end(image), to = table_end(image, entries);
	struct vhd1_header header;
	int rc = bring_header_home(image);

	if (rc)
		return rc;
	if (header_is_in_way(image, from, to))
		return unsupported(diag, "the dynamic header lies where the "
					 "block table would have to grow");
	if (from < to)
		rc = clear_way(image, from, to);
	if (!rc)
		rc = reset_entries(image, to);
	if (!rc)
		rc = vhd_image_flush(image);
	if (rc)
		return rc;
	header = image->meta.vhd1.header;
	header.max_entries = (uint32_t)entries;
	return vhd1_edit_header(image, &header);
}

/* -- both directions ---------------------------------------------------------
 */

static int publish(struct vhd_image *image, uint64_t size)
{
	struct vhd1_footer footer = image->meta.vhd1.footer;

	footer.current_size = size;
	footer.geometry = vhd1_footer_geometry(&footer);
	return vhd1_edit_footer(image, &footer);
}

static int make_room(struct vhd_image *image, uint64_t size,
		     struct vhd_diag *diag)
{
	const struct vhd1_meta *meta = &image->meta.vhd1;
	uint64_t entries = vhd_shift_up(size, image->map.block_shift);

	if (entries <= meta->header.max_entries)
		return reset_entries(image, present_end(image));
	if (meta->has_batmap)
		return unsupported(diag, "a XenServer block map (batmap) lies "
					 "where the block table would have to "
					 "grow");
	return extend_table(image, entries, diag);
}

static int show_zeros(struct vhd_image *image, uint64_t size)
{
	uint64_t old = image->map.size;
	int rc = vhd_resize_clear_tail(image);

	if (rc || !image->map.has_parent)
		return rc;
	vhd_resize_show(image, size);
	rc = vhd_resize_hide(image, old, vhd_resize_hidden_end(image, size));
	if (!rc)
		rc = vhd_image_flush(image);
	vhd_resize_show(image, old);
	return rc;
}

static int grow(struct vhd_image *image, uint64_t size, struct vhd_diag *diag)
{
	int rc;

	if (image->map.has_parent && image->parent_size == UINT64_MAX)
		return vhd_fail(diag, VHD_E_PARENT, NULL, VHD_NO_OFFSET,
				"without its parent nobody knows what the "
				"new part of the disk would show");
	rc = make_room(image, size, diag);
	if (!rc)
		rc = show_zeros(image, size);
	return rc ? rc : publish(image, size);
}

static int shrink(struct vhd_image *image, uint64_t size, struct vhd_diag *diag)
{
	const struct vhd_map before = image->map;
	int rc;

	/* its bits would call blocks full that another program puts there */
	if (image->meta.vhd1.has_batmap)
		return unsupported(diag, "images with a XenServer block map "
					 "(batmap) can only grow");
	rc = publish(image, size);
	if (!rc)
		rc = vhd_resize_free(image, &before);
	if (!rc)
		rc = reset_entries(image, present_end(image));
	return rc ? rc : vhd_image_flush(image);
}

/* entries of an earlier, longer disk */
static int finish(struct vhd_image *image)
{
	int rc = reset_entries(image, present_end(image));

	return rc ? rc : vhd_image_flush(image);
}

int vhd1_resize(struct vhd_image *image, uint64_t size, struct vhd_diag *diag)
{
	if (size > image->map.size)
		return grow(image, size, diag);
	if (size < image->map.size)
		return shrink(image, size, diag);
	return finish(image);
}

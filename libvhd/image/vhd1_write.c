/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocating in a VHD, which has no log. What keeps it whole is order alone
 * (vhd.md 14):
 *
 *   dynamic       data, bitmap, footer - barrier - BAT - barrier
 *   differencing  data, footer - barrier - bitmap, BAT - barrier
 *
 * and the footer copy at offset 0, which no allocation touches: if a cut leaves
 * no footer at the end, the copy opens the image, and the next writable open
 * puts the tail right.
 *
 * The file grows in large steps with a footer behind the reserved space. Once
 * that is durable, a block inside it reads as zeros if its data are lost, so a
 * dynamic image needs one barrier only. (A differencing one does not get away
 * with it: lost data under a set bit would hide the parent.)
 *
 * New blocks get their bitmap written all ones with the data in a dynamic
 * image, so readers that ignore bitmaps and readers that honour them agree.
 */
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/checked.h"
#include "core/diag.h"
#include "vhd1_tail.h"

#define GROW_MAX ((uint64_t)128 << 20)

struct vhd1_tail {
	uint8_t footer[VHD1_FOOTER_SIZE];
	uint64_t footer_offset;
	uint64_t durable;  /* reserved space below this is durably zero */
	uint64_t reserved; /* will be, after the next barrier */
};

/* where Windows puts the footer: the last sector of a 4 KiB page */
static uint64_t footer_place(uint64_t end)
{
	return vhd_round_up(end, 4096) + 4096 - VHD1_FOOTER_SIZE;
}

static int write_footer(struct vhd_image *image, uint64_t at)
{
	struct vhd1_tail *t = image->writer->tail;
	int rc = vhd_file_write(image->file, at, t->footer, VHD1_FOOTER_SIZE);

	if (rc)
		return rc;
	t->footer_offset = at;
	image->writer->file_size = at + VHD1_FOOTER_SIZE;
	vhd_pages_set_size(image->pages, at + VHD1_FOOTER_SIZE);
	return 0;
}

static int barrier(struct vhd_image *image)
{
	struct vhd1_tail *t = image->writer->tail;
	uint64_t reserved = t->reserved;
	int rc = vhd_file_flush(image->file);

	if (!rc)
		t->durable = reserved;
	return rc;
}

/* the footer directly behind the last object, and nothing after it */
static int trim_tail(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	uint64_t end = vhd_space_end(w->space), at = footer_place(end), size;
	int rc = vhd_file_size(image->file, &size);

	if (rc ||
	    (size == at + VHD1_FOOTER_SIZE && w->tail->footer_offset == at))
		return rc;
	rc = write_footer(image, at);
	if (!rc)
		rc = vhd_file_flush(image->file);
	if (!rc && size > at + VHD1_FOOTER_SIZE) {
		rc = vhd_file_resize(image->file, at + VHD1_FOOTER_SIZE);
		if (!rc)
			rc = vhd_file_flush(image->file);
	}
	return rc;
}

/* the raw bytes of the footer that counts: its reserved part is kept */
static int load_footer(struct vhd_image *image)
{
	struct vhd1_tail *t = image->writer->tail;
	struct vhd1_meta *meta = &image->meta.vhd1;
	uint32_t size = meta->conditions & VHD_COND_FOOTER_511
				? VHD1_FOOTER_OLD_SIZE
				: VHD1_FOOTER_SIZE;

	return vhd_file_read(image->file, meta->footer_offset, t->footer, size);
}

/*
 * The first change: the tail is brought to its smallest form, and the gap
 * between the last object and the footer is cleared, so that everything behind
 * the end reads as zeros.
 */
static int start(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	static const uint8_t zeros[8192];
	uint64_t end = vhd_space_end(w->space);
	int rc;

	w->tail = calloc(1, sizeof(*w->tail));
	if (!w->tail)
		return VHD_E_NOMEM;
	rc = load_footer(image);
	w->tail->footer_offset = image->meta.vhd1.footer_offset;
	if (!rc)
		rc = trim_tail(image);
	if (!rc)
		rc = vhd_file_write(image->file, end, zeros,
				    (size_t)(w->tail->footer_offset - end));
	if (rc) {
		free(w->tail);
		w->tail = NULL;
	}
	return rc;
}

/* a footer behind `end` and a good deal more */
static int grow_to(struct vhd_image *image, uint64_t end)
{
	static const uint8_t zeros[VHD1_FOOTER_SIZE];
	struct vhd1_tail *t = image->writer->tail;
	uint64_t old = t->footer_offset, ahead, at;
	int rc;

	if (end <= old)
		return 0;
	ahead = vhd_min(32 * ((uint64_t)1 << image->map.block_shift), GROW_MAX);
	at = footer_place(end + ahead);
	rc = vhd_file_resize(image->file, at + VHD1_FOOTER_SIZE);
	if (!rc)
		rc = write_footer(image, at);
	if (!rc)
		rc = vhd_file_write(image->file, old, zeros, sizeof(zeros));
	if (!rc)
		t->reserved = at;
	return rc;
}

/* all ones for the sectors a block has, zeros behind */
static int write_full_bitmap(struct vhd_image *image, uint64_t at)
{
	uint32_t bytes = image->map.bitmap_bytes;
	uint64_t bits = (uint64_t)1 << (image->map.block_shift - 9);
	uint8_t *bitmap = calloc(1, bytes);
	int rc;

	if (!bitmap)
		return VHD_E_NOMEM;
	memset(bitmap, 0xFF, (size_t)(bits / 8));
	if (bits < 8)
		bitmap[0] = (uint8_t)(0xFF << (8 - bits));
	rc = vhd_file_write(image->file, at, bitmap, bytes);
	free(bitmap);
	return rc;
}

static int plan_new(struct vhd_image *image, const struct vhd_block *b,
		    struct vhd_write *w)
{
	const struct vhd_map *map = &image->map;
	const struct vhd1_tail *t = image->writer->tail;
	uint64_t size = map->bitmap_bytes + ((uint64_t)1 << map->block_shift);
	uint64_t inside = w->start - (w->block << map->block_shift);
	int rc = vhd_write_take(image, size, &w->place);

	if (rc)
		return rc;
	w->kind = VHD_WRITE_ALLOCATE;
	w->place_length = size;
	w->offset = w->place.offset + map->bitmap_bytes + inside;
	w->partial = map->has_parent;
	w->ordered = map->has_parent || !w->place.fresh ||
		     w->place.offset + size > t->durable;
	rc = grow_to(image, w->place.offset + size);
	vhd_pages_drop(image->pages, w->place.offset, map->bitmap_bytes);
	if (!rc)
		rc = vhd_write_pin(image, w, b->entry, 4);
	if (rc || !w->partial)
		return rc ? rc : write_full_bitmap(image, w->place.offset);
	w->bits = w->place.offset;
	return vhd_write_pin(image, w, w->bits, map->bitmap_bytes);
}

static int plan_fill(struct vhd_image *image, const struct vhd_block *b,
		     struct vhd_write *w)
{
	w->kind = VHD_WRITE_FILL;
	w->ordered = image->map.has_parent;
	w->bits = b->bitmap;
	w->offset = b->data + (w->start - (w->block << image->map.block_shift));
	return vhd_write_pin(image, w, w->bits, image->map.bitmap_bytes);
}

static int plan(struct vhd_image *image, const struct vhd_block *b,
		struct vhd_write *w)
{
	int rc = b->state == VHD_BLOCK_PARTIAL ? plan_fill(image, b, w)
					       : plan_new(image, b, w);

	if (rc)
		vhd_write_undo(image, w);
	return rc;
}

static void publish(struct vhd_image *image, const struct vhd_write *w)
{
	const struct vhd_map *map = &image->map;
	be32 entry = be32_of((uint32_t)(w->place.offset / VHD1_SECTOR));

	if (w->partial || w->kind == VHD_WRITE_FILL)
		vhd_write_bits(image, w->bits,
			       (w->start - (w->block << map->block_shift)) >> 9,
			       w->length >> 9);
	if (w->kind == VHD_WRITE_ALLOCATE)
		vhd_pages_store(image->pages,
				vhd_map_entry_offset(map, w->block), &entry,
				sizeof(entry));
}

/*
 * A dynamic block may go back to "not allocated". In a differencing image that
 * would show the parent. An image with a XenServer batmap keeps its blocks: a
 * stale batmap bit would call a later block full.
 */
static int drop(struct vhd_image *image, uint64_t block,
		const struct vhd_block *b)
{
	const be32 none = be32_of(UINT32_MAX);
	int rc;

	(void)block;
	if (image->map.has_parent || image->meta.vhd1.has_batmap)
		return VHD_E_UNSUPPORTED;
	if (b->state == VHD_BLOCK_ABSENT)
		return 0;
	rc = vhd_pages_pin(image->pages, b->entry, 4);
	if (rc)
		return rc;
	vhd_pages_store(image->pages, b->entry, &none, sizeof(none));
	vhd_pages_unpin(image->pages, b->entry, 4);
	vhd_space_release(image->writer->space,
			  b->data - image->map.bitmap_bytes,
			  image->map.bitmap_bytes +
				  ((uint64_t)1 << image->map.block_shift));
	return 0;
}

static bool is_table(const struct vhd_image *image, uint64_t offset)
{
	const struct vhd1_header *h = &image->meta.vhd1.header;

	return offset + VHD1_SECTOR > h->table_offset &&
	       offset < h->table_offset + (uint64_t)h->max_entries * 4;
}

/* writes the bitmaps, or the table, or both, of a set */
static int write_pages(struct vhd_image *image, const struct vhd_page_set *set,
		       bool bitmaps, bool table)
{
	int rc = 0;

	for (uint32_t i = 0; i < set->count && !rc; i++)
		if (is_table(image, set->offsets[i]) ? table : bitmaps)
			rc = vhd_file_write(image->file, set->offsets[i],
					    set->data + i * set->page_size,
					    set->page_size);
	return rc;
}

static int commit(struct vhd_image *image, struct vhd_page_set *set,
		  bool ordered)
{
	bool late_bitmaps = image->map.has_parent;
	int rc = 0;

	if (!image->writer->tail) /* nothing was ever changed */
		return vhd_file_flush(image->file);
	if (ordered && set->count) {
		rc = write_pages(image, set, !late_bitmaps, false);
		if (!rc)
			rc = barrier(image);
	}
	if (!rc)
		rc = write_pages(image, set, !ordered || late_bitmaps, true);
	return rc ? rc : barrier(image);
}

static int close_image(struct vhd_image *image)
{
	return trim_tail(image);
}

static void free_tail(struct vhd_image *image)
{
	free(image->writer->tail);
}

const struct vhd_writer_ops vhd1_writer_ops = {
	.start = start,
	.plan = plan,
	.publish = publish,
	.drop = drop,
	.commit = commit,
	.close = close_image,
	.free = free_tail,
};

/* -- what a writable open refuses
 * ------------------------------------------------ */

struct refusal {
	uint32_t bit;
	int error;
	const char *hint;
};

int vhd1_check_writable(const struct vhd_image *image, struct vhd_diag *diag)
{
	static const char repair[] = "'vhdtool check --repair' mends this";
	static const struct refusal refusals[] = {
		{VHD_COND_FOOTER_COPY_BAD, VHD_E_REPAIR, repair},
		{VHD_COND_FOOTERS_DIFFER, VHD_E_REPAIR, repair},
		{VHD_COND_TAPDISK_OPEN, VHD_E_BUSY, NULL},
		{VHD_COND_SAVED_STATE, VHD_E_READONLY,
		 "end the suspended virtual machine first"},
		{VHD_COND_ENCRYPTED, VHD_E_UNSUPPORTED, NULL},
		{VHD_COND_FEATURES, VHD_E_UNSUPPORTED, NULL},
		{VHD_COND_ODD_SIZE, VHD_E_UNSUPPORTED, NULL},
	};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		const char *structure = NULL, *text;

		if (!(image->conditions & refusals[i].bit))
			continue;
		text = vhd_condition_text(refusals[i].bit, NULL, &structure);
		vhd_fail(diag, refusals[i].error, structure, VHD_NO_OFFSET,
			 text);
		return vhd_hint(diag, refusals[i].error, refusals[i].hint);
	}
	return 0;
}

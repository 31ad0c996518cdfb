/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Allocating in a VHD, which has no log. What keeps it whole is order alone
 * (vhd.md 14):
 *
 *   data, bitmaps of new blocks (dynamic), footer - barrier -
 *   BAT, changed bitmaps - barrier
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
 * A commit that stops for want of space has changed no more at home than a cut
 * between its two barriers could have. A growth that stops leaves the tail as
 * it was, or notes that it is untidy: then that is mended before anything else
 * is done to the tail.
 *
 * New blocks of a dynamic image have a bitmap of all ones, so readers that
 * ignore bitmaps and readers that honour them agree. It is written when the
 * space is reserved: were it written with the data, a cut could leave the data
 * without it, and the two kinds of readers would see different disks.
 */
#include <stdlib.h>
#include <string.h>

#include "break.h"
#include "core/bytes.h"
#include "core/checked.h"
#include "core/diag.h"
#include "vhd1_tail.h"

#define GROW_MAX ((uint64_t)128 << 20)
/* longest piece that sets bits: 17 pages of bitmap */
#define PIN_MAX ((uint64_t)32 << 20)

/*
 * Directly behind the last object. Windows leaves a gap to the end of a 4 KiB
 * page, but QEMU takes the first sector behind the last block for its next one
 * and trusts that nothing but the footer lies there: with a gap, the old footer
 * would end up inside that block's data.
 */
static uint64_t footer_place(uint64_t end)
{
	return vhd_round_up(end, VHD1_SECTOR);
}

void vhd1_tail_note(struct vhd_image *image, uint64_t at)
{
	image->writer->tail->footer_offset = at;
	image->writer->file_size = at + VHD1_FOOTER_SIZE;
	vhd_pages_set_size(image->pages, at + VHD1_FOOTER_SIZE);
}

static int write_footer(struct vhd_image *image, uint64_t at)
{
	struct vhd1_tail *t = image->writer->tail;
	int rc = vhd_file_write(image->file, at, t->footer, VHD1_FOOTER_SIZE);

	if (!rc)
		vhd1_tail_note(image, at);
	t->untidy = t->untidy && rc;
	return rc;
}

static int barrier(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	uint64_t reserved;
	int rc;

	pthread_mutex_lock(&w->mutex);
	reserved = w->tail->reserved;
	pthread_mutex_unlock(&w->mutex);
	rc = vhd_write_barrier(image);
	if (rc)
		return rc;
	pthread_mutex_lock(&w->mutex);
	w->tail->durable = reserved;
	pthread_mutex_unlock(&w->mutex);
	return 0;
}

static int move_footer(struct vhd_image *image, uint64_t at, uint64_t size)
{
	int rc = write_footer(image, at);

	if (!rc && !VHD_BROKEN(VHD_RULE_FOOTER_BEFORE_TRIM))
		rc = vhd_write_barrier(image);
	if (!rc && size > at + VHD1_FOOTER_SIZE) {
		rc = vhd_file_resize(image->file, at + VHD1_FOOTER_SIZE);
		if (!rc)
			rc = vhd_write_barrier(image);
	}
	return rc;
}

int vhd1_tail_trim(struct vhd_image *image)
{
	struct vhd_writer *w = image->writer;
	uint64_t end = vhd_space_end(w->space), at = footer_place(end), size;
	int rc = vhd_file_size(image->file, &size);

	w->tail->durable = 0;
	w->tail->reserved = 0;
	w->tail->marked = 0;
	if (rc || (size == at + VHD1_FOOTER_SIZE &&
		   w->tail->footer_offset == at && !w->tail->untidy))
		return rc;
	rc = move_footer(image, at, size);
	if (rc != VHD_E_NOSPACE && rc != VHD_E_NOMEM)
		return atomic_load(&w->started) ? vhd_write_doubt(image, rc)
						: rc;
	/* what is behind the end does not read as zeros now; start() is tried
	 * again before anything is put there */
	w->restart |= atomic_exchange(&w->started, false);
	return rc;
}

/* the raw bytes of the footer that counts: its reserved part is kept */
static int load_footer(struct vhd_image *image, struct vhd1_tail *t)
{
	const struct vhd1_meta *meta = &image->meta.vhd1;
	uint32_t size = meta->conditions & VHD_COND_FOOTER_511
				? VHD1_FOOTER_OLD_SIZE
				: VHD1_FOOTER_SIZE;

	t->footer_offset = meta->footer_offset;
	return vhd_file_read(image->file, meta->footer_offset, t->footer, size);
}

static int new_tail(struct vhd_image *image)
{
	struct vhd1_tail *t = calloc(1, sizeof(*t));
	int rc = t ? load_footer(image, t) : VHD_E_NOMEM;

	if (rc)
		free(t);
	else
		image->writer->tail = t;
	return rc;
}

/* a footer was changed, but the copy was not reached */
static int renew_copy(struct vhd_image *image)
{
	int rc;

	if (!image->meta.vhd1.copy_is_stale)
		return 0;
	rc = vhd_file_write(image->file, 0, image->writer->tail->footer,
			    VHD1_FOOTER_SIZE);
	return rc ? rc : vhd_write_barrier(image);
}

/*
 * The first change: the tail is brought to its smallest form, so that whatever
 * will be behind the end reads as zeros.
 */
static int start(struct vhd_image *image)
{
	/* kept if it fails: the file may hold the footer no more */
	int rc = image->writer->tail ? 0 : new_tail(image);

	if (!rc)
		rc = vhd1_tail_trim(image);
	return rc ? rc : renew_copy(image);
}

/* all ones for the sectors a block has, zeros behind; the caller frees it */
static uint8_t *make_full_bitmap(const struct vhd_image *image)
{
	uint64_t bits = (uint64_t)1 << (image->map.block_shift - 9);
	uint8_t *bitmap = calloc(1, image->map.bitmap_bytes);

	if (!bitmap)
		return NULL;
	memset(bitmap, 0xFF, (size_t)(bits / 8));
	if (bits < 8)
		bitmap[0] = (uint8_t)(0xFF << (8 - bits));
	return bitmap;
}

/* the bitmaps of all places from `at` on that end before `end` */
static int write_full_bitmaps(struct vhd_image *image, uint64_t at,
			      uint64_t end)
{
	uint64_t bytes = image->map.bitmap_bytes;
	uint64_t size = bytes + ((uint64_t)1 << image->map.block_shift);
	uint8_t *bitmap = make_full_bitmap(image);
	int rc = bitmap ? 0 : VHD_E_NOMEM;

	while (!rc && at + size <= end) {
		rc = vhd_file_write(image->file, at, bitmap, (size_t)bytes);
		at = vhd_space_place(image->writer->space, at + size);
	}
	free(bitmap);
	return rc;
}

/* a growth that failed: the file ends, and the footer lies, where it did */
static int shrink_back(struct vhd_image *image)
{
	uint64_t at = image->writer->tail->footer_offset;
	int rc;

	image->writer->tail->untidy = true;
	rc = vhd_file_resize(image->file, at + VHD1_FOOTER_SIZE);
	return rc ? rc : write_footer(image, at);
}

/*
 * The footer moves behind a fresh place, and a good deal more. The new one is
 * written first, so that a program that dies here leaves a footer at the end;
 * then the old one goes, so that it never turns up as a block's content.
 */
static int move_behind(struct vhd_image *image, uint64_t place, uint64_t at)
{
	static const uint8_t zeros[VHD1_FOOTER_SIZE];
	struct vhd1_tail *t = image->writer->tail;
	int rc = t->untidy ? shrink_back(image) : 0;

	if (rc)
		return rc;
	rc = vhd_file_write(image->file, at, t->footer, VHD1_FOOTER_SIZE);
	if (!rc)
		rc = vhd_file_write(image->file, t->footer_offset, zeros,
				    sizeof(zeros));
	if (!rc && !image->map.has_parent)
		rc = write_full_bitmaps(image, place, at);
	if (rc) {
		shrink_back(image);
		return rc;
	}
	vhd1_tail_note(image, at);
	t->marked = at;
	t->reserved = at;
	return 0;
}

/* A host without holes in files (FAT) may have space for less only. */
static int grow_to(struct vhd_image *image, uint64_t place, uint64_t end)
{
	struct vhd1_tail *t = image->writer->tail;
	uint64_t block = (uint64_t)1 << image->map.block_shift;
	int rc = t->untidy ? shrink_back(image) : 0;

	if (rc || end <= t->footer_offset)
		return rc;
	rc = move_behind(image, place,
			 footer_place(end + vhd_min(32 * block, GROW_MAX)));
	return rc == VHD_E_NOSPACE
		       ? move_behind(image, place, footer_place(end))
		       : rc;
}

/*
 * Pins the bits that a write will set. A large block has more bitmap than may
 * be held at once: the write is cut short to what is.
 */
static int pin_bits(struct vhd_image *image, struct vhd_write *w)
{
	uint64_t inside = w->start - (w->block << image->map.block_shift);
	uint64_t first = inside >> 9, last;

	w->length = vhd_min(w->length, PIN_MAX);
	last = first + (w->length >> 9) - 1;
	return vhd_write_pin(image, w, w->bits + first / 8,
			     last / 8 - first / 8 + 1);
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
	if (VHD_BROKEN(VHD_RULE_RECYCLED_IS_ORDERED))
		w->ordered = map->has_parent;
	if (VHD_BROKEN(VHD_RULE_RESERVE_IS_DURABLE))
		w->ordered = map->has_parent || !w->place.fresh;
	rc = grow_to(image, w->place.offset, w->place.offset + size);
	vhd_pages_drop(image->pages, w->place.offset, map->bitmap_bytes);
	if (!rc)
		rc = vhd_write_pin(image, w, b->entry, 4);
	if (!rc && w->partial) {
		w->bits = w->place.offset;
		rc = pin_bits(image, w);
	} else if (!rc &&
		   (!w->place.fresh || w->place.offset + size > t->marked)) {
		rc = write_full_bitmaps(image, w->place.offset,
					w->place.offset + size);
	}
	return rc;
}

static int plan_fill(struct vhd_image *image, const struct vhd_block *b,
		     struct vhd_write *w)
{
	w->kind = VHD_WRITE_FILL;
	w->ordered = true; /* a clear bit may hide anything */
	w->bits = b->bitmap;
	w->offset = b->data + (w->start - (w->block << image->map.block_shift));
	return pin_bits(image, w);
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
 * Back to "not allocated". An image with a XenServer batmap keeps its blocks: a
 * stale batmap bit would call a later block full.
 */
static int revert(struct vhd_image *image, uint64_t block,
		  const struct vhd_block *b)
{
	const be32 none = be32_of(UINT32_MAX);
	uint64_t length = image->map.bitmap_bytes +
			  ((uint64_t)1 << image->map.block_shift);
	int rc;

	(void)block;
	if (image->meta.vhd1.has_batmap)
		return VHD_E_UNSUPPORTED;
	if (b->state == VHD_BLOCK_ABSENT)
		return 0;
	rc = vhd_pages_pin(image->pages, b->entry, 4);
	if (rc)
		return rc;
	vhd_pages_store(image->pages, b->entry, &none, sizeof(none));
	vhd_pages_unpin(image->pages, b->entry, 4);
	/* a last block may be cut off, with metadata in the rest of its place
	 */
	if (vhd_map_is_free(&image->map, b->bitmap, length))
		vhd_space_release(image->writer->space, b->bitmap, length);
	return 0;
}

/* in a differencing image that would show the parent */
static int drop(struct vhd_image *image, uint64_t block,
		const struct vhd_block *b)
{
	return image->map.has_parent ? VHD_E_UNSUPPORTED
				     : revert(image, block, b);
}

static int write_pages(struct vhd_image *image, const struct vhd_page_set *set)
{
	int rc = 0;

	for (uint32_t i = 0; i < set->count && !rc; i++)
		rc = vhd_file_write(image->file, set->offsets[i],
				    set->data + i * set->page_size,
				    set->page_size);
	return rc;
}

/* the rules that a test breaks here */
static bool skips_barrier(const struct vhd_image *image)
{
	return image->map.has_parent ? VHD_BROKEN(VHD_RULE_DATA_BEFORE_BITMAP)
				     : VHD_BROKEN(VHD_RULE_DATA_BEFORE_TABLE);
}

static int commit(struct vhd_image *image, struct vhd_page_set *set,
		  bool ordered)
{
	int rc = 0;

	if (!atomic_load(&image->writer->started)) /* nothing was changed */
		return vhd_write_barrier(image);
	if (ordered && set->count && !skips_barrier(image))
		rc = barrier(image);
	if (!rc)
		rc = write_pages(image, set);
	return rc ? rc : barrier(image);
}

static int close_image(struct vhd_image *image)
{
	return vhd1_tail_trim(image);
}

static void free_tail(struct vhd_image *image)
{
	free(image->writer->tail);
}

const struct vhd_writer_ops vhd1_writer_ops = {
	.start = start,
	.plan = plan,
	.publish = publish,
	.grow = grow_to,
	.drop = drop,
	.revert = revert,
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

static int refuse(uint32_t conditions, const struct refusal *rows, size_t count,
		  struct vhd_diag *diag)
{
	for (size_t i = 0; i < count; i++) {
		const char *structure = NULL, *text;

		if (!(conditions & rows[i].bit))
			continue;
		text = vhd_condition_text(rows[i].bit, NULL, &structure);
		vhd_fail(diag, rows[i].error, structure, VHD_NO_OFFSET, text);
		return vhd_hint(diag, rows[i].error, rows[i].hint);
	}
	return 0;
}

int vhd1_check_alone(uint32_t conditions, struct vhd_diag *diag)
{
	static const struct refusal rows[] = {
		{VHD_COND_SAVED_STATE, VHD_E_READONLY,
		 "end the suspended virtual machine first"},
		{VHD_COND_ENCRYPTED, VHD_E_UNSUPPORTED, NULL},
		{VHD_COND_FEATURES, VHD_E_UNSUPPORTED, NULL},
	};

	return refuse(conditions, rows, sizeof(rows) / sizeof(rows[0]), diag);
}

int vhd1_check_writable(const struct vhd_image *image, struct vhd_diag *diag)
{
	static const char repair[] = "'vhdtool check --repair' mends this";
	static const struct refusal rows[] = {
		{VHD_COND_FOOTER_COPY_BAD, VHD_E_REPAIR, repair},
		{VHD_COND_FOOTERS_DIFFER, VHD_E_REPAIR, repair},
		{VHD_COND_TAPDISK_OPEN, VHD_E_BUSY, NULL},
		{VHD_COND_ODD_SIZE, VHD_E_UNSUPPORTED, NULL},
	};
	uint32_t conditions = image->conditions;
	int rc;

	if (image->meta.vhd1.copy_is_stale) /* start() brings it up to date */
		conditions &= ~(uint32_t)VHD_COND_FOOTERS_DIFFER;
	rc = refuse(conditions, rows, sizeof(rows) / sizeof(rows[0]), diag);
	return rc ? rc : vhd1_check_alone(image->conditions, diag);
}

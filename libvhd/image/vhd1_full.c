/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bit says that every sector of a block is here, so that its bitmap need not
 * be read. A bit too few costs time, one too many shows wrong data, so bits
 * that are right stay and the others go. vhd.md 17.3
 */
#include "vhd1_full.h"

#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "core/diag.h"
#include "table.h"

static const char structure[] = "VHD batmap";

struct search {
	struct vhd_image *image;
	struct vhd1_full *full;
	uint8_t *stored;
	uint8_t *bitmap; /* of one block */
	struct vhd_diag *diag;
};

/* version 1.1 summed signed bytes, 1.2 unsigned ones */
static uint32_t checksum(const uint8_t *bytes, uint64_t len, uint32_t version)
{
	bool is_signed = version == 0x00010001;
	uint32_t sum = 0;

	for (uint64_t i = 0; i < len; i++) {
		sum += bytes[i];
		if (is_signed && bytes[i] > INT8_MAX)
			sum -= UINT8_MAX + 1;
	}
	return ~sum;
}

static bool bit_of(const uint8_t *map, uint64_t block)
{
	return map[block / 8] >> (7 - block % 8) & 1;
}

/* all bits of the sectors that a block has */
static bool is_full(const uint8_t *bitmap, uint64_t sectors)
{
	for (uint64_t i = 0; i < sectors / 8; i++)
		if (bitmap[i] != 0xFF)
			return false;
	for (uint64_t i = sectors & ~(uint64_t)7; i < sectors; i++)
		if (!bit_of(bitmap, i))
			return false;
	return true;
}

static int visit(void *ctx, const struct vhd_table_entry *e)
{
	struct search *s = ctx;
	const struct vhd_map *map = &s->image->map;
	int rc;

	if (e->error || !e->block.data || e->index / 8 >= s->full->bytes ||
	    !bit_of(s->stored, e->index))
		return 0;
	rc = vhd_file_read(s->image->view, e->block.bitmap, s->bitmap,
			   map->bitmap_bytes);
	if (rc)
		return vhd_fail(s->diag, rc, "VHD sector bitmap",
				e->block.bitmap, "cannot be read");
	if (is_full(s->bitmap, vhd_map_block_need(map, e->index) >> 9))
		s->full->map[e->index / 8] |= (uint8_t)(0x80 >> (e->index % 8));
	return 0;
}

static void compare(struct search *s)
{
	struct vhd1_full *f = s->full;
	uint64_t blocks = vhd_min(s->image->map.blocks, f->bytes * 8);

	for (uint64_t b = 0; b < blocks; b++) {
		if (bit_of(s->stored, b) == bit_of(f->map, b))
			continue;
		if (!f->wrong++)
			f->first = b;
	}
}

static int search(struct search *s)
{
	const struct vhd1_batmap *b = &s->image->meta.vhd1.batmap;
	int rc = vhd_file_read(s->image->view, b->offset, s->stored,
			       (size_t)s->full->bytes);

	if (rc)
		return vhd_fail(s->diag, rc, structure, b->offset,
				"cannot be read");
	s->full->checksum_bad =
		b->checksum != checksum(s->stored, s->full->bytes, b->version);
	rc = vhd_table_walk(s->image, visit, s, s->diag);
	if (rc)
		return rc;
	compare(s);
	s->full->checksum = checksum(s->full->map, s->full->bytes, b->version);
	return 0;
}

int vhd1_full_find(struct vhd_image *image, struct vhd1_full *out,
		   struct vhd_diag *diag)
{
	struct search s = {.image = image, .full = out, .diag = diag};
	int rc = VHD_E_NOMEM;

	*out = (struct vhd1_full){0};
	/* what is behind is zeros, which change no sum */
	out->bytes = vhd_min(
		image->meta.vhd1.batmap.bytes,
		vhd_round_up(vhd_shift_up(image->map.blocks, 3), VHD1_SECTOR));
	out->map = calloc(1, (size_t)out->bytes + 1);
	s.stored = malloc((size_t)out->bytes + 1);
	s.bitmap = malloc(image->map.bitmap_bytes);
	if (out->map && s.stored && s.bitmap)
		rc = search(&s);
	else
		vhd_fail(diag, rc, NULL, VHD_NO_OFFSET, vhd_strerror(rc));
	free(s.bitmap);
	free(s.stored);
	if (rc) {
		free(out->map);
		out->map = NULL;
	}
	return rc;
}

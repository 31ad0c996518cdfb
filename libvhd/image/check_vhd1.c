/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What only a VHD has: sector bitmaps of a dynamic disk must be clear only over
 * zeros. Readers disagree on such sectors (QEMU shows what is stored, others
 * zeros), so a clear bit over data is damage even though it reads.
 */
#include <stdlib.h>

#include "check.h"
#include "core/checked.h"
#include "core/diag.h"

static const char bitmap_name[] = "VHD sector bitmap";

struct bitmaps {
	struct vhd_checking *c;
	uint8_t *buf; /* one piece of a block */
};

#define PIECE ((size_t)64 << 10)

static bool any_byte(const uint8_t *p, size_t len)
{
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= p[i];
	return any;
}

/* sectors the bitmap calls unwritten, [offset, offset + length) of the disk */
static int check_clear(struct bitmaps *b, const struct vhd_block *block,
		       uint64_t inside, uint64_t length)
{
	struct vhd_checking *c = b->c;

	while (length) {
		size_t n = (size_t)vhd_min(length, PIECE);
		int rc = vhd_file_read(c->image->view, block->data + inside,
				       b->buf, n);

		if (rc)
			return vhd_fail(c->diag, rc, "data",
					block->data + inside, "cannot be read");
		if (any_byte(b->buf, n)) {
			if (c->bitmap_faults++ < VHD_CHECK_REPEAT_MAX)
				vhd_check_report(
					c, "bitmap-hides-data", bitmap_name,
					block->bitmap, VHD_SEVERITY_ERROR,
					"a sector is marked as never written "
					"but holds data; it reads as zeros "
					"here, other programs show the data");
			return 0;
		}
		inside += n;
		length -= n;
	}
	return 0;
}

/* one allocated block: every run of clear bits must lie over zeros */
static int check_block(void *ctx, const struct vhd_table_entry *e)
{
	struct bitmaps *b = ctx;
	struct vhd_image *image = b->c->image;
	uint64_t start = e->index << image->map.block_shift;
	uint64_t need = vhd_map_block_need(&image->map, e->index);
	struct vhd_extent x;
	int rc = 0;

	if (e->error || e->block.state != VHD_BLOCK_PARTIAL)
		return 0;
	for (uint64_t at = 0; at < need && !rc; at += x.length) {
		rc = vhd_image_extent(image, start + at, need - at, &x,
				      b->c->diag);
		if (!rc && x.kind == VHD_EXTENT_ZERO)
			rc = check_clear(b, &e->block, at, x.length);
	}
	return rc;
}

int vhd1_check(struct vhd_checking *c)
{
	struct bitmaps b = {.c = c};
	int rc;

	if (c->image->type != VHD_TYPE_DYNAMIC)
		return 0;
	b.buf = malloc(PIECE);
	if (!b.buf)
		return VHD_E_NOMEM;
	rc = vhd_table_walk(c->image, check_block, &b, c->diag);
	free(b.buf);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Readers disagree on such sectors: QEMU shows what is stored, those who honour
 * the bitmap zeros. Holes of the host file hold nothing and are not read.
 */
#include "vhd1_hidden.h"

#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "core/diag.h"
#include "table.h"

#define PIECE ((size_t)64 << 10)

struct search {
	struct vhd_image *image;
	int (*found)(void *ctx, const struct vhd1_hidden *run);
	void *ctx;
	struct vhd_diag *diag;
	uint8_t *buf;
};

/* 1 if a byte of [at, end) of the file is not zero */
static int any_byte(struct search *s, uint64_t at, uint64_t end)
{
	uint64_t from, to;

	while (at < end) {
		size_t n;
		int rc = vhd_file_next_data(s->image->view, at, &from, &to);

		if (rc)
			return rc;
		if (from >= end || to <= from)
			return 0;
		n = (size_t)vhd_min(vhd_min(to, end) - from, PIECE);
		rc = vhd_file_read(s->image->view, from, s->buf, n);
		if (rc)
			return rc;
		if (s->buf[0] || memcmp(s->buf, s->buf + 1, n - 1) != 0)
			return 1;
		at = from + n;
	}
	return 0;
}

static int look_at(struct search *s, const struct vhd1_hidden *run)
{
	int rc = any_byte(s, run->offset, run->offset + run->length);

	if (rc < 0)
		return vhd_fail(s->diag, rc, "data", run->offset,
				"cannot be read");
	return rc ? s->found(s->ctx, run) : 0;
}

/* one allocated block: every run of clear bits must lie over zeros */
static int search_block(void *ctx, const struct vhd_table_entry *e)
{
	struct search *s = ctx;
	const struct vhd_map *map = &s->image->map;
	uint64_t start = e->index << map->block_shift, need;
	struct vhd_extent x;
	int rc = 0;

	if (e->error || e->block.state != VHD_BLOCK_PARTIAL)
		return 0;
	need = vhd_map_block_need(map, e->index);
	for (uint64_t at = 0; at < need && !rc; at += x.length) {
		struct vhd1_hidden run;

		rc = vhd_image_extent(s->image, start + at, need - at, &x,
				      s->diag);
		if (rc || x.kind != VHD_EXTENT_ZERO)
			continue;
		run = (struct vhd1_hidden){
			.start = start + at,
			.length = x.length,
			.offset = e->block.data + at,
			.bitmap = e->block.bitmap,
		};
		rc = look_at(s, &run);
	}
	return rc;
}

int vhd1_hidden_find(struct vhd_image *image,
		     int (*found)(void *ctx, const struct vhd1_hidden *run),
		     void *ctx, struct vhd_diag *diag)
{
	struct search s = {image, found, ctx, diag, NULL};
	int rc;

	if (image->type != VHD_TYPE_DYNAMIC)
		return 0;
	s.buf = malloc(PIECE);
	if (!s.buf)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_NOMEM));
	rc = vhd_table_walk(image, search_block, &s, diag);
	free(s.buf);
	return rc;
}

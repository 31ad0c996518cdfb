/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both disks are walked side by side; only where at least one of them stores
 * data is anything read.
 */
#include <stdlib.h>
#include <string.h>

#include <libvhd/ops.h>

#include "buffer.h"
#include "core/checked.h"
#include "core/diag.h"
#include "cursor.h"
#include "job.h"

#define PIECE ((size_t)1 << 20)

struct side {
	struct vhd_disk *disk;
	struct vhd_cursor cursor;
	struct vhd_piece piece; /* what is left of it */
	uint8_t *buf;
};

struct comparing {
	struct side sides[2];
	struct vhd_compare_result *out;
	struct vhd_diag *diag;
};

/* a piece at `at`; past the end of the disk everything is zero */
static int refill(struct side *s, uint64_t at, struct vhd_diag *diag)
{
	if (s->piece.length)
		return 0;
	if (at >= vhd_disk_size(s->disk)) {
		s->piece = (struct vhd_piece){
			.start = at, .length = UINT64_MAX - at, .zero = true};
		return 0;
	}
	return vhd_cursor_next(&s->cursor, PIECE, &s->piece, diag);
}

static void consume(struct side *s, uint64_t n)
{
	s->piece.start += n;
	s->piece.length -= n;
}

static int load(struct side *s, uint64_t at, size_t n, struct vhd_diag *diag)
{
	if (s->piece.zero) {
		memset(s->buf, 0, n);
		return 0;
	}
	return vhd_disk_read(s->disk, at, s->buf, n, diag);
}

static size_t first_difference(const uint8_t *a, const uint8_t *b, size_t n)
{
	size_t i = 0;

	while (i < n && a[i] == b[i])
		i++;
	return i;
}

/* compares `n` bytes at `at` that are not zeros on both sides */
static int compare_bytes(struct comparing *c, uint64_t at, size_t n)
{
	int rc = load(&c->sides[0], at, n, c->diag);

	if (!rc)
		rc = load(&c->sides[1], at, n, c->diag);
	if (rc || !memcmp(c->sides[0].buf, c->sides[1].buf, n))
		return rc;
	c->out->equal = 0;
	c->out->first_difference =
		at + first_difference(c->sides[0].buf, c->sides[1].buf, n);
	return 0;
}

static int walk(struct comparing *c, uint64_t end, struct vhd_job *job)
{
	struct side *a = &c->sides[0], *b = &c->sides[1];
	int rc = 0;

	for (uint64_t at = 0; at < end && c->out->equal && !rc;) {
		uint64_t n;

		if (vhd_job_canceled(job))
			return vhd_fail(c->diag, VHD_E_CANCELED, NULL,
					VHD_NO_OFFSET, "canceled");
		rc = refill(a, at, c->diag);
		if (!rc)
			rc = refill(b, at, c->diag);
		if (rc)
			break;
		n = vhd_min(vhd_min(a->piece.length, b->piece.length),
			    end - at);
		if (!(a->piece.zero && b->piece.zero)) {
			n = vhd_min(n, PIECE);
			rc = compare_bytes(c, at, (size_t)n);
		}
		consume(a, n);
		consume(b, n);
		at += n;
		vhd_job_add(job, n);
	}
	return rc;
}

int vhd_compare(struct vhd_disk *a, struct vhd_disk *b,
		struct vhd_compare_result *out, struct vhd_job *job,
		struct vhd_diag *diag)
{
	struct vhd_compare_result result = {1, 0};
	struct comparing c = {
		.sides = {{.disk = a}, {.disk = b}},
		.out = &result,
		.diag = diag,
	};
	uint64_t end = vhd_max(vhd_disk_size(a), vhd_disk_size(b));
	int rc = VHD_E_NOMEM;

	for (int i = 0; i < 2; i++) {
		struct side *s = &c.sides[i];

		vhd_cursor_start(&s->cursor, s->disk, 0,
				 vhd_disk_size(s->disk));
		s->buf = vhd_buffer_new(PIECE);
	}
	vhd_job_start(job, end);
	if (c.sides[0].buf && c.sides[1].buf)
		rc = walk(&c, end, job);
	else
		vhd_fail(diag, rc, NULL, VHD_NO_OFFSET, vhd_strerror(rc));
	free(c.sides[0].buf);
	free(c.sides[1].buf);
	if (!rc)
		*out = result;
	return rc;
}

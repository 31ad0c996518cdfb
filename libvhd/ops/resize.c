/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy of resizing: what must not be cut off. The work itself is
 * vhd_disk_resize().
 */
#include <stdlib.h>
#include <string.h>

#include <libvhd/ops.h>

#include "core/checked.h"
#include "core/diag.h"
#include "cursor.h"
#include "job.h"
#include "zero.h"

#define PIECE ((uint64_t)1 << 20)

/* -- where the content ends --------------------------------------------------
 */

struct finding {
	struct vhd_disk *disk;
	struct vhd_job *job;
	struct vhd_diag *diag;
	uint8_t *buf;
	uint64_t end; /* behind the last byte found; 0: none yet */
};

static int scan(struct finding *f, uint64_t from, size_t length)
{
	int rc = vhd_disk_read(f->disk, from, f->buf, length, f->diag);

	if (rc || vhd_is_zero(f->buf, length))
		return rc;
	while (!f->buf[length - 1])
		length--;
	f->end = from + length;
	return 0;
}

static int all_holes(struct finding *f, uint64_t from, uint64_t to, bool *holes)
{
	struct vhd_cursor cursor;
	struct vhd_piece p;
	int rc;

	vhd_cursor_start(&cursor, f->disk, from, to);
	rc = vhd_cursor_next(&cursor, PIECE, &p, f->diag);
	*holes = !rc && p.zero && p.length == to - from;
	return rc;
}

/* the upper half first: what is found ends the search */
static int find_last(struct finding *f, uint64_t from, uint64_t to)
{
	uint64_t middle;
	bool holes;
	int rc;

	if (vhd_job_canceled(f->job))
		return vhd_fail(f->diag, VHD_E_CANCELED, NULL, VHD_NO_OFFSET,
				"canceled");
	rc = all_holes(f, from, to, &holes);
	if (!rc && (holes || to - from <= PIECE)) {
		if (!holes)
			rc = scan(f, from, (size_t)(to - from));
		vhd_job_add(f->job, to - from);
		return rc;
	}
	middle = from + vhd_round_up((to - from) / 2, PIECE);
	if (!rc)
		rc = find_last(f, middle, to);
	if (!rc && !f->end)
		rc = find_last(f, from, middle);
	return rc;
}

int vhd_used_end(struct vhd_disk *disk, uint64_t from, uint64_t to,
		 uint64_t *end, struct vhd_job *job, struct vhd_diag *diag)
{
	struct finding f = {.disk = disk, .job = job, .diag = diag};
	int rc = 0;

	if (from > to || to > vhd_disk_size(disk))
		return vhd_fail(diag, VHD_E_RANGE, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_RANGE));
	f.buf = malloc(PIECE);
	if (!f.buf)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_NOMEM));
	vhd_job_start(job, to - from);
	if (from < to)
		rc = find_last(&f, from, to);
	free(f.buf);
	if (!rc)
		*end = vhd_max(f.end, from);
	return rc;
}

/* -- resizing ----------------------------------------------------------------
 */

static int refuse_loss(struct vhd_disk *disk, uint64_t size,
		       struct vhd_job *job, struct vhd_diag *diag)
{
	uint64_t end = 0;
	int rc = vhd_used_end(disk, size, vhd_disk_size(disk), &end, job, diag);

	if (rc || end == size)
		return rc;
	return vhd_fail_value(diag, VHD_E_DATA, NULL, VHD_NO_OFFSET,
			      "the disk holds data up to byte %, which would "
			      "be cut off",
			      end);
}

int vhd_resize(struct vhd_disk *disk, uint64_t size,
	       const struct vhd_resize_options *options, struct vhd_job *job,
	       struct vhd_diag *diag)
{
	struct vhd_resize_options o = {0};
	int rc = 0;

	if (options)
		memcpy(&o, options, vhd_min(options->size, sizeof(o)));
	if (size < vhd_disk_size(disk) && !(o.flags & VHD_RESIZE_FORCE))
		rc = refuse_loss(disk, size, job, diag);
	if (!rc && vhd_job_canceled(job))
		rc = vhd_fail(diag, VHD_E_CANCELED, NULL, VHD_NO_OFFSET,
			      "canceled");
	return rc ? rc : vhd_disk_resize(disk, size, diag);
}

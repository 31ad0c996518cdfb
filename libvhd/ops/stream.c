/* SPDX-License-Identifier: BSD-2-Clause */
#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "core/checked.h"
#include "core/diag.h"
#include "cursor.h"
#include "file/file.h"
#include "gzip.h"
#include "job.h"

#define PIECE ((size_t)2 << 20)

struct streaming {
	struct vhd_disk *disk;
	struct vhd_output *output;
	struct vhd_gzip *gzip;     /* writing compressed, or NULL */
	struct vhd_gunzip *gunzip; /* reading it back, or NULL */
	uint8_t *buf;
	uint8_t *back;
	struct vhd_job *job;
	struct vhd_diag *diag;
};

static int fail(struct vhd_diag *diag, int error, const char *text)
{
	return vhd_fail(diag, error, NULL, VHD_NO_OFFSET, text);
}

static int sink(void *ctx, const void *buf, size_t len)
{
	return vhd_output_write(ctx, buf, len);
}

static int put(struct streaming *s, const void *buf, size_t len)
{
	int rc = s->gzip ? vhd_gzip_write(s->gzip, buf, len)
			 : vhd_output_write(s->output, buf, len);

	vhd_job_add(s->job, len);
	if (!rc)
		return 0;
	return vhd_output_fail(
		s->diag, rc,
		s->output->path ? s->output->path : "standard output",
		rc == VHD_E_NOSPACE ? vhd_strerror(rc) : "cannot be written");
}

static int put_piece(struct streaming *s, const struct vhd_piece *p)
{
	uint64_t left = p->length, at = p->start;
	int rc = 0;

	if (p->zero)
		memset(s->buf, 0, vhd_min(left, PIECE));
	while (left && !rc) {
		size_t n = (size_t)vhd_min(left, PIECE);

		if (vhd_job_canceled(s->job))
			return fail(s->diag, VHD_E_CANCELED, "canceled");
		if (!p->zero)
			rc = vhd_disk_read(s->disk, at, s->buf, n, s->diag);
		if (!rc)
			rc = put(s, s->buf, n);
		at += n;
		left -= n;
	}
	return rc;
}

static int put_all(struct streaming *s)
{
	struct vhd_cursor cursor;
	struct vhd_piece p;
	int rc;

	vhd_cursor_start(&cursor, s->disk, 0, vhd_disk_size(s->disk));
	do {
		rc = vhd_cursor_next(&cursor, PIECE, &p, s->diag);
		if (!rc && p.length)
			rc = put_piece(s, &p);
	} while (!rc && p.length);
	if (!rc && s->gzip && vhd_gzip_finish(s->gzip))
		rc = fail(s->diag, VHD_E_IO, "cannot be written");
	return rc;
}

int vhd_stream(struct vhd_disk *disk, struct vhd_output *output, bool gzip,
	       struct vhd_job *job, struct vhd_diag *diag)
{
	struct streaming s = {
		.disk = disk,
		.output = output,
		.job = job,
		.diag = diag,
	};
	int rc = 0;

	s.buf = vhd_buffer_new(PIECE);
	if (!s.buf)
		rc = VHD_E_NOMEM;
	if (!rc && gzip)
		rc = vhd_gzip_new(sink, output, &s.gzip);
	vhd_job_start(job, vhd_disk_size(disk));
	if (rc)
		fail(diag, rc, vhd_strerror(rc));
	else
		rc = put_all(&s);
	vhd_gzip_free(s.gzip);
	free(s.buf);
	return rc;
}

/* the next bytes of what was written, uncompressed */
static int read_back(struct streaming *s, uint64_t at, size_t len)
{
	size_t got = 0;
	int rc;

	if (s->gunzip) {
		rc = vhd_gunzip_read(s->gunzip, s->back, len, &got);
		return rc || got != len ? VHD_E_MISMATCH : 0;
	}
	while (got < len) {
		ssize_t n = pread(s->output->fd, s->back + got, len - got,
				  (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? vhd_error_of_errno(errno) : VHD_E_MISMATCH;
		got += (size_t)n;
	}
	return 0;
}

static int verify_piece(struct streaming *s, uint64_t at, size_t n)
{
	int rc;

	if (vhd_job_canceled(s->job))
		return fail(s->diag, VHD_E_CANCELED, "canceled");
	rc = vhd_disk_read(s->disk, at, s->buf, n, s->diag);
	if (rc)
		return rc;
	rc = read_back(s, at, n);
	if (!rc && memcmp(s->buf, s->back, n) != 0)
		rc = VHD_E_MISMATCH;
	vhd_job_add(s->job, n);
	return rc ? vhd_fail(s->diag, rc, "output", at,
			     "what was written does not read back")
		  : 0;
}

int vhd_stream_verify(struct vhd_disk *disk, struct vhd_output *output,
		      bool gzip, struct vhd_job *job, struct vhd_diag *diag)
{
	struct streaming s = {
		.disk = disk,
		.output = output,
		.job = job,
		.diag = diag,
	};
	uint64_t size = vhd_disk_size(disk);
	int rc = 0;

	s.buf = vhd_buffer_new(PIECE);
	s.back = vhd_buffer_new(PIECE);
	if (!s.buf || !s.back)
		rc = VHD_E_NOMEM;
	if (!rc && gzip)
		rc = vhd_gunzip_new(output->fd, &s.gunzip);
	if (rc)
		fail(diag, rc, vhd_strerror(rc));
	vhd_job_start(job, size);
	for (uint64_t at = 0; at < size && !rc;) {
		size_t n = (size_t)vhd_min(PIECE, size - at);

		rc = verify_piece(&s, at, n);
		at += n;
	}
	vhd_gunzip_free(s.gunzip);
	free(s.back);
	free(s.buf);
	return rc;
}

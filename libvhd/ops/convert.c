/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Converting a disk to raw.
 *
 * To a file: workers take pieces from one shared cursor (under a mutex; it
 * only maps) and copy them independently, so several requests are in flight.
 * Pieces of zeros are skipped, the file is a hole there already. Stored data is
 * shared by reflink where both files allow it, else read, searched for zeros,
 * and written; the kernel is asked to start writing at once so that the final
 * flush has little left to do.
 *
 * To a stream: one loop, in order, zeros included.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/fs.h>

#include <libvhd/ops.h>

#include "core/checked.h"
#include "core/diag.h"
#include "cursor.h"
#include "file/file.h"
#include "gzip.h"
#include "job.h"
#include "output.h"
#include "zero.h"

#define PIECE ((size_t)2 << 20)
/* zeros shorter than this are written, not left as a hole */
#define HOLE ((size_t)64 << 10)
#define WORKERS_MAX 64u
/* reflinks need whole blocks of the host file system; 4 KiB nearly always */
#define REFLINK_ALIGN 4096u

/* whether these two files can share blocks; found by the first try */
enum reflinks { REFLINKS_UNKNOWN, REFLINKS_WORK, REFLINKS_REFUSED };

struct converting {
	struct vhd_disk *disk;
	const struct vhd_convert_options *options;
	struct vhd_output output;
	struct vhd_job *job;
	struct vhd_diag *diag;
	/* shared by the workers */
	pthread_mutex_t mutex;
	struct vhd_cursor cursor;
	int error; /* the first one; its diag is in *diag */
	_Atomic int reflinks; /* enum reflinks */
};

static int fail(struct vhd_diag *diag, int error, const char *text)
{
	return vhd_fail(diag, error, NULL, VHD_NO_OFFSET, text);
}

static int fail_write(struct vhd_diag *diag, int error, const char *path)
{
	return vhd_output_fail(diag, error, path,
			       error == VHD_E_NOSPACE ? vhd_strerror(error)
						      : "cannot be written");
}

/* -- stored data into a file ---------------------------------------------- */

/* writes what is not zero of `len` bytes at `at` */
static int write_sparse(struct vhd_output *out, uint64_t at, const uint8_t *buf,
			size_t len)
{
	int rc = 0;

	for (size_t from = 0; from < len && !rc;) {
		size_t to = from;

		while (from < len &&
		       vhd_is_zero(buf + from, vhd_min(HOLE, len - from)))
			from += vhd_min(HOLE, len - from);
		for (to = from;
		     to < len && !vhd_is_zero(buf + to, vhd_min(HOLE,
								len - to));)
			to += vhd_min(HOLE, len - to);
		rc = vhd_output_write_at(out, at + from, buf + from, to - from);
		from = to;
	}
	return rc;
}

/* a device keeps its old content where nothing is written */
static int write_piece(struct vhd_output *out, uint64_t at, const uint8_t *buf,
		       size_t len)
{
	if (out->kind == VHD_OUTPUT_DEVICE)
		return vhd_output_write_at(out, at, buf, len);
	return write_sparse(out, at, buf, len);
}

static int zero_device(struct vhd_output *out, uint64_t at, uint64_t length)
{
	static const uint8_t zeros[65536];
	uint64_t range[2] = {at, length};
	int rc = 0;

	if (!ioctl(out->fd, BLKZEROOUT, range))
		return 0;
	while (length && !rc) {
		size_t n = (size_t)vhd_min(length, sizeof(zeros));

		rc = vhd_output_write_at(out, at, zeros, n);
		at += n;
		length -= n;
	}
	return rc;
}

static bool is_shareable(const struct vhd_piece *p)
{
	return vhd_is_aligned(p->start, REFLINK_ALIGN) &&
	       vhd_is_aligned(p->offset, REFLINK_ALIGN) &&
	       vhd_is_aligned(p->length, REFLINK_ALIGN);
}

/* true if the piece now shares its blocks with the image */
static bool reflink(struct converting *c, const struct vhd_piece *p)
{
	struct file_clone_range range = {
		.src_offset = p->offset,
		.src_length = p->length,
		.dest_offset = p->start,
	};
	int fd = vhd_image_data_fd(vhd_disk_image(c->disk, p->layer), p->offset,
				   p->length);

	if (fd < 0 || !is_shareable(p) ||
	    atomic_load(&c->reflinks) == REFLINKS_REFUSED)
		return false;
	range.src_fd = fd;
	if (!ioctl(c->output.fd, FICLONERANGE, &range)) {
		atomic_store(&c->reflinks, REFLINKS_WORK);
		return true;
	}
	if (errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY)
		atomic_store(&c->reflinks, REFLINKS_REFUSED);
	return false;
}

static int copy_piece(struct converting *c, const struct vhd_piece *p,
		      uint8_t *buf, struct vhd_diag *diag)
{
	int rc;

	if (p->zero && c->output.kind == VHD_OUTPUT_DEVICE) {
		rc = zero_device(&c->output, p->start, p->length);
		return rc ? fail_write(diag, rc, c->output.path) : 0;
	}
	if (p->zero || reflink(c, p))
		return 0;
	if (c->options->reflink == VHD_REFLINK_ALWAYS)
		return fail(diag, VHD_E_UNSUPPORTED,
			    "the host cannot share this data by reflink");
	rc = vhd_disk_read(c->disk, p->start, buf, (size_t)p->length, diag);
	if (rc)
		return rc;
	rc = write_piece(&c->output, p->start, buf, (size_t)p->length);
	if (rc)
		return fail_write(diag, rc, c->output.path);
	sync_file_range(c->output.fd, (off_t)p->start, (off_t)p->length,
			SYNC_FILE_RANGE_WRITE);
	return 0;
}

/* the next piece for a worker; length 0 when there is no more to do */
static void take_piece(struct converting *c, struct vhd_piece *p)
{
	struct vhd_diag diag = {0};
	/* with reflinks a piece costs the same however long it is */
	uint64_t most = atomic_load(&c->reflinks) == REFLINKS_WORK ? VHD_GIB
								   : PIECE;
	int rc = 0;

	pthread_mutex_lock(&c->mutex);
	*p = (struct vhd_piece){0};
	if (!c->error && vhd_job_canceled(c->job))
		rc = fail(&diag, VHD_E_CANCELED, "canceled");
	if (!c->error && !rc)
		rc = vhd_cursor_next(&c->cursor, most, p, &diag);
	if (rc) {
		*p = (struct vhd_piece){0};
		c->error = rc;
		if (c->diag)
			*c->diag = diag;
	}
	pthread_mutex_unlock(&c->mutex);
}

static void give_up(struct converting *c, int error,
		    const struct vhd_diag *diag)
{
	pthread_mutex_lock(&c->mutex);
	if (!c->error) {
		c->error = error;
		if (c->diag)
			*c->diag = *diag;
	}
	pthread_mutex_unlock(&c->mutex);
}

/* a piece may be long if reflinks work; should one fail, go on in buffers */
static int copy_all(struct converting *c, struct vhd_piece p, uint8_t *buf,
		    struct vhd_diag *diag)
{
	int rc = 0;

	if (!p.zero && p.length > PIECE && reflink(c, &p)) {
		vhd_job_add(c->job, p.length);
		return 0;
	}
	while (p.length && !rc) {
		struct vhd_piece part = p;

		if (!p.zero)
			part.length = vhd_min(p.length, PIECE);
		rc = copy_piece(c, &part, buf, diag);
		vhd_job_add(c->job, part.length);
		p.start += part.length;
		p.offset += part.length;
		p.length -= part.length;
	}
	return rc;
}

static void *work(void *ctx)
{
	struct converting *c = ctx;
	struct vhd_diag diag = {0};
	uint8_t *buf = malloc(PIECE);
	struct vhd_piece p;
	int rc = buf ? 0 : fail(&diag, VHD_E_NOMEM, "out of memory");

	while (!rc) {
		take_piece(c, &p);
		if (!p.length)
			break;
		rc = copy_all(c, p, buf, &diag);
	}
	if (rc)
		give_up(c, rc, &diag);
	free(buf);
	return NULL;
}

static unsigned worker_count(const struct vhd_convert_options *options)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = options->jobs;

	if (!n)
		n = cpus < 2 ? 2 : cpus > 4 ? 4 : (unsigned)cpus;
	return n > WORKERS_MAX ? WORKERS_MAX : n;
}

static int run_workers(struct converting *c)
{
	pthread_t threads[WORKERS_MAX];
	unsigned count = worker_count(c->options), started = 0;

	while (started + 1 < count &&
	       !pthread_create(&threads[started], NULL, work, c))
		started++;
	work(c); /* this thread is a worker too */
	while (started)
		pthread_join(threads[--started], NULL);
	return c->error;
}

static int size_output(struct converting *c)
{
	uint64_t size = vhd_disk_size(c->disk), room;

	if (c->output.kind == VHD_OUTPUT_FILE) {
		if (ftruncate(c->output.fd, (off_t)size))
			return fail_write(c->diag, vhd_error_of_errno(errno),
					  c->output.path);
		return 0;
	}
	if (ioctl(c->output.fd, BLKGETSIZE64, &room) || room < size)
		return fail_write(c->diag, VHD_E_NOSPACE, c->output.path);
	return 0;
}

static int convert_to_file(struct converting *c)
{
	int rc = size_output(c);

	if (rc)
		return rc;
	pthread_mutex_init(&c->mutex, NULL);
	if (c->options->reflink == VHD_REFLINK_NEVER ||
	    c->output.kind != VHD_OUTPUT_FILE)
		atomic_store(&c->reflinks, REFLINKS_REFUSED);
	rc = run_workers(c);
	pthread_mutex_destroy(&c->mutex);
	return rc;
}

/* -- streams --------------------------------------------------------------- */

static int plain_sink(void *ctx, const void *buf, size_t len)
{
	return vhd_output_write(ctx, buf, len);
}

struct sink {
	struct converting *c;
	struct vhd_gzip *gzip; /* or NULL */
};

static int put(struct sink *s, const void *buf, size_t len)
{
	int rc = s->gzip ? vhd_gzip_write(s->gzip, buf, len)
			 : vhd_output_write(&s->c->output, buf, len);

	vhd_job_add(s->c->job, len);
	if (!rc)
		return 0;
	return fail_write(s->c->diag, rc,
			  s->c->output.path ? s->c->output.path : "-");
}

static int put_piece(struct sink *s, const struct vhd_piece *p, uint8_t *buf)
{
	uint64_t left = p->length, at = p->start;
	int rc = 0;

	if (p->zero)
		memset(buf, 0, vhd_min(left, PIECE));
	while (left && !rc) {
		size_t n = (size_t)vhd_min(left, PIECE);

		if (vhd_job_canceled(s->c->job))
			return fail(s->c->diag, VHD_E_CANCELED, "canceled");
		if (!p->zero)
			rc = vhd_disk_read(s->c->disk, at, buf, n, s->c->diag);
		if (!rc)
			rc = put(s, buf, n);
		at += n;
		left -= n;
	}
	return rc;
}

static int stream_pieces(struct sink *s, uint8_t *buf)
{
	struct vhd_piece p;
	int rc;

	do {
		rc = vhd_cursor_next(&s->c->cursor, PIECE, &p, s->c->diag);
		if (!rc && p.length)
			rc = put_piece(s, &p, buf);
	} while (!rc && p.length);
	if (!rc && s->gzip) {
		rc = vhd_gzip_finish(s->gzip);
		if (rc)
			fail(s->c->diag, rc, "cannot be written");
	}
	return rc;
}

static int convert_to_stream(struct converting *c)
{
	struct sink s = {.c = c};
	uint8_t *buf = malloc(PIECE);
	int rc = buf ? 0 : VHD_E_NOMEM;

	if (!rc && (c->options->flags & VHD_CONVERT_GZIP))
		rc = vhd_gzip_new(plain_sink, &c->output, &s.gzip);
	if (rc)
		fail(c->diag, rc, vhd_strerror(rc));
	else
		rc = stream_pieces(&s, buf);
	vhd_gzip_free(s.gzip);
	free(buf);
	return rc;
}

/* -- verifying ------------------------------------------------------------- */

/* the next bytes of what was written, uncompressed */
static int read_back(struct converting *c, struct vhd_gunzip *gz, uint64_t at,
		     uint8_t *buf, size_t len)
{
	size_t got = 0;
	int rc = 0;

	if (gz) {
		rc = vhd_gunzip_read(gz, buf, len, &got);
		return rc || got != len ? VHD_E_MISMATCH : 0;
	}
	while (got < len) {
		ssize_t n = pread(c->output.fd, buf + got, len - got,
				  (off_t)(at + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? vhd_error_of_errno(errno) : VHD_E_MISMATCH;
		got += (size_t)n;
	}
	return 0;
}

static int verify_piece(struct converting *c, struct vhd_gunzip *gz,
			uint64_t at, uint8_t *ours, uint8_t *theirs, size_t n)
{
	int rc = vhd_disk_read(c->disk, at, ours, n, c->diag);

	if (rc)
		return rc;
	rc = read_back(c, gz, at, theirs, n);
	if (rc || memcmp(ours, theirs, n) != 0)
		return vhd_fail(c->diag, rc ? rc : VHD_E_MISMATCH, "output", at,
				"what was written does not read back");
	return 0;
}

static int verify(struct converting *c)
{
	uint64_t size = vhd_disk_size(c->disk);
	struct vhd_gunzip *gz = NULL;
	uint8_t *ours = malloc(PIECE), *theirs = malloc(PIECE);
	int rc = ours && theirs ? 0 : VHD_E_NOMEM;

	if (!rc && (c->options->flags & VHD_CONVERT_GZIP))
		rc = vhd_gunzip_new(c->output.fd, &gz);
	if (rc)
		fail(c->diag, rc, vhd_strerror(rc));
	vhd_job_start(c->job, size);
	for (uint64_t at = 0; at < size && !rc;) {
		size_t n = (size_t)vhd_min(PIECE, size - at);

		if (vhd_job_canceled(c->job))
			rc = fail(c->diag, VHD_E_CANCELED, "canceled");
		else
			rc = verify_piece(c, gz, at, ours, theirs, n);
		vhd_job_add(c->job, n);
		at += n;
	}
	vhd_gunzip_free(gz);
	free(ours);
	free(theirs);
	return rc;
}

/* -- the whole -------------------------------------------------------------- */

static int check_options(const struct vhd_convert_options *options,
			 const char *path, struct vhd_diag *diag)
{
	bool stream = !strcmp(path, "-");

	if (options->format && options->format != VHD_FORMAT_RAW)
		return fail(diag, VHD_E_INVALID, "raw is the output format");
	if (stream && (options->flags & VHD_CONVERT_VERIFY))
		return fail(diag, VHD_E_INVALID,
			    "a stream cannot be read back to verify it");
	if (options->reflink == VHD_REFLINK_ALWAYS &&
	    (stream || (options->flags & VHD_CONVERT_GZIP)))
		return fail(diag, VHD_E_INVALID,
			    "a stream cannot share data by reflink");
	return 0;
}

static int convert_steps(struct converting *c)
{
	uint64_t size = vhd_disk_size(c->disk);
	int rc;

	vhd_job_start(c->job, size);
	vhd_cursor_start(&c->cursor, c->disk, 0, size);
	if (c->output.kind == VHD_OUTPUT_STREAM ||
	    (c->options->flags & VHD_CONVERT_GZIP))
		rc = convert_to_stream(c);
	else
		rc = convert_to_file(c);
	if (!rc && (c->options->flags & VHD_CONVERT_VERIFY))
		rc = verify(c);
	return rc;
}

int vhd_convert(struct vhd_disk *disk, const char *path,
		const struct vhd_convert_options *options, struct vhd_job *job,
		struct vhd_diag *diag)
{
	struct vhd_convert_options known = {0};
	struct converting c = {
		.disk = disk,
		.options = &known,
		.job = job,
		.diag = diag,
	};
	int rc;

	memcpy(&known, options, vhd_min(options->size, sizeof(known)));
	rc = check_options(&known, path, diag);
	if (!rc) {
		rc = vhd_output_open(path, known.flags & VHD_CONVERT_FORCE,
				     &c.output, diag);
		if (rc)
			return rc;
		rc = convert_steps(&c);
		if (rc)
			vhd_output_abort(&c.output);
		else
			rc = vhd_output_commit(&c.output, diag);
	}
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order that makes it a backup: old bytes are appended, made durable, and
 * only then does the change reach the file. So the undo file always covers at
 * least what was changed, and a record that a crash tore belongs to a change
 * that was not made.
 *
 * No byte is saved twice: the first record of a byte is the old one, and
 * restoring needs no order. Bytes behind the old end are not saved; restoring
 * cuts them off.
 *
 * To tell the file from others, and from itself after something else wrote to
 * it, the checksums of samples of its old content come first. Before anything
 * is restored they are held against what the file would be afterwards; so they
 * do not care how much of the change, or of an earlier restoring, was done.
 */
#include "undo.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/checked.h"
#include "core/crc32c.h"
#include "core/diag.h"
#include "file.h"
#include "ranges.h"

#define PIECE       ((size_t)1 << 20)
#define KIND_RAW    1u /* the bytes follow */
#define KIND_ZERO   2u /* all were zeros */
#define KIND_SAMPLE 3u /* their checksum follows; it may change or not */

#define SAMPLE       4096u
#define SAMPLES_EVEN 32u /* over the whole file */
#define SAMPLES_MAX  64u

struct start_disk {
	uint8_t signature[8]; /* "vhdundo1" */
	le64 size;            /* of the file, before */
	uint8_t reserved[12];
	le32 checksum; /* of the 28 bytes in front */
};

struct record_disk {
	uint8_t signature[4]; /* "undo" */
	le32 checksum;        /* of the rest of this and the bytes behind */
	le64 offset;
	le64 length;
	le32 kind;
	uint8_t reserved[4];
};

_Static_assert(sizeof(struct start_disk) == 32, "32 bytes");
_Static_assert(sizeof(struct record_disk) == 32, "32 bytes");

static const char structure[] = "undo file";

struct undo {
	struct vhd_file *inner;
	const struct vhd_undo_sink *sink;
	bool started;
	uint64_t old_size;
	struct vhd_ranges saved;
	uint8_t *buf; /* a record with PIECE bytes */
};

static uint32_t record_checksum(const uint8_t *record, size_t len)
{
	return vhd_crc32c(0, record + 8, len - 8);
}

/* bytes behind a record */
static uint64_t bytes_behind(uint32_t kind, uint64_t length)
{
	return kind == KIND_RAW      ? length
	       : kind == KIND_SAMPLE ? sizeof(le32)
				     : 0;
}

/* -- saving ------------------------------------------------------------------
 */

static int put_record(struct undo *u, uint64_t offset, uint64_t length,
		      uint32_t kind)
{
	struct record_disk *disk = (void *)u->buf;
	size_t bytes = (size_t)bytes_behind(kind, length);

	*disk = (struct record_disk){
		.offset = le64_of(offset),
		.length = le64_of(length),
		.kind = le32_of(kind),
	};
	memcpy(disk->signature, "undo", 4);
	disk->checksum =
		le32_of(record_checksum(u->buf, sizeof(*disk) + bytes));
	return u->sink->append(u->sink->ctx, u->buf, sizeof(*disk) + bytes);
}

/* One that cannot be read is left out: the change may not need it. */
static int put_sample(struct undo *u, uint64_t at)
{
	size_t n = (size_t)vhd_min(SAMPLE, u->old_size - at);
	uint8_t *bytes = u->buf + sizeof(struct record_disk);
	le32 checksum;

	if (vhd_file_read(u->inner, at, bytes, n))
		return 0;
	checksum = le32_of(vhd_crc32c(0, bytes, n));
	memcpy(bytes, &checksum, sizeof(checksum));
	return put_record(u, at, n, KIND_SAMPLE);
}

/* Where images have their identities, and all over the file. */
static int put_samples(struct undo *u)
{
	static const uint64_t places[] = {
		0,         64 << 10, 128 << 10, 192 << 10,
		256 << 10, 1 << 20,  2 << 20,   3 << 20,
	};
	uint64_t end = u->old_size;
	int rc = 0;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !rc; i++)
		if (places[i] < end)
			rc = put_sample(u, places[i]);
	for (uint64_t i = 1; i <= SAMPLES_EVEN && !rc && end > SAMPLE; i++)
		rc = put_sample(u, end / (SAMPLES_EVEN + 1) * i &
					   ~(uint64_t)(SAMPLE - 1));
	if (!rc && end > SAMPLE)
		rc = put_sample(u, end - SAMPLE);
	return rc;
}

static int start(struct undo *u)
{
	struct start_disk disk = {.size = le64_of(0)};
	int rc;

	if (u->started)
		return 0;
	rc = vhd_file_size(u->inner, &u->old_size);
	if (rc)
		return rc;
	memcpy(disk.signature, "vhdundo1", 8);
	disk.size = le64_of(u->old_size);
	disk.checksum = le32_of(
		vhd_crc32c(0, &disk, offsetof(struct start_disk, checksum)));
	rc = u->sink->append(u->sink->ctx, &disk, sizeof(disk));
	if (!rc)
		rc = put_samples(u);
	u->started = !rc;
	return rc;
}

static int put_bytes(struct undo *u, uint64_t at, uint64_t end)
{
	int rc = 0;

	while (at < end && !rc) {
		size_t n = (size_t)vhd_min(PIECE, end - at);

		rc = vhd_file_read(u->inner, at,
				   u->buf + sizeof(struct record_disk), n);
		if (!rc)
			rc = put_record(u, at, n, KIND_RAW);
		at += n;
	}
	return rc;
}

/* a range that was not saved yet: its stored bytes, and its holes as such */
static int put_range(struct undo *u, uint64_t at, uint64_t end)
{
	int rc = 0;

	while (at < end && !rc) {
		uint64_t from, to;

		rc = vhd_file_next_data(u->inner, at, &from, &to);
		if (rc)
			return rc;
		if (from >= end || to <= from)
			from = to = end;
		to = vhd_min(to, end);
		if (from > at)
			rc = put_record(u, at, from - at, KIND_ZERO);
		if (!rc)
			rc = put_bytes(u, from, to);
		at = to;
	}
	return rc;
}

/* what of a range was not saved yet */
static int put_missing(struct undo *u, uint64_t at, uint64_t end, bool *any)
{
	int rc = 0;

	for (size_t i = vhd_ranges_find(&u->saved, at); at < end && !rc; i++) {
		uint64_t until = end, next = end;

		if (i < u->saved.count && u->saved.items[i].start < end) {
			until = u->saved.items[i].start;
			next = u->saved.items[i].end;
		}
		if (until > at) {
			*any = true;
			rc = put_range(u, at, until);
		}
		at = vhd_max(at, next);
	}
	return rc;
}

/* before [offset, end) changes, or the size does */
static int save(struct undo *u, uint64_t offset, uint64_t end)
{
	bool any = !u->started;
	int rc = start(u);

	end = vhd_min(end, u->old_size);
	if (!rc)
		rc = vhd_ranges_reserve(&u->saved);
	if (!rc && offset < end)
		rc = put_missing(u, offset, end, &any);
	if (!rc && any)
		rc = u->sink->sync(u->sink->ctx);
	if (!rc && offset < end)
		rc = vhd_ranges_add(&u->saved, offset, end);
	return rc;
}

/* -- the file ----------------------------------------------------------------
 */

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	return vhd_file_read(((struct undo *)ctx)->inner, offset, buf, len);
}

static int get_size(void *ctx, uint64_t *size)
{
	return vhd_file_size(((struct undo *)ctx)->inner, size);
}

static int write_at(void *ctx, uint64_t offset, const void *buf, size_t len)
{
	struct undo *u = ctx;
	int rc = save(u, offset, offset + len);

	return rc ? rc : vhd_file_write(u->inner, offset, buf, len);
}

static int flush(void *ctx)
{
	return vhd_file_flush(((struct undo *)ctx)->inner);
}

static int resize(void *ctx, uint64_t size)
{
	struct undo *u = ctx;
	int rc = save(u, size, UINT64_MAX);

	return rc ? rc : vhd_file_resize(u->inner, size);
}

static int punch(void *ctx, uint64_t offset, uint64_t length)
{
	struct undo *u = ctx;
	int rc = save(u, offset, offset + length);

	return rc ? rc : vhd_file_punch(u->inner, offset, length);
}

static int next_data(void *ctx, uint64_t offset, uint64_t *start, uint64_t *end)
{
	return vhd_file_next_data(((struct undo *)ctx)->inner, offset, start,
				  end);
}

static int get_id(void *ctx, struct vhd_file_id *id)
{
	return vhd_file_id(((struct undo *)ctx)->inner, id);
}

static int set_lock(void *ctx, enum vhd_lock lock)
{
	return vhd_file_lock(((struct undo *)ctx)->inner, lock);
}

static int get_allocated(void *ctx, uint64_t *bytes)
{
	return vhd_file_allocated(((struct undo *)ctx)->inner, bytes);
}

static void close_undo(void *ctx)
{
	struct undo *u = ctx;

	vhd_ranges_free(&u->saved);
	free(u->buf);
	free(u);
}

static const struct vhd_file_ops ops = {
	.size = sizeof(struct vhd_file_ops),
	.read_at = read_at,
	.get_size = get_size,
	.close = close_undo,
	.write_at = write_at,
	.flush = flush,
	.resize = resize,
	.punch = punch,
	.next_data = next_data,
	.get_id = get_id,
	.set_lock = set_lock,
	.get_allocated = get_allocated,
};

int vhd_file_open_undo(struct vhd_file *inner, const struct vhd_undo_sink *sink,
		       struct vhd_file **out)
{
	struct undo *u = calloc(1, sizeof(*u));
	int rc = VHD_E_NOMEM;

	if (!u)
		return rc;
	u->inner = inner;
	u->sink = sink;
	u->buf = malloc(sizeof(struct record_disk) + PIECE);
	if (u->buf)
		rc = vhd_file_new(&ops, u, out);
	if (rc)
		close_undo(u);
	return rc;
}

/* -- restoring ---------------------------------------------------------------
 */

/* What a part of the file would hold when all is restored. */
struct sample {
	uint64_t offset;
	size_t length;
	uint32_t checksum; /* as it was */
	uint8_t bytes[SAMPLE];
};

struct restoring {
	struct vhd_file *undo;
	uint64_t undo_size;
	uint64_t old_size;
	struct vhd_file *target;
	uint64_t target_size;
	bool apply; /* false while all is only checked */
	struct sample *samples;
	size_t count;
	uint8_t *buf;
	struct vhd_diag *diag;
};

static int read_start(struct restoring *r)
{
	struct start_disk disk;
	int rc = vhd_file_size(r->undo, &r->undo_size);

	if (rc || r->undo_size < sizeof(disk))
		return vhd_fail(r->diag, rc ? rc : VHD_E_FORMAT, structure, 0,
				"too short to be one");
	rc = vhd_file_read(r->undo, 0, &disk, sizeof(disk));
	if (rc)
		return vhd_fail(r->diag, rc, structure, 0, "cannot be read");
	if (memcmp(disk.signature, "vhdundo1", 8) != 0)
		return vhd_fail(r->diag, VHD_E_FORMAT, structure, 0,
				"the signature 'vhdundo1' is missing");
	if (le32_get(disk.checksum) !=
	    vhd_crc32c(0, &disk, offsetof(struct start_disk, checksum)))
		return vhd_fail(r->diag, VHD_E_CORRUPT, structure, 0,
				"its checksum is wrong");
	r->old_size = le64_get(disk.size);
	return 0;
}

/*
 * Loads the record at `at`. *length is 0 where none is whole: the place where
 * writing stopped, which must be the last one.
 */
static int load_record(const struct restoring *r, uint64_t at, uint64_t *length)
{
	const struct record_disk *disk = (const void *)r->buf;
	uint64_t left = r->undo_size - at, bytes = 0;
	int rc;

	*length = 0;
	if (left < sizeof(*disk))
		return 0;
	rc = vhd_file_read(r->undo, at, r->buf, sizeof(*disk));
	if (rc)
		return vhd_fail(r->diag, rc, structure, at, "cannot be read");
	bytes = bytes_behind(le32_get(disk->kind), le64_get(disk->length));
	if (memcmp(disk->signature, "undo", 4) != 0 || bytes > PIECE ||
	    le32_get(disk->kind) < KIND_RAW ||
	    le32_get(disk->kind) > KIND_SAMPLE || bytes > left - sizeof(*disk))
		return 0;
	rc = vhd_file_read(r->undo, at + sizeof(*disk), r->buf + sizeof(*disk),
			   (size_t)bytes);
	if (rc)
		return vhd_fail(r->diag, rc, structure, at, "cannot be read");
	if (record_checksum(r->buf, sizeof(*disk) + (size_t)bytes) ==
		    le32_get(disk->checksum) &&
	    vhd_inside(le64_get(disk->offset), le64_get(disk->length),
		       r->old_size))
		*length = sizeof(*disk) + bytes;
	return 0;
}

/* a sample as the file has it; records lay over it what they restore */
static int load_sample(struct restoring *r)
{
	const struct record_disk *disk = (const void *)r->buf;
	struct sample *s = &r->samples[r->count];
	le32 checksum;
	int rc = 0;

	if (r->count == SAMPLES_MAX || le64_get(disk->length) > SAMPLE)
		return vhd_fail(r->diag, VHD_E_CORRUPT, structure,
				VHD_NO_OFFSET, "its samples make no sense");
	memset(s, 0, sizeof(*s));
	memcpy(&checksum, r->buf + sizeof(*disk), sizeof(checksum));
	s->offset = le64_get(disk->offset);
	s->length = (size_t)le64_get(disk->length);
	s->checksum = le32_get(checksum);
	r->count++;
	if (s->offset < r->target_size)
		rc = vhd_file_read(
			r->target, s->offset, s->bytes,
			(size_t)vhd_min(s->length, r->target_size - s->offset));
	return rc ? vhd_fail(r->diag, rc, NULL, s->offset, "cannot be read")
		  : 0;
}

/* what a record restores of a sample */
static void lay_over(const struct restoring *r, struct sample *s)
{
	const struct record_disk *disk = (const void *)r->buf;
	uint64_t offset = le64_get(disk->offset);
	uint64_t from = vhd_max(offset, s->offset);
	uint64_t to =
		vhd_min(offset + le64_get(disk->length), s->offset + s->length);

	if (from >= to)
		return;
	if (le32_get(disk->kind) == KIND_ZERO)
		memset(s->bytes + (from - s->offset), 0, (size_t)(to - from));
	else
		memcpy(s->bytes + (from - s->offset),
		       r->buf + sizeof(*disk) + (from - offset),
		       (size_t)(to - from));
}

static int compare_samples(const struct restoring *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct sample *s = &r->samples[i];

		if (vhd_crc32c(0, s->bytes, s->length) != s->checksum)
			return vhd_fail(r->diag, VHD_E_MISMATCH, NULL,
					VHD_NO_OFFSET,
					"is a backup of another image, or the "
					"image was written since");
	}
	return 0;
}

static int apply_record(struct restoring *r)
{
	const struct record_disk *disk = (const void *)r->buf;
	uint64_t offset = le64_get(disk->offset);
	uint64_t length = le64_get(disk->length);

	if (le32_get(disk->kind) == KIND_SAMPLE)
		return r->apply ? 0 : load_sample(r);
	if (!r->apply) {
		for (size_t i = 0; i < r->count; i++)
			lay_over(r, &r->samples[i]);
		return 0;
	}
	if (le32_get(disk->kind) == KIND_ZERO)
		return vhd_file_punch(r->target, offset, length);
	return vhd_file_write(r->target, offset, r->buf + sizeof(*disk),
			      (size_t)length);
}

/* is there a whole record anywhere behind `at`? Then `at` is damage */
static int check_end(const struct restoring *r, uint64_t at)
{
	uint64_t length = 0;
	int rc = 0;

	for (uint64_t p = at + 1; p < r->undo_size && !rc; p++) {
		uint8_t first;

		if (p - at > PIECE + sizeof(struct record_disk))
			return vhd_fail(r->diag, VHD_E_CORRUPT, structure, at,
					"a record is damaged");
		rc = vhd_file_read(r->undo, p, &first, 1);
		if (!rc && first == 'u')
			rc = load_record(r, p, &length);
		if (!rc && length)
			return vhd_fail(r->diag, VHD_E_CORRUPT, structure, at,
					"a record is damaged");
	}
	return rc;
}

static int walk(struct restoring *r)
{
	uint64_t at = sizeof(struct start_disk), length;
	int rc = 0;

	while (at < r->undo_size && !rc) {
		rc = load_record(r, at, &length);
		if (!rc && !length)
			return r->apply ? 0 : check_end(r, at);
		if (!rc)
			rc = apply_record(r);
		at += length;
	}
	return rc;
}

static int check_all(struct restoring *r)
{
	int rc = vhd_file_size(r->target, &r->target_size);

	if (!rc)
		rc = read_start(r);
	if (!rc)
		rc = walk(r);
	return rc ? rc : compare_samples(r);
}

static int restore(struct restoring *r)
{
	int rc = check_all(r);

	if (rc)
		return rc;
	r->apply = true;
	if (r->target_size < r->old_size)
		rc = vhd_file_resize(r->target, r->old_size);
	if (!rc)
		rc = walk(r);
	if (!rc)
		rc = vhd_file_flush(r->target);
	if (!rc && r->target_size > r->old_size)
		rc = vhd_file_resize(r->target, r->old_size);
	return rc ? rc : vhd_file_flush(r->target);
}

int vhd_undo_restore(struct vhd_file *undo, struct vhd_file *target,
		     struct vhd_diag *diag)
{
	struct restoring r = {.undo = undo, .target = target, .diag = diag};
	int rc;

	r.buf = malloc(sizeof(struct record_disk) + PIECE);
	r.samples = malloc(SAMPLES_MAX * sizeof(*r.samples));
	if (r.buf && r.samples)
		rc = restore(&r);
	else
		rc = vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
			      vhd_strerror(VHD_E_NOMEM));
	free(r.samples);
	free(r.buf);
	return rc;
}

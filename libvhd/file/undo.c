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

#define PIECE     ((size_t)1 << 20)
#define KIND_RAW  1u /* the bytes follow */
#define KIND_ZERO 2u /* all were zeros */

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

/* -- saving ------------------------------------------------------------------
 */

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
	u->started = !rc;
	return rc;
}

static int put_record(struct undo *u, uint64_t offset, uint64_t length,
		      uint32_t kind)
{
	struct record_disk *disk = (void *)u->buf;
	size_t bytes = kind == KIND_RAW ? (size_t)length : 0;

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

struct restoring {
	struct vhd_file *undo;
	uint64_t undo_size;
	uint64_t old_size;
	struct vhd_file *target; /* NULL while all is only checked */
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
	if (le32_get(disk->kind) == KIND_RAW)
		bytes = le64_get(disk->length);
	if (memcmp(disk->signature, "undo", 4) != 0 || bytes > PIECE ||
	    bytes > left - sizeof(*disk))
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

static int apply_record(const struct restoring *r)
{
	const struct record_disk *disk = (const void *)r->buf;
	uint64_t offset = le64_get(disk->offset);
	uint64_t length = le64_get(disk->length);

	if (!r->target)
		return 0;
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

static int walk(const struct restoring *r)
{
	uint64_t at = sizeof(struct start_disk), length;
	int rc = 0;

	while (at < r->undo_size && !rc) {
		rc = load_record(r, at, &length);
		if (!rc && !length)
			return r->target ? 0 : check_end(r, at);
		if (!rc)
			rc = apply_record(r);
		at += length;
	}
	return rc;
}

static int restore(struct restoring *r, struct vhd_file *target)
{
	uint64_t size;
	int rc = read_start(r);

	if (!rc)
		rc = walk(r);
	if (rc)
		return rc;
	r->target = target;
	rc = vhd_file_size(target, &size);
	if (!rc && size < r->old_size)
		rc = vhd_file_resize(target, r->old_size);
	if (!rc)
		rc = walk(r);
	if (!rc)
		rc = vhd_file_flush(target);
	if (!rc && size > r->old_size)
		rc = vhd_file_resize(target, r->old_size);
	return rc ? rc : vhd_file_flush(target);
}

int vhd_undo_restore(struct vhd_file *undo, struct vhd_file *target,
		     struct vhd_diag *diag)
{
	struct restoring r = {.undo = undo, .diag = diag};
	int rc;

	r.buf = malloc(sizeof(struct record_disk) + PIECE);
	if (!r.buf)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_NOMEM));
	rc = restore(&r, target);
	free(r.buf);
	return rc;
}

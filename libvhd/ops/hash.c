/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests of a whole disk, any number in one pass. */
#include <stdlib.h>
#include <string.h>

#include <libvhd/ops.h>

#include "buffer.h"
#include "core/checked.h"
#include "core/diag.h"
#include "cursor.h"
#include "hasher.h"
#include "job.h"

#define PIECE ((size_t)1 << 20)

struct hashing {
	struct vhd_hasher **hashers;
	size_t count;
	uint8_t *buf;
	struct vhd_job *job;
	struct vhd_diag *diag;
};

static int fail(struct vhd_diag *diag, int error, const char *text)
{
	return vhd_fail(diag, error, NULL, VHD_NO_OFFSET, text);
}

static int start(struct hashing *h, const struct vhd_digest *digests,
		 size_t count)
{
	int rc = 0;

	h->hashers = calloc(count ? count : 1, sizeof(struct vhd_hasher *));
	h->buf = vhd_buffer_new(PIECE);
	if (!h->hashers || !h->buf)
		return fail(h->diag, VHD_E_NOMEM, vhd_strerror(VHD_E_NOMEM));
	while (h->count < count && !rc) {
		rc = vhd_hasher_new(digests[h->count].algorithm,
				    &h->hashers[h->count], h->diag);
		h->count += !rc;
	}
	return rc;
}

static void stop(struct hashing *h)
{
	for (size_t i = 0; i < h->count; i++)
		vhd_hasher_free(h->hashers[i]);
	free(h->hashers);
	free(h->buf);
}

static int update(struct hashing *h, const void *buf, size_t len)
{
	if (vhd_job_canceled(h->job))
		return fail(h->diag, VHD_E_CANCELED, "canceled");
	for (size_t i = 0; i < h->count; i++)
		if (vhd_hasher_update(h->hashers[i], buf, len))
			return fail(h->diag, VHD_E_NOMEM, "hashing failed");
	vhd_job_add(h->job, len);
	return 0;
}

static int update_zeros(struct hashing *h, uint64_t len)
{
	int rc = 0;

	memset(h->buf, 0, PIECE);
	while (len && !rc) {
		size_t n = (size_t)vhd_min(len, PIECE);

		rc = update(h, h->buf, n);
		len -= n;
	}
	return rc;
}

static int finish(struct hashing *h, struct vhd_digest *digests)
{
	static const char hex[] = "0123456789abcdef";

	for (size_t i = 0; i < h->count; i++) {
		uint8_t bytes[VHD_HASH_BYTES_MAX];
		unsigned n = 0;

		if (vhd_hasher_finish(h->hashers[i], bytes, &n))
			return fail(h->diag, VHD_E_NOMEM, "hashing failed");
		for (unsigned k = 0; k < n; k++) {
			digests[i].hex[2 * k] = hex[bytes[k] >> 4];
			digests[i].hex[2 * k + 1] = hex[bytes[k] & 15];
		}
		digests[i].hex[2 * n] = '\0';
	}
	return 0;
}

static int hash_disk(struct hashing *h, struct vhd_disk *disk)
{
	struct vhd_cursor cursor;
	struct vhd_piece p;
	int rc;

	vhd_job_start(h->job, vhd_disk_size(disk));
	vhd_cursor_start(&cursor, disk, 0, vhd_disk_size(disk));
	do {
		rc = vhd_cursor_next(&cursor, PIECE, &p, h->diag);
		if (!rc && p.zero)
			rc = update_zeros(h, p.length);
		else if (!rc && p.length)
			rc = vhd_disk_read(disk, p.start, h->buf,
					   (size_t)p.length, h->diag);
		if (!rc && p.length && !p.zero)
			rc = update(h, h->buf, (size_t)p.length);
	} while (!rc && p.length);
	return rc;
}

int vhd_hash(struct vhd_disk *disk, struct vhd_digest *digests, size_t count,
	     struct vhd_job *job, struct vhd_diag *diag)
{
	struct hashing h = {.job = job, .diag = diag};
	int rc = start(&h, digests, count);

	if (!rc)
		rc = hash_disk(&h, disk);
	if (!rc)
		rc = finish(&h, digests);
	stop(&h);
	return rc;
}

static int hash_file(struct hashing *h, struct vhd_file *file)
{
	uint64_t size;
	int rc = vhd_file_size(file, &size);

	if (rc)
		return fail(h->diag, rc, "its size cannot be found");
	vhd_job_start(h->job, size);
	for (uint64_t at = 0; at < size && !rc;) {
		size_t n = (size_t)vhd_min(PIECE, size - at);

		rc = vhd_file_read(file, at, h->buf, n);
		if (rc)
			return vhd_fail(h->diag, rc, NULL, at,
					"cannot be read");
		rc = update(h, h->buf, n);
		at += n;
	}
	return rc;
}

int vhd_hash_file(struct vhd_file *file, struct vhd_digest *digests,
		  size_t count, struct vhd_job *job, struct vhd_diag *diag)
{
	struct hashing h = {.job = job, .diag = diag};
	int rc = start(&h, digests, count);

	if (!rc)
		rc = hash_file(&h, file);
	if (!rc)
		rc = finish(&h, digests);
	stop(&h);
	return rc;
}

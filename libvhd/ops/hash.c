/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests of a whole disk, any number in one pass. */
#include <stdlib.h>
#include <string.h>

#include <libvhd/ops.h>

#include "buffer.h"
#include "core/checked.h"
#include "core/diag.h"
#include "cursor.h"
#include "job.h"

#ifdef VHD_HAVE_OPENSSL
#	include <openssl/evp.h>

#	define PIECE ((size_t)1 << 20)

struct hashing {
	EVP_MD_CTX **contexts;
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
	h->contexts = calloc(count ? count : 1, sizeof(EVP_MD_CTX *));
	h->buf = vhd_buffer_new(PIECE);
	if (!h->contexts || !h->buf)
		return fail(h->diag, VHD_E_NOMEM, vhd_strerror(VHD_E_NOMEM));
	for (; h->count < count; h->count++) {
		const EVP_MD *md =
			EVP_get_digestbyname(digests[h->count].algorithm);
		EVP_MD_CTX *ctx = md ? EVP_MD_CTX_new() : NULL;

		if (!md)
			return fail(h->diag, VHD_E_UNSUPPORTED,
				    "unknown hash algorithm");
		h->contexts[h->count] = ctx;
		if (!ctx || !EVP_DigestInit_ex(ctx, md, NULL)) {
			EVP_MD_CTX_free(ctx);
			return fail(h->diag, VHD_E_UNSUPPORTED,
				    "the hash algorithm is not available");
		}
	}
	return 0;
}

static void stop(struct hashing *h)
{
	for (size_t i = 0; i < h->count; i++)
		EVP_MD_CTX_free(h->contexts[i]);
	free(h->contexts);
	free(h->buf);
}

static int update(struct hashing *h, const void *buf, size_t len)
{
	if (vhd_job_canceled(h->job))
		return fail(h->diag, VHD_E_CANCELED, "canceled");
	for (size_t i = 0; i < h->count; i++)
		if (!EVP_DigestUpdate(h->contexts[i], buf, len))
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
		unsigned char bytes[EVP_MAX_MD_SIZE];
		unsigned n = 0;

		if (!EVP_DigestFinal_ex(h->contexts[i], bytes, &n))
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
#else
static int unsupported(struct vhd_diag *diag)
{
	return vhd_fail(diag, VHD_E_UNSUPPORTED, NULL, VHD_NO_OFFSET,
			"this build has no hashes (OpenSSL)");
}

int vhd_hash(struct vhd_disk *disk, struct vhd_digest *digests, size_t count,
	     struct vhd_job *job, struct vhd_diag *diag)
{
	(void)disk;
	(void)digests;
	(void)count;
	(void)job;
	return unsupported(diag);
}

int vhd_hash_file(struct vhd_file *file, struct vhd_digest *digests,
		  size_t count, struct vhd_job *job, struct vhd_diag *diag)
{
	(void)file;
	(void)digests;
	(void)count;
	(void)job;
	return unsupported(diag);
}
#endif

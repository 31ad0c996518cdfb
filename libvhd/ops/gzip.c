/* SPDX-License-Identifier: BSD-2-Clause */
#include "gzip.h"

#include <libvhd/error.h>

#ifdef VHD_HAVE_ZLIB
#	include <errno.h>
#	include <limits.h>
#	include <stdbool.h>
#	include <stdint.h>
#	include <stdlib.h>
#	include <unistd.h>
#	include <zlib.h>

#	include "file/file.h"

#	define CHUNK 65536
/* zlib: 15 bits of window, 16 asks for a gzip header */
#	define GZIP_WINDOW (15 + 16)

struct vhd_gzip {
	z_stream z;
	vhd_gzip_sink *sink;
	void *ctx;
	unsigned char out[CHUNK];
};

int vhd_gzip_new(vhd_gzip_sink *sink, void *ctx, struct vhd_gzip **out)
{
	struct vhd_gzip *gz = calloc(1, sizeof(*gz));

	if (!gz)
		return VHD_E_NOMEM;
	gz->sink = sink;
	gz->ctx = ctx;
	if (deflateInit2(&gz->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW,
			 8, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(gz);
		return VHD_E_NOMEM;
	}
	*out = gz;
	return 0;
}

static int run(struct vhd_gzip *gz, int flush)
{
	int rc, status;

	do {
		gz->z.next_out = gz->out;
		gz->z.avail_out = CHUNK;
		status = deflate(&gz->z, flush);
		rc = gz->sink(gz->ctx, gz->out, CHUNK - gz->z.avail_out);
		if (rc)
			return rc;
	} while (gz->z.avail_out == 0 || (flush == Z_FINISH && status == Z_OK));
	return 0;
}

int vhd_gzip_write(struct vhd_gzip *gz, const void *buf, size_t len)
{
	const unsigned char *in = buf;
	int rc = 0;

	while (len && !rc) {
		size_t n = len < INT_MAX ? len : INT_MAX;

		gz->z.next_in = (unsigned char *)(uintptr_t)in;
		gz->z.avail_in = (unsigned)n;
		rc = run(gz, Z_NO_FLUSH);
		in += n;
		len -= n;
	}
	return rc;
}

int vhd_gzip_finish(struct vhd_gzip *gz)
{
	gz->z.avail_in = 0;
	return run(gz, Z_FINISH);
}

void vhd_gzip_free(struct vhd_gzip *gz)
{
	if (!gz)
		return;
	deflateEnd(&gz->z);
	free(gz);
}

struct vhd_gunzip {
	z_stream z;
	int fd;
	off_t at;
	bool ended;
	unsigned char in[CHUNK];
};

int vhd_gunzip_new(int fd, struct vhd_gunzip **out)
{
	struct vhd_gunzip *gz = calloc(1, sizeof(*gz));

	if (!gz)
		return VHD_E_NOMEM;
	gz->fd = fd;
	if (inflateInit2(&gz->z, GZIP_WINDOW) != Z_OK) {
		free(gz);
		return VHD_E_NOMEM;
	}
	*out = gz;
	return 0;
}

static int fill(struct vhd_gunzip *gz)
{
	ssize_t n = TEMP_FAILURE_RETRY(pread(gz->fd, gz->in, CHUNK, gz->at));

	if (n <= 0)
		return n ? vhd_error_of_errno(errno) : VHD_E_CORRUPT;
	gz->at += n;
	gz->z.next_in = gz->in;
	gz->z.avail_in = (unsigned)n;
	return 0;
}

/* the whole file is one member: what vhd_gzip_finish() leaves */
static int inflate_some(struct vhd_gunzip *gz)
{
	int rc = gz->z.avail_in ? 0 : fill(gz);

	if (rc)
		return rc;
	switch (inflate(&gz->z, Z_NO_FLUSH)) {
	case Z_OK:
		return 0;
	case Z_STREAM_END:
		gz->ended = true;
		return 0;
	case Z_MEM_ERROR:
		return VHD_E_NOMEM;
	default:
		return VHD_E_CORRUPT;
	}
}

int vhd_gunzip_read(struct vhd_gunzip *gz, void *buf, size_t len, size_t *got)
{
	size_t room = len < INT_MAX ? len : INT_MAX;
	int rc = 0;

	gz->z.next_out = buf;
	gz->z.avail_out = (unsigned)room;
	while (gz->z.avail_out && !gz->ended && !rc)
		rc = inflate_some(gz);
	*got = room - gz->z.avail_out;
	return rc;
}

void vhd_gunzip_free(struct vhd_gunzip *gz)
{
	if (!gz)
		return;
	inflateEnd(&gz->z);
	free(gz);
}
#else
int vhd_gzip_new(vhd_gzip_sink *sink, void *ctx, struct vhd_gzip **out)
{
	(void)sink;
	(void)ctx;
	(void)out;
	return VHD_E_UNSUPPORTED;
}

int vhd_gzip_write(struct vhd_gzip *gz, const void *buf, size_t len)
{
	(void)gz;
	(void)buf;
	(void)len;
	return VHD_E_UNSUPPORTED;
}

int vhd_gzip_finish(struct vhd_gzip *gz)
{
	(void)gz;
	return VHD_E_UNSUPPORTED;
}

void vhd_gzip_free(struct vhd_gzip *gz)
{
	(void)gz;
}

int vhd_gunzip_new(int fd, struct vhd_gunzip **out)
{
	(void)fd;
	(void)out;
	return VHD_E_UNSUPPORTED;
}

int vhd_gunzip_read(struct vhd_gunzip *gz, void *buf, size_t len, size_t *got)
{
	(void)gz;
	(void)buf;
	(void)len;
	(void)got;
	return VHD_E_UNSUPPORTED;
}

void vhd_gunzip_free(struct vhd_gunzip *gz)
{
	(void)gz;
}
#endif

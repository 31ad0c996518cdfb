/* SPDX-License-Identifier: BSD-2-Clause */
#include "gzip.h"

#include <libvhd/error.h>

#ifdef VHD_HAVE_ZLIB
#	include <limits.h>
#	include <stdint.h>
#	include <stdlib.h>
#	include <unistd.h>
#	include <zlib.h>

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
	gzFile file;
};

int vhd_gunzip_new(int fd, struct vhd_gunzip **out)
{
	struct vhd_gunzip *gz = calloc(1, sizeof(*gz));
	int own = dup(fd);

	if (!gz || own < 0 || lseek(own, 0, SEEK_SET) < 0)
		goto fail;
	gz->file = gzdopen(own, "rb");
	if (!gz->file)
		goto fail;
	*out = gz;
	return 0;
fail:
	if (own >= 0)
		close(own);
	free(gz);
	return VHD_E_NOMEM;
}

int vhd_gunzip_read(struct vhd_gunzip *gz, void *buf, size_t len, size_t *got)
{
	char *out = buf;

	*got = 0;
	while (*got < len) {
		size_t want = len - *got;
		int n = gzread(gz->file, out + *got,
			       (unsigned)(want < INT_MAX ? want : INT_MAX));

		if (n < 0)
			return VHD_E_CORRUPT;
		if (n == 0)
			break;
		*got += (size_t)n;
	}
	return 0;
}

void vhd_gunzip_free(struct vhd_gunzip *gz)
{
	if (!gz)
		return;
	gzclose(gz->file);
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

/* SPDX-License-Identifier: BSD-2-Clause */
#include "gunzip.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "memory.h"

#define CHUNK ((size_t)256 << 10)
/* zlib: 15 bits of window, 16 asks for a gzip header */
#define GZIP_WINDOW (15 + 16)

/* A file has one member or several; what follows them is not looked at, as
 * gzip does it. */
enum state { BEFORE_MEMBER, INSIDE_MEMBER, AT_END };

struct gunzip {
	z_stream z;
	int fd;
	enum state state;
	bool found; /* a member */
	unsigned char in[CHUNK];
};

struct gunzip *gunzip_new(int fd)
{
	struct gunzip *g = tool_zalloc(sizeof(*g));

	g->fd = fd;
	g->z.next_in = g->in;
	tool_must(inflateInit2(&g->z, GZIP_WINDOW) == Z_OK ? g : NULL);
	return g;
}

void gunzip_free(struct gunzip *g)
{
	if (!g)
		return;
	inflateEnd(&g->z);
	free(g);
}

/* as read(), behind what is there */
static ssize_t fill(struct gunzip *g)
{
	size_t left = g->z.avail_in;
	ssize_t n;

	memmove(g->in, g->z.next_in, left);
	g->z.next_in = g->in;
	n = read(g->fd, g->in + left, CHUNK - left);
	if (n > 0)
		g->z.avail_in += (unsigned)n;
	return n;
}

static int fail(const char **why, const char *text)
{
	*why = text;
	return -1;
}

static int begin_member(struct gunzip *g, const char **why)
{
	ssize_t n = 1;

	while (g->z.avail_in < 2 && n > 0)
		n = fill(g);
	if (n < 0)
		return -1;
	if (g->z.avail_in >= 2 && g->z.next_in[0] == 0x1F &&
	    g->z.next_in[1] == 0x8B) {
		g->state = INSIDE_MEMBER;
		g->found = true;
		return inflateReset(&g->z) == Z_OK ? 0
						   : fail(why, "zlib failed");
	}
	if (!g->found && g->z.avail_in)
		return fail(why, "is not compressed by gzip");
	g->state = AT_END;
	return 0;
}

static int go_on(struct gunzip *g, const char **why)
{
	ssize_t n = g->z.avail_in ? 1 : fill(g);

	if (n < 0)
		return -1;
	if (n == 0)
		return fail(why, "the compressed data end early");
	switch (inflate(&g->z, Z_NO_FLUSH)) {
	case Z_OK:
		return 0;
	case Z_STREAM_END:
		g->state = BEFORE_MEMBER;
		return 0;
	case Z_MEM_ERROR:
		return fail(why, "out of memory");
	default:
		return fail(why, "the compressed data are damaged");
	}
}

ssize_t gunzip_read(struct gunzip *g, void *buf, size_t len, const char **why)
{
	unsigned room = len < INT_MAX ? (unsigned)len : INT_MAX;

	g->z.next_out = buf;
	g->z.avail_out = room;
	/* what is there is given before more is asked for */
	while (g->z.avail_out == room && g->state != AT_END) {
		int rc = g->state == BEFORE_MEMBER ? begin_member(g, why)
						   : go_on(g, why);

		if (rc)
			return -1;
	}
	return (ssize_t)(room - g->z.avail_out);
}

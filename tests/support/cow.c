/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of 4 KiB in chunks of 1 MiB; both are counted references. */
#include "support/cow.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/checked.h"

#define PAGE  4096u
#define CHUNK (256u * PAGE)

struct page {
	unsigned users;
	uint8_t data[PAGE];
};

struct chunk {
	unsigned users;
	struct page *pages[256];
};

struct cow {
	uint64_t size;
	struct chunk **chunks;
	size_t count;
};

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

static void drop_page(struct page *page)
{
	if (page && !--page->users)
		free(page);
}

static void drop_chunk(struct chunk *chunk)
{
	if (!chunk || --chunk->users)
		return;
	for (size_t i = 0; i < 256; i++)
		drop_page(chunk->pages[i]);
	free(chunk);
}

struct cow *cow_new(void)
{
	return must(calloc(1, sizeof(struct cow)));
}

struct cow *cow_copy(const struct cow *c)
{
	struct cow *copy = cow_new();

	*copy = *c;
	copy->chunks = must(malloc((c->count + 1) * sizeof(*c->chunks)));
	for (size_t i = 0; i < c->count; i++) {
		copy->chunks[i] = c->chunks[i];
		if (copy->chunks[i])
			copy->chunks[i]->users++;
	}
	return copy;
}

void cow_free(struct cow *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->count; i++)
		drop_chunk(c->chunks[i]);
	free(c->chunks);
	free(c);
}

uint64_t cow_size(const struct cow *c)
{
	return c->size;
}

static struct chunk *own_chunk(struct cow *c, size_t index)
{
	struct chunk *old, *mine;

	if (index >= c->count) {
		c->chunks = must(
			realloc(c->chunks, (index + 1) * sizeof(*c->chunks)));
		while (c->count <= index)
			c->chunks[c->count++] = NULL;
	}
	old = c->chunks[index];
	if (old && old->users == 1)
		return old;
	mine = must(calloc(1, sizeof(*mine)));
	mine->users = 1;
	for (size_t i = 0; old && i < 256; i++) {
		mine->pages[i] = old->pages[i];
		if (mine->pages[i])
			mine->pages[i]->users++;
	}
	drop_chunk(old);
	c->chunks[index] = mine;
	return mine;
}

/* a page to write; its old content only if `keep` */
static uint8_t *own_page(struct cow *c, uint64_t number, bool keep)
{
	struct chunk *chunk = own_chunk(c, (size_t)(number / 256));
	struct page **slot = &chunk->pages[number % 256], *mine;

	if (*slot && (*slot)->users == 1)
		return (*slot)->data;
	mine = must(malloc(sizeof(*mine)));
	mine->users = 1;
	if (keep && *slot)
		memcpy(mine->data, (*slot)->data, PAGE);
	else if (keep)
		memset(mine->data, 0, PAGE);
	drop_page(*slot);
	*slot = mine;
	return mine->data;
}

static const uint8_t *find_page(const struct cow *c, uint64_t number)
{
	size_t index = (size_t)(number / 256);

	if (index >= c->count || !c->chunks[index] ||
	    !c->chunks[index]->pages[number % 256])
		return NULL;
	return c->chunks[index]->pages[number % 256]->data;
}

static size_t piece(uint64_t offset, uint64_t length)
{
	return (size_t)vhd_min(length, PAGE - offset % PAGE);
}

static void forget_page(struct cow *c, uint64_t number)
{
	struct chunk *chunk;

	if (!find_page(c, number))
		return;
	chunk = own_chunk(c, (size_t)(number / 256));
	drop_page(chunk->pages[number % 256]);
	chunk->pages[number % 256] = NULL;
}

void cow_zero(struct cow *c, uint64_t offset, uint64_t length)
{
	while (length) {
		size_t n = piece(offset, length), at = (size_t)(offset % PAGE);
		uint64_t number = offset / PAGE;

		if (n == PAGE)
			forget_page(c, number);
		else if (find_page(c, number))
			memset(own_page(c, number, true) + at, 0, n);
		offset += n;
		length -= n;
	}
}

void cow_resize(struct cow *c, uint64_t size)
{
	size_t keep = (size_t)((size + CHUNK - 1) / CHUNK);

	if (size < c->size) {
		cow_zero(c, size,
			 vhd_min(vhd_round_up(size, CHUNK), c->size) - size);
		while (c->count > keep)
			drop_chunk(c->chunks[--c->count]);
	}
	c->size = size;
}

void cow_write(struct cow *c, uint64_t offset, const void *buf, size_t len)
{
	const uint8_t *in = buf;

	c->size = vhd_max(c->size, offset + len);
	while (len) {
		size_t n = piece(offset, len);

		memcpy(own_page(c, offset / PAGE, n < PAGE) + offset % PAGE, in,
		       n);
		in += n;
		offset += n;
		len -= n;
	}
}

void cow_read(const struct cow *c, uint64_t offset, void *buf, size_t len)
{
	uint8_t *out = buf;

	while (len) {
		size_t n = piece(offset, len);
		const uint8_t *page = find_page(c, offset / PAGE);

		if (page)
			memcpy(out, page + offset % PAGE, n);
		else
			memset(out, 0, n);
		out += n;
		offset += n;
		len -= n;
	}
}

void cow_next(const struct cow *c, uint64_t offset, uint64_t *start,
	      uint64_t *end)
{
	uint64_t number = offset / PAGE, last = (c->size + PAGE - 1) / PAGE;

	while (number < last && !find_page(c, number))
		number += number % 256 == 0 && (number / 256 >= c->count ||
						!c->chunks[number / 256])
				  ? 256
				  : 1;
	*start = vhd_min(vhd_max(number * PAGE, offset), c->size);
	while (number < last && find_page(c, number))
		number++;
	*end = vhd_max(*start, vhd_min(number * PAGE, c->size));
}

int cow_save(const struct cow *c, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	uint64_t start, end = 0;
	int rc = fd < 0;

	for (cow_next(c, 0, &start, &end); !rc && start < end;
	     cow_next(c, end, &start, &end))
		for (; start < end && !rc; start += piece(start, end - start))
			rc = pwrite(fd, find_page(c, start / PAGE),
				    piece(start, end - start),
				    (off_t)start) < 0;
	if (fd >= 0)
		rc |= ftruncate(fd, (off_t)c->size) | close(fd);
	return rc ? -1 : 0;
}

struct cow *cow_of_sparse(const struct sparse *s)
{
	struct cow *c = cow_new();
	uint64_t start, end = 0;
	uint8_t page[PAGE];

	while (sparse_next(s, end, &start, &end))
		for (; start < end; start += piece(start, end - start)) {
			size_t n = piece(start, end - start);

			sparse_get(s, start, page, n);
			cow_write(c, start, page, n);
		}
	cow_resize(c, s->size);
	return c;
}

/* -- as files ----------------------------------------------------------------
 */

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct cow *c = ctx;

	if (!vhd_inside(offset, len, c->size))
		return VHD_E_IO;
	cow_read(c, offset, buf, len);
	return 0;
}

static int write_at(void *ctx, uint64_t offset, const void *buf, size_t len)
{
	cow_write(ctx, offset, buf, len);
	return 0;
}

static int get_size(void *ctx, uint64_t *size)
{
	*size = cow_size(ctx);
	return 0;
}

static int resize(void *ctx, uint64_t size)
{
	cow_resize(ctx, size);
	return 0;
}

static int punch(void *ctx, uint64_t offset, uint64_t length)
{
	cow_zero(ctx, offset, length);
	return 0;
}

static int next_data(void *ctx, uint64_t offset, uint64_t *start, uint64_t *end)
{
	cow_next(ctx, offset, start, end);
	return 0;
}

int cow_file_new(struct cow *c, bool writable, struct vhd_file **out)
{
	struct vhd_file_ops ops = {
		.size = sizeof(ops),
		.read_at = read_at,
		.get_size = get_size,
		.write_at = writable ? write_at : NULL,
		.resize = writable ? resize : NULL,
		.punch = writable ? punch : NULL,
		.next_data = next_data,
	};

	return vhd_file_new(&ops, c, out);
}

bool cow_same(const struct cow *a, const struct cow *b)
{
	static uint8_t x[65536], y[65536];
	uint64_t start, end, other, at = 0;

	if (cow_size(a) != cow_size(b))
		return false;
	for (; at < cow_size(a); at += sizeof(x)) {
		cow_next(a, at, &start, &end);
		cow_next(b, at, &other, &end);
		at = vhd_round_down(vhd_min(start, other), sizeof(x));
		cow_read(a, at, x, sizeof(x));
		cow_read(b, at, y, sizeof(y));
		if (memcmp(x, y, sizeof(x)) != 0)
			return false;
	}
	return true;
}

struct vhd_file *cow_file(struct cow *c, bool writable)
{
	struct vhd_file *file;

	if (cow_file_new(c, writable, &file))
		abort();
	return file;
}

struct vhd_source cow_source(struct cow *c)
{
	return (struct vhd_source){c, read_at, c->size};
}

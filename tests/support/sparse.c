/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/sparse.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

struct sparse *sparse_new(uint64_t size)
{
	struct sparse *s = must(calloc(1, sizeof(*s)));

	s->size = size;
	return s;
}

void sparse_free(struct sparse *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		free(s->pages[i].data);
	free(s->pages);
	free(s);
}

/* index of the first page whose number is at least `number` */
static size_t find(const struct sparse *s, uint64_t number)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->pages[mid].number < number)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static uint8_t *page_for_write(struct sparse *s, uint64_t number)
{
	size_t i = find(s, number);

	if (i < s->count && s->pages[i].number == number)
		return s->pages[i].data;
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 16;
		s->pages = must(realloc(s->pages, s->room * sizeof(*s->pages)));
	}
	memmove(s->pages + i + 1, s->pages + i,
		(s->count - i) * sizeof(*s->pages));
	s->count++;
	s->pages[i].number = number;
	s->pages[i].data = must(calloc(1, SPARSE_PAGE));
	return s->pages[i].data;
}

static const uint8_t *page_for_read(const struct sparse *s, uint64_t number)
{
	size_t i = find(s, number);

	return i < s->count && s->pages[i].number == number ? s->pages[i].data
							    : NULL;
}

struct sparse *sparse_copy(const struct sparse *s)
{
	struct sparse *copy = sparse_new(s->size);

	for (size_t i = 0; i < s->count; i++)
		memcpy(page_for_write(copy, s->pages[i].number),
		       s->pages[i].data, SPARSE_PAGE);
	return copy;
}

void sparse_resize(struct sparse *s, uint64_t size)
{
	size_t keep = find(s, (size + SPARSE_PAGE - 1) / SPARSE_PAGE);
	size_t inside = (size_t)(size % SPARSE_PAGE);

	for (size_t i = keep; i < s->count; i++)
		free(s->pages[i].data);
	s->count = keep;
	if (size < s->size && inside && page_for_read(s, size / SPARSE_PAGE))
		memset(page_for_write(s, size / SPARSE_PAGE) + inside, 0,
		       SPARSE_PAGE - inside);
	s->size = size;
}

static size_t piece(uint64_t offset, size_t len)
{
	size_t room = SPARSE_PAGE - (size_t)(offset % SPARSE_PAGE);

	return len < room ? len : room;
}

void sparse_put(struct sparse *s, uint64_t offset, const void *buf, size_t len)
{
	const uint8_t *in = buf;

	if (offset + len > s->size)
		s->size = offset + len;
	while (len) {
		size_t n = piece(offset, len);

		memcpy(page_for_write(s, offset / SPARSE_PAGE) +
			       offset % SPARSE_PAGE,
		       in, n);
		in += n;
		offset += n;
		len -= n;
	}
}

void sparse_fill(struct sparse *s, uint64_t offset, uint8_t byte, size_t len)
{
	uint8_t page[SPARSE_PAGE];

	memset(page, byte, sizeof(page));
	while (len) {
		size_t n = piece(offset, len);

		sparse_put(s, offset, page, n);
		offset += n;
		len -= n;
	}
}

static void put_number(struct sparse *s, uint64_t offset, uint64_t v, int size,
		       bool big)
{
	uint8_t b[8];

	for (int i = 0; i < size; i++)
		b[big ? size - 1 - i : i] = (uint8_t)(v >> (8 * i));
	sparse_put(s, offset, b, (size_t)size);
}

void sparse_put_be32(struct sparse *s, uint64_t offset, uint32_t v)
{
	put_number(s, offset, v, 4, true);
}

void sparse_put_be64(struct sparse *s, uint64_t offset, uint64_t v)
{
	put_number(s, offset, v, 8, true);
}

void sparse_put_le16(struct sparse *s, uint64_t offset, uint16_t v)
{
	put_number(s, offset, v, 2, false);
}

void sparse_put_le32(struct sparse *s, uint64_t offset, uint32_t v)
{
	put_number(s, offset, v, 4, false);
}

void sparse_put_le64(struct sparse *s, uint64_t offset, uint64_t v)
{
	put_number(s, offset, v, 8, false);
}

void sparse_get(const struct sparse *s, uint64_t offset, void *buf, size_t len)
{
	uint8_t *out = buf;

	while (len) {
		size_t n = piece(offset, len);
		const uint8_t *page = page_for_read(s, offset / SPARSE_PAGE);

		if (page)
			memcpy(out, page + offset % SPARSE_PAGE, n);
		else
			memset(out, 0, n);
		out += n;
		offset += n;
		len -= n;
	}
}

uint8_t sparse_byte(const struct sparse *s, uint64_t offset)
{
	uint8_t byte;

	sparse_get(s, offset, &byte, 1);
	return byte;
}

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	struct sparse *s = ctx;

	if (offset > s->size || len > s->size - offset)
		abort(); /* the core promises never to ask for this */
	s->reads++;
	s->bytes_read += len;
	if (s->fail_at && --s->fail_at == 0)
		return VHD_E_IO;
	sparse_get(s, offset, buf, len);
	return 0;
}

struct vhd_source sparse_source(struct sparse *s)
{
	return (struct vhd_source){s, read_at, s->size};
}

bool sparse_next(const struct sparse *s, uint64_t offset, uint64_t *start,
		 uint64_t *end)
{
	size_t i = find(s, offset / SPARSE_PAGE);
	uint64_t last;

	if (offset >= s->size || i == s->count ||
	    s->pages[i].number * SPARSE_PAGE >= s->size)
		return false;
	*start = s->pages[i].number * SPARSE_PAGE;
	if (*start < offset)
		*start = offset;
	for (last = s->pages[i].number; i < s->count; i++, last++)
		if (s->pages[i].number != last)
			break;
	*end = last * SPARSE_PAGE < s->size ? last * SPARSE_PAGE : s->size;
	return true;
}

static int save_pages(const struct sparse *s, int fd)
{
	for (size_t i = 0; i < s->count; i++) {
		uint64_t at = s->pages[i].number * SPARSE_PAGE;
		size_t n = s->size - at < SPARSE_PAGE ? (size_t)(s->size - at)
						      : SPARSE_PAGE;

		if (pwrite(fd, s->pages[i].data, n, (off_t)at) != (ssize_t)n)
			return -1;
	}
	return ftruncate(fd, (off_t)s->size);
}

int sparse_save(const struct sparse *s, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int rc;

	if (fd < 0)
		return -1;
	rc = save_pages(s, fd);
	return close(fd) || rc ? -1 : 0;
}

void sparse_lay(struct sparse *s, uint64_t offset, const struct sparse *part,
		uint64_t length)
{
	uint8_t page[SPARSE_PAGE];
	uint64_t start, end;

	for (uint64_t at = 0; sparse_next(part, at, &start, &end); at = end)
		for (at = start; at < end && at < length; at += SPARSE_PAGE) {
			sparse_get(part, at, page, sizeof(page));
			sparse_put(s, offset + at, page, sizeof(page));
		}
}

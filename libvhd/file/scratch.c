/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changed pages by rising number; a page without data is all zeros. What was
 * punched or cut off is a list of ranges in which the base no longer counts: a
 * dry run may punch terabytes, page by page would not do.
 */
#include "scratch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "ranges.h"

#define PAGE 4096u

struct page {
	uint64_t number;
	uint8_t *data;
};

struct scratch {
	struct vhd_file *base;
	uint64_t base_size;
	uint64_t size;
	struct page *pages;
	size_t count;
	size_t room;
	struct vhd_ranges gone;
};

/* index of the first page with at least this number */
static size_t find(const struct scratch *s, uint64_t number)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->pages[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* the gone range around `at`; if there is none, *next is where one begins */
static const struct vhd_range_item *gone_at(const struct scratch *s,
					    uint64_t at, uint64_t *next)
{
	size_t i = vhd_ranges_find(&s->gone, at + 1);
	const struct vhd_range_item *item;

	*next = UINT64_MAX;
	if (i == s->gone.count)
		return NULL;
	item = s->gone.items + i;
	if (item->start <= at)
		return item;
	*next = item->start;
	return NULL;
}

/* what is below the pages */
static int read_below(const struct scratch *s, uint64_t at, uint8_t *buf,
		      size_t len)
{
	uint64_t end = at + len, next;

	while (at < end) {
		const struct vhd_range_item *gone = gone_at(s, at, &next);
		uint64_t to = vhd_min(end, gone ? gone->end : next);
		int rc = 0;

		if (!gone && at < s->base_size)
			to = vhd_min(to, s->base_size);
		if (gone || at >= s->base_size)
			memset(buf, 0, (size_t)(to - at));
		else
			rc = vhd_file_read(s->base, at, buf, (size_t)(to - at));
		if (rc)
			return rc;
		buf += to - at;
		at = to;
	}
	return 0;
}

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct scratch *s = ctx;
	uint8_t *out = buf;
	int rc;

	if (!vhd_inside(offset, len, s->size))
		return VHD_E_IO;
	rc = read_below(s, offset, out, len);
	for (size_t i = find(s, offset / PAGE); i < s->count && !rc; i++) {
		uint64_t start = s->pages[i].number * PAGE;
		uint64_t from = vhd_max(start, offset);
		uint64_t to = vhd_min(start + PAGE, offset + len);

		if (from >= to)
			break;
		memcpy(out + (from - offset), s->pages[i].data + (from - start),
		       (size_t)(to - from));
	}
	return rc;
}

static int get_size(void *ctx, uint64_t *size)
{
	*size = ((const struct scratch *)ctx)->size;
	return 0;
}

/* the page of a number, made from what lies below it */
static int take_page(struct scratch *s, uint64_t number, uint8_t **out)
{
	size_t i = find(s, number);
	uint8_t *data;
	int rc;

	if (i < s->count && s->pages[i].number == number) {
		*out = s->pages[i].data;
		return 0;
	}
	if (s->count == VHD_SCRATCH_PAGES_MAX)
		return VHD_E_LIMIT;
	if (s->count == s->room) {
		size_t room = s->room ? 2 * s->room : 64;
		struct page *pages = realloc(s->pages, room * sizeof(*pages));

		if (!pages)
			return VHD_E_NOMEM;
		s->pages = pages;
		s->room = room;
	}
	data = malloc(PAGE);
	if (!data)
		return VHD_E_NOMEM;
	rc = read_below(s, number * PAGE, data, PAGE);
	if (rc) {
		free(data);
		return rc;
	}
	memmove(s->pages + i + 1, s->pages + i,
		(s->count - i) * sizeof(*s->pages));
	s->pages[i] = (struct page){number, data};
	s->count++;
	*out = data;
	return 0;
}

static int write_at(void *ctx, uint64_t offset, const void *buf, size_t len)
{
	struct scratch *s = ctx;
	const uint8_t *in = buf;

	while (len) {
		size_t inside = (size_t)(offset % PAGE);
		size_t n = (size_t)vhd_min(len, PAGE - inside);
		uint8_t *data;
		int rc = take_page(s, offset / PAGE, &data);

		if (rc)
			return rc;
		memcpy(data + inside, in, n);
		offset += n;
		in += n;
		len -= n;
		s->size = vhd_max(s->size, offset);
	}
	return 0;
}

/* from here on a range reads as zeros */
static int forget(struct scratch *s, uint64_t start, uint64_t end)
{
	int rc = start < end ? vhd_ranges_add(&s->gone, start, end) : 0;

	if (rc)
		return rc;
	for (size_t i = find(s, start / PAGE); i < s->count; i++) {
		uint64_t at = s->pages[i].number * PAGE;
		uint64_t from = vhd_max(at, start),
			 to = vhd_min(at + PAGE, end);

		if (from >= to)
			break;
		memset(s->pages[i].data + (from - at), 0, (size_t)(to - from));
	}
	return 0;
}

static int punch(void *ctx, uint64_t offset, uint64_t length)
{
	return forget(ctx, offset, offset + length);
}

static int resize(void *ctx, uint64_t size)
{
	struct scratch *s = ctx;
	int rc = size < s->size ? forget(s, size, s->size) : 0;

	if (!rc)
		s->size = size;
	return rc;
}

/* pages that hold only zeros count as holes */
static bool is_hole(const struct page *page)
{
	return !page->data[0] && !memcmp(page->data, page->data + 1, PAGE - 1);
}

/* stored bytes of the base that still count */
static int next_below(const struct scratch *s, uint64_t at, uint64_t *start,
		      uint64_t *end)
{
	uint64_t next;
	int rc = 0;

	*start = *end = s->size;
	while (at < vhd_min(s->base_size, s->size)) {
		const struct vhd_range_item *gone = gone_at(s, at, &next);
		uint64_t from, to;

		if (gone) {
			at = gone->end;
			continue;
		}
		rc = vhd_file_next_data(s->base, at, &from, &to);
		if (rc || from >= s->size || to <= from)
			return rc;
		if (from >= next) {
			at = next;
			continue;
		}
		*start = from;
		*end = vhd_min(vhd_min(to, next), s->size);
		return 0;
	}
	return rc;
}

static int next_data(void *ctx, uint64_t offset, uint64_t *start, uint64_t *end)
{
	const struct scratch *s = ctx;
	size_t i = find(s, offset / PAGE);
	int rc = next_below(s, offset, start, end);

	while (i < s->count && is_hole(&s->pages[i]))
		i++;
	if (!rc && i < s->count &&
	    vhd_max(s->pages[i].number * PAGE, offset) < *start) {
		*start = vhd_max(s->pages[i].number * PAGE, offset);
		*end = vhd_min(s->pages[i].number * PAGE + PAGE, s->size);
	}
	return rc;
}

static void close_scratch(void *ctx)
{
	struct scratch *s = ctx;

	for (size_t i = 0; i < s->count; i++)
		free(s->pages[i].data);
	free(s->pages);
	vhd_ranges_free(&s->gone);
	vhd_file_close(s->base);
	free(s);
}

static const struct vhd_file_ops ops = {
	.size = sizeof(struct vhd_file_ops),
	.read_at = read_at,
	.get_size = get_size,
	.close = close_scratch,
	.write_at = write_at,
	.resize = resize,
	.punch = punch,
	.next_data = next_data,
};

int vhd_file_open_scratch(struct vhd_file *base, struct vhd_file **out)
{
	struct scratch *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return VHD_E_NOMEM;
	rc = vhd_file_size(base, &s->base_size);
	s->size = s->base_size;
	if (!rc)
		rc = vhd_file_new(&ops, s, out);
	if (rc) {
		free(s);
		return rc;
	}
	s->base = base;
	return 0;
}

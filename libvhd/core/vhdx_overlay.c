/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Building the index. Updates overlap and the newest wins. All their starts
 * and ends, sorted, cut the file into intervals; then the updates are painted
 * from the newest to the oldest, each on the intervals that are still bare. A
 * union-find ("next bare interval") skips painted stretches, so the whole is
 * O(n log n) whatever a hostile log holds.
 *
 * Memory: records, bounds, shows and the union-find array, 56 bytes an update.
 */
#include "vhdx_overlay.h"

#include "checked.h"
#include "diag.h"
#include "mem.h"

#define NOTHING UINT32_MAX

static const char structure[] = "VHDX log";

struct vhdx_overlay_record {
	uint64_t start;
	uint64_t length;
	uint32_t descriptor; /* log offsets */
	uint32_t data;       /* NOTHING for zeros */
};

struct building {
	struct vhdx_overlay_record *records;
	uint64_t *bounds;
	uint32_t *shows;
	uint32_t *next;
	uint32_t count;
	uint32_t bound_count;
	uint64_t limit; /* no update may pass this */
};

size_t vhdx_overlay_bytes(const struct vhdx_log_active *active)
{
	return (size_t)active->descriptors *
		       (sizeof(struct vhdx_overlay_record) +
			2 * (sizeof(uint64_t) + 2 * sizeof(uint32_t))) +
	       sizeof(uint64_t);
}

static int add_record(void *ctx, const struct vhdx_log_update *u)
{
	struct building *b = ctx;

	if (!vhd_inside(u->file_offset, u->length, b->limit))
		return VHD_E_CORRUPT;
	if (!u->length)
		return 0;
	b->records[b->count++] = (struct vhdx_overlay_record){
		.start = u->file_offset,
		.length = u->length,
		.descriptor = u->descriptor,
		.data = u->zero ? NOTHING : u->data,
	};
	return 0;
}

static int collect(const struct vhdx_log *log,
		   const struct vhdx_log_active *active, struct building *b)
{
	struct vhdx_log_entry e = active->tail;
	int rc = 0;

	for (uint32_t i = 0; i < active->entries && !rc; i++) {
		rc = vhdx_log_entry_walk(log, &e, add_record, b);
		if (!rc && i + 1 < active->entries) {
			const char *why;

			rc = vhdx_log_entry_read(log, vhdx_log_next(log, &e),
						 &e, &why);
		}
	}
	/* an entry that was valid a moment ago: the file is being changed */
	return rc == VHDX_LOG_NO_ENTRY ? VHD_E_IO : rc;
}

static void sift_down(uint64_t *v, uint32_t root, uint32_t count)
{
	for (;;) {
		uint32_t child = 2 * root + 1;
		uint64_t swap = v[root];

		if (child >= count)
			return;
		if (child + 1 < count && v[child + 1] > v[child])
			child++;
		if (swap >= v[child])
			return;
		v[root] = v[child];
		v[child] = swap;
		root = child;
	}
}

/* heap sort: no recursion, no extra memory, no bad case */
static void sort(uint64_t *v, uint32_t count)
{
	for (uint32_t i = count / 2; i-- > 0;)
		sift_down(v, i, count);
	for (uint32_t end = count; end > 1;) {
		uint64_t top = v[0];

		v[0] = v[--end];
		v[end] = top;
		sift_down(v, 0, end);
	}
}

static void make_bounds(struct building *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->count; i++) {
		b->bounds[n++] = b->records[i].start;
		b->bounds[n++] = b->records[i].start + b->records[i].length;
	}
	sort(b->bounds, n);
	for (uint32_t i = 0; i < n; i++)
		if (!b->bound_count ||
		    b->bounds[i] != b->bounds[b->bound_count - 1])
			b->bounds[b->bound_count++] = b->bounds[i];
}

/* index of the last bound at or below `offset`; NOTHING if all are above */
static uint32_t find_bound(const uint64_t *bounds, uint32_t count,
			   uint64_t offset)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (bounds[mid] <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? low - 1 : NOTHING;
}

/* the first bare interval at or after i, halving the path on the way */
static uint32_t next_bare(uint32_t *next, uint32_t i)
{
	while (next[i] != i) {
		next[i] = next[next[i]];
		i = next[i];
	}
	return i;
}

static void paint(struct building *b)
{
	for (uint32_t i = 0; i < b->bound_count; i++) {
		b->shows[i] = NOTHING;
		b->next[i] = i;
	}
	for (uint32_t r = b->count; r-- > 0;) {
		uint64_t start = b->records[r].start;
		uint64_t end = start + b->records[r].length;
		uint32_t i = next_bare(
			b->next, find_bound(b->bounds, b->bound_count, start));

		while (b->bounds[i] < end) {
			b->shows[i] = r;
			b->next[i] = i + 1;
			i = next_bare(b->next, i);
		}
	}
}

int vhdx_overlay_build(const struct vhdx_log *log,
		       const struct vhdx_log_active *active, void *memory,
		       size_t size, struct vhdx_overlay *out,
		       struct vhd_diag *diag)
{
	uint32_t room = active->descriptors;
	struct building b = {
		.records = memory,
		.limit = vhd_max(log->source->size, active->last),
	};
	int rc;

	if (room > VHDX_OVERLAY_MAX || vhdx_overlay_bytes(active) > size)
		return vhd_fail_value(diag, VHD_E_LIMIT, structure, log->offset,
				      "% pending updates are more than can be "
				      "replayed in memory",
				      room);
	b.bounds = (void *)(b.records + room);
	b.shows = (void *)(b.bounds + 2 * (size_t)room);
	b.next = b.shows + 2 * (size_t)room;
	rc = collect(log, active, &b);
	if (rc)
		return vhd_fail(diag, rc, structure, log->offset,
				rc == VHD_E_CORRUPT
					? "an update aims behind the end of "
					  "the file"
					: "cannot be read");
	make_bounds(&b);
	paint(&b);
	*out = (struct vhdx_overlay){
		.base = log->source,
		.log_offset = log->offset,
		.records = b.records,
		.bounds = b.bounds,
		.shows = b.shows,
		.bound_count = b.bound_count,
		.size = b.limit,
	};
	return 0;
}

/* what shows at `offset`, and for how many bytes */
static uint32_t lookup(const struct vhdx_overlay *o, uint64_t offset,
		       uint64_t *run)
{
	uint32_t i = find_bound(o->bounds, o->bound_count, offset);
	uint32_t following = i == NOTHING ? 0 : i + 1;

	*run = following < o->bound_count ? o->bounds[following] - offset
					  : UINT64_MAX - offset;
	return i == NOTHING ? NOTHING : o->shows[i];
}

/* the file itself; what lies behind its real end reads as zeros */
static int read_base(const struct vhdx_overlay *o, uint64_t offset,
		     uint8_t *buf, size_t len)
{
	uint64_t have = offset < o->base->size ? o->base->size - offset : 0;
	size_t n = (size_t)vhd_min(have, len);

	memset(buf + n, 0, len - n);
	return n ? vhd_source_read(o->base, offset, buf, n) : 0;
}

/*
 * Bytes of one update: the data sector holds 4084 of them in place; the first
 * 8 and the last 4 are in the descriptor.
 */
static int read_update(const struct vhdx_overlay *o,
		       const struct vhdx_overlay_record *r, uint32_t at,
		       uint8_t *buf, size_t len)
{
	struct vhdx_log_descriptor_disk d;
	uint64_t log = o->log_offset;
	int rc = vhd_source_read(o->base, log + r->data + at, buf, len);

	if (!rc)
		rc = vhd_source_read(o->base, log + r->descriptor, &d,
				     sizeof(d));
	if (rc)
		return rc;
	for (size_t i = 0; i < len && at + i < 8; i++)
		buf[i] = d.leading[at + i];
	for (size_t i = at < 4092 ? 4092 - at : 0; i < len; i++)
		buf[i] = d.trailing[at + i - 4092];
	return 0;
}

int vhdx_overlay_read(void *overlay, uint64_t offset, void *buf, size_t len)
{
	const struct vhdx_overlay *o = overlay;
	uint8_t *out = buf;
	int rc = 0;

	while (len && !rc) {
		uint64_t run;
		uint32_t shown = lookup(o, offset, &run);
		size_t n = (size_t)vhd_min(run, len);

		if (shown == NOTHING)
			rc = read_base(o, offset, out, n);
		else if (o->records[shown].data == NOTHING)
			memset(out, 0, n);
		else
			rc = read_update(
				o, &o->records[shown],
				(uint32_t)(offset - o->records[shown].start),
				out, n);
		offset += n;
		out += n;
		len -= n;
	}
	return rc;
}

bool vhdx_overlay_is_clear(const struct vhdx_overlay *o, uint64_t offset,
			   uint64_t length)
{
	uint64_t run;

	if (!vhd_inside(offset, length, o->base->size))
		return false;
	while (length) {
		if (lookup(o, offset, &run) != NOTHING)
			return false;
		run = vhd_min(run, length);
		offset += run;
		length -= run;
	}
	return true;
}

bool vhdx_overlay_next(const struct vhdx_overlay *o, uint64_t offset,
		       uint64_t *start, uint64_t *end)
{
	uint64_t run;

	while (offset < o->size) {
		if (lookup(o, offset, &run) != NOTHING) {
			*start = offset;
			*end = offset + run;
			return true;
		}
		offset += run;
	}
	return false;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking one image: what opening noticed, then the whole block table with the
 * claims of every object on the file, then what only one format has.
 */
#include "check.h"

#include <assert.h>
#include <stddef.h>

#include "core/checked.h"
#include "core/condition.h"
#include "core/diag.h"
#include "layer.h"

static const char bat_name[] = "block table (BAT)";

static_assert(VHD_REPAIRABLE_LOSSLESS == 1 && VHD_REPAIRABLE_SALVAGE == 2,
	      "core/condition.c says so");

void vhd_check_report(const struct vhd_checking *c, const char *code,
		      const char *structure, uint64_t offset,
		      enum vhd_severity severity, const char *message)
{
	const struct vhd_fault fault = {
		.code = code,
		.structure = structure,
		.offset = offset,
		.severity = (int)severity,
		.message = message,
	};

	c->fault(c->ctx, &fault);
}

void vhd_check_report_repairable(const struct vhd_checking *c, const char *code,
				 const char *structure, uint64_t offset,
				 enum vhd_severity severity,
				 const char *message)
{
	const struct vhd_fault fault = {
		.code = code,
		.structure = structure,
		.offset = offset,
		.severity = (int)severity,
		.message = message,
		.repairable = 1,
	};

	c->fault(c->ctx, &fault);
}

static void report_conditions(const struct vhd_checking *c)
{
	size_t count;
	const struct vhd_condition_row *rows = vhd_condition_rows(&count);

	for (size_t i = 0; i < count; i++) {
		const struct vhd_fault fault = {
			.code = rows[i].code,
			.structure = rows[i].structure,
			.offset = VHD_NO_OFFSET,
			.severity = rows[i].fault ? VHD_SEVERITY_ERROR
						  : VHD_SEVERITY_REMARK,
			.message = rows[i].text,
			.repairable = rows[i].repairable,
		};

		if (c->image->conditions & rows[i].bit)
			c->fault(c->ctx, &fault);
	}
}

/* the code decides what a repair may do about it */
struct entry_kind {
	const char *code;
	int severity;
	int repairable;
};

static const struct entry_kind entry_bad = {"bat-entry", VHD_SEVERITY_CORRUPT,
					    VHD_REPAIRABLE_SALVAGE};
static const struct entry_kind entry_overlap = {
	"bat-overlap", VHD_SEVERITY_CORRUPT, VHD_REPAIRABLE_SALVAGE};
static const struct entry_kind entry_anchor = {"bat-anchor", VHD_SEVERITY_ERROR,
					       VHD_REPAIRABLE_LOSSLESS};
static const struct entry_kind entry_stale = {
	"bat-stale-place", VHD_SEVERITY_REMARK, VHD_REPAIRABLE_LOSSLESS};
static const struct entry_kind entry_short = {
	"short-block", VHD_SEVERITY_REMARK, VHD_REPAIRABLE_LOSSLESS};

static void report_entry(struct vhd_checking *c, const struct entry_kind *kind,
			 const struct vhd_table_entry *e, const char *text)
{
	struct vhd_fault fault = {
		.code = kind->code,
		.structure = bat_name,
		.offset = e->block.entry,
		.severity = kind->severity,
		.message = text,
		.repairable = kind->repairable,
	};

	if (kind->severity == VHD_SEVERITY_CORRUPT && !e->is_bitmap) {
		fault.start = e->index << c->image->map.block_shift;
		fault.length = vhd_map_block_need(&c->image->map, e->index);
	}
	if (c->entry_faults++ < VHD_CHECK_REPEAT_MAX)
		c->fault(c->ctx, &fault);
	else if (kind->severity > c->entry_worst)
		c->entry_worst = kind->severity;
}

/* takes the place an entry owns; `taken` is how to call it if another has it */
static int claim(struct vhd_checking *c, const struct vhd_table_entry *e,
		 const struct entry_kind *taken, const char *text)
{
	struct vhd_diag why;
	int rc = vhd_claims_add(c->claims, e->owned, e->owned_length);

	if (rc == VHD_E_CORRUPT) {
		vhd_fail_value(&why, rc, NULL, 0, text, e->owned);
		report_entry(c, taken, e, why.text);
		rc = 0;
	}
	if (rc == VHD_E_LIMIT)
		vhd_check_report(c, "too-many-blocks", bat_name, e->block.entry,
				 VHD_SEVERITY_ERROR,
				 "more blocks than can be checked for overlap");
	return rc;
}

static int visit(void *ctx, const struct vhd_table_entry *e)
{
	struct vhd_checking *c = ctx;

	if (e->error) {
		report_entry(c, e->is_anchor ? &entry_anchor : &entry_bad, e,
			     e->diag->text);
		return 0;
	}
	if (vhd_table_is_stale(c->image, e))
		report_entry(c, &entry_stale, e,
			     "a block without content names a place in the "
			     "file; Hyper-V is said to refuse that");
	if (vhd_table_short(c->image, e))
		report_entry(c, &entry_short, e,
			     "the file ends inside the block, behind the last "
			     "byte of the disk; QEMU refuses such a VHD");
	if (!e->owned)
		return 0;
	if (e->is_anchor) { /* those with content come first */
		c->anchors++;
		return 0;
	}
	return claim(c, e, &entry_overlap,
		     "this block and another one share the space at offset %: "
		     "a write to one changes the other");
}

static int visit_anchor(void *ctx, const struct vhd_table_entry *e)
{
	struct vhd_checking *c = ctx;

	if (!e->is_anchor || e->error)
		return 0;
	return claim(c, e, &entry_anchor,
		     "a block without content names a place at offset % that "
		     "another one has");
}

static void report_conflict(struct vhd_checking *c)
{
	struct vhd_table_entry e = {.is_bitmap = true};
	struct vhd_diag why;
	uint64_t at;

	if (!vhd_claims_conflict(c->claims, &at))
		return;
	vhd_fail_value(&why, VHD_E_CORRUPT, NULL, 0,
		       "two blocks share the space at offset %: a write to "
		       "one changes the other",
		       at);
	e.block.entry = c->image->map.bat_offset;
	report_entry(c, &entry_overlap, &e, why.text);
}

static void report_repeats(struct vhd_checking *c)
{
	struct vhd_diag why;

	if (c->entry_faults <= VHD_CHECK_REPEAT_MAX)
		return;
	vhd_fail_value(&why, VHD_E_CORRUPT, NULL, 0,
		       "and % more damaged entries",
		       c->entry_faults - VHD_CHECK_REPEAT_MAX);
	vhd_check_report(c, "bat-entry", bat_name, c->image->map.bat_offset,
			 (enum vhd_severity)c->entry_worst, why.text);
}

struct leaking {
	struct vhd_file *file;
	uint64_t bytes;
	uint64_t first; /* where the first of them lies */
};

/* bytes of a gap that the host stores; a hole costs nothing */
static void count_stored(void *ctx, uint64_t start, uint64_t end)
{
	struct leaking *l = ctx;
	uint64_t from, to;

	while (start < end) {
		if (vhd_file_next_data(l->file, start, &from, &to) ||
		    from >= end || to <= from)
			break;
		if (!l->bytes)
			l->first = from;
		to = vhd_min(to, end);
		l->bytes += to - from;
		start = to;
	}
}

/* where blocks begin: the lowest one, or behind all metadata */
static uint64_t first_block(const struct vhd_image *image, uint64_t low)
{
	const struct vhd_map *map = &image->map;
	uint64_t from = low;

	for (uint32_t i = 0; i < map->reserved_count && !low; i++)
		from = vhd_max(from, map->reserved[i].end);
	return from;
}

/* the gaps of one search */
struct gaps {
	const struct vhd_map *map;
	uint64_t least;
	void (*gap)(void *ctx, uint64_t start, uint64_t end);
	void *ctx;
};

/* the first of the image's own structures in [start, end) */
static struct vhd_range next_reserved(const struct vhd_map *map, uint64_t start,
				      uint64_t end)
{
	struct vhd_range first = {end, end};

	for (uint32_t i = 0; i < map->reserved_count; i++) {
		struct vhd_range r = map->reserved[i];

		if (r.end > start && r.start < first.start && r.start < r.end)
			first = r;
	}
	return first;
}

/* structures lie anywhere, between blocks too: what they leave of a gap */
static void around_reserved(void *ctx, uint64_t start, uint64_t end)
{
	const struct gaps *g = ctx;

	while (start < end) {
		struct vhd_range r = next_reserved(g->map, start, end);

		if (r.start > start && r.start - start >= g->least)
			g->gap(g->ctx, start, r.start);
		start = vhd_max(start, r.end);
	}
}

/* calls `gap` for all between `low`, the first block, and `end` that neither a
 * block nor a structure owns, if a block would fit */
static void find_gaps(struct vhd_checking *c, uint64_t low, uint64_t end,
		      void (*gap)(void *ctx, uint64_t start, uint64_t end),
		      void *ctx)
{
	struct gaps g = {&c->image->map, vhd_table_place(c->image), gap, ctx};

	vhd_claims_gaps(c->claims, first_block(c->image, low), end, g.least,
			around_reserved, &g);
}

/*
 * Space behind the first block that nothing owns but the host stores. Gaps
 * smaller than a block are alignment, and space in front of the first block
 * (`low`) is layout.
 */
static void report_leaks(struct vhd_checking *c, uint64_t low)
{
	struct leaking l = {.file = c->image->view};
	struct vhd_fault fault = {
		.code = "leak",
		.structure = "free space",
		.severity = VHD_SEVERITY_LEAK,
		.message = "space in the file that nothing refers to; compact "
			   "gives it back",
		.repairable = 1,
	};

	find_gaps(c, low, c->image->map.limit, count_stored, &l);
	fault.offset = l.first;
	fault.leaked = l.bytes;
	if (l.bytes >= vhd_table_place(c->image))
		c->fault(c->ctx, &fault);
}

/* claims of all entries; `low` is the first block's place */
static int claim_all(struct vhd_checking *c, uint64_t *low)
{
	uint64_t high;
	int rc = vhd_table_claims(c->image, &c->claims);

	if (!rc)
		rc = vhd_table_walk(c->image, visit, c, c->diag);
	if (!rc && c->anchors)
		rc = vhd_table_walk(c->image, visit_anchor, c, c->diag);
	if (rc)
		return rc;
	report_conflict(c);
	report_repeats(c);
	vhd_claims_bounds(c->claims, low, &high);
	return 0;
}

static int check_table(struct vhd_checking *c)
{
	uint64_t low = 0;
	int rc = claim_all(c, &low);

	if (!rc)
		report_leaks(c, low);
	vhd_claims_free(c->claims);
	return rc == VHD_E_LIMIT ? 0 : rc;
}

static void no_fault(void *ctx, const struct vhd_fault *fault)
{
	(void)ctx;
	(void)fault;
}

int vhd_check_gaps(struct vhd_image *image, uint64_t end,
		   void (*gap)(void *ctx, uint64_t start, uint64_t end),
		   void *ctx)
{
	struct vhd_checking c = {.image = image, .fault = no_fault};
	uint64_t low = 0;
	int rc = claim_all(&c, &low);

	if (!rc)
		find_gaps(&c, low, end, gap, ctx);
	vhd_claims_free(c.claims);
	return rc;
}

static const char *open_code(int error)
{
	switch (error) {
	case VHD_E_UNSUPPORTED:
		return "unsupported";
	case VHD_E_LIMIT:
		return "limit";
	case VHD_E_LOG:
		return "log-invalid";
	default:
		return "corrupt";
	}
}

/* an image that cannot be opened at all is one finding */
static int report_unopened(vhd_fault_fn *fault, void *ctx, int error,
			   const struct vhd_diag *why, struct vhd_diag *diag)
{
	const struct vhd_fault f = {
		.code = open_code(error),
		.structure = why->structure ? why->structure : "image",
		.offset = why->offset,
		.severity = VHD_SEVERITY_CORRUPT,
		.message = why->text,
	};

	if (error != VHD_E_CORRUPT && error != VHD_E_UNSUPPORTED &&
	    error != VHD_E_LIMIT && error != VHD_E_LOG) {
		if (diag)
			*diag = *why;
		return error;
	}
	fault(ctx, &f);
	return 0;
}

int vhd_image_check(struct vhd_file *file, int format, vhd_fault_fn *fault,
		    void *ctx, struct vhd_diag *diag)
{
	const struct vhd_image_options options = {
		.size = sizeof(options),
		.format = format,
	};
	struct vhd_checking c = {.fault = fault, .ctx = ctx, .diag = diag};
	struct vhd_diag why = {0};
	int rc = vhd_image_open(file, &options, &c.image, &why);

	if (rc)
		return report_unopened(fault, ctx, rc, &why, diag);
	report_conditions(&c);
	if (c.image->map.kind != VHD_MAP_LINEAR)
		rc = check_table(&c);
	if (!rc && format == VHD_FORMAT_VHD)
		rc = vhd1_check(&c);
	if (!rc && format == VHD_FORMAT_VHDX)
		rc = vhdx_check(&c);
	vhd_image_detach(c.image);
	return rc;
}

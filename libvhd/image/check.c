/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checking one image: what opening noticed, then the whole block table with the
 * claims of every object on the file, then what only one format has.
 */
#include "check.h"

#include <stddef.h>

#include "core/checked.h"
#include "core/condition.h"
#include "core/diag.h"
#include "layer.h"

static const char bat_name[] = "block table (BAT)";

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
			.repairable = rows[i].fault && rows[i].repairable,
		};

		if (c->image->conditions & rows[i].bit)
			c->fault(c->ctx, &fault);
	}
}

static void report_entry(struct vhd_checking *c, const char *code,
			 const struct vhd_table_entry *e, const char *text)
{
	if (c->entry_faults++ < VHD_CHECK_REPEAT_MAX)
		vhd_check_report(c, code, bat_name, e->block.entry,
				 VHD_SEVERITY_CORRUPT, text);
}

static int visit(void *ctx, const struct vhd_table_entry *e)
{
	struct vhd_checking *c = ctx;
	struct vhd_diag why;
	int rc = 0;

	if (e->error) {
		report_entry(c, "bat-entry", e, e->diag->text);
		return 0;
	}
	if (e->owned)
		rc = vhd_claims_add(c->claims, e->owned, e->owned_length);
	if (rc == VHD_E_CORRUPT) {
		vhd_fail_value(&why, rc, NULL, 0,
			       "this block and another one share the space at "
			       "offset %: a write to one changes the other",
			       e->owned);
		report_entry(c, "bat-overlap", e, why.text);
		rc = 0;
	}
	if (rc == VHD_E_LIMIT) {
		vhd_check_report(c, "too-many-blocks", bat_name, e->block.entry,
				 VHD_SEVERITY_ERROR,
				 "more blocks than can be checked for overlap");
		return rc;
	}
	return rc;
}

static void report_conflict(struct vhd_checking *c)
{
	struct vhd_diag why;
	uint64_t at;

	if (!vhd_claims_conflict(c->claims, &at))
		return;
	vhd_fail_value(&why, VHD_E_CORRUPT, NULL, 0,
		       "two blocks share the space at offset %: a write to "
		       "one changes the other",
		       at);
	vhd_check_report(c, "bat-overlap", bat_name, c->image->map.bat_offset,
			 VHD_SEVERITY_CORRUPT, why.text);
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
			 VHD_SEVERITY_CORRUPT, why.text);
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

/* bytes a block takes with its bitmap */
static uint64_t block_place(const struct vhd_image *image)
{
	return ((uint64_t)1 << image->map.block_shift) +
	       image->map.bitmap_bytes;
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

/*
 * Space behind the first block that nothing owns but the host stores. Gaps
 * smaller than a block are alignment, and space in front of the first block
 * (`low`) is layout.
 */
static void report_leaks(struct vhd_checking *c, uint64_t low)
{
	const struct vhd_map *map = &c->image->map;
	struct leaking l = {.file = c->image->view};
	struct vhd_fault fault = {
		.code = "leak",
		.structure = "free space",
		.severity = VHD_SEVERITY_LEAK,
		.message = "space in the file that nothing refers to; compact "
			   "gives it back",
		.repairable = 1,
	};
	uint64_t block = block_place(c->image);

	vhd_claims_gaps(c->claims, first_block(c->image, low), map->limit,
			block, count_stored, &l);
	fault.offset = l.first;
	fault.leaked = l.bytes;
	if (l.bytes >= block)
		c->fault(c->ctx, &fault);
}

static int claim_metadata(struct vhd_checking *c)
{
	const struct vhd_map *map = &c->image->map;

	if (map->kind != VHD_MAP_VHDX)
		return 0;
	for (uint32_t i = 0; i < map->reserved_count; i++) {
		int rc = vhd_claims_add(c->claims, map->reserved[i].start,
					map->reserved[i].end -
						map->reserved[i].start);

		if (rc)
			return rc == VHD_E_CORRUPT ? 0 : rc;
	}
	return 0;
}

/* claims of all entries, then of metadata; `low` is the first block's place */
static int claim_all(struct vhd_checking *c, uint64_t *low)
{
	uint64_t high;
	int rc = vhd_table_claims(c->image, &c->claims);

	if (!rc)
		rc = vhd_table_walk(c->image, visit, c, c->diag);
	if (rc)
		return rc;
	report_repeats(c);
	report_conflict(c);
	vhd_claims_bounds(c->claims, low, &high);
	/* from here on metadata is owned space too, and no leak */
	return claim_metadata(c);
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
		vhd_claims_gaps(c.claims, first_block(image, low), end,
				block_place(image), gap, ctx);
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

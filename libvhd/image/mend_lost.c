/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Salvage of a VHD of which a structure is lost that has no second copy left:
 *
 *   both footers    the dynamic header is good; the size must be told
 *   dynamic header  a footer is good and the block table proves what the
 *                   header must have said; dynamic disks only, because nothing
 *                   else names a parent
 *   a fixed disk's end
 *
 * Whatever is built is written in one place that was damaged before, so a cut
 * leaves what was there or the new one. vhd.md 15
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "core/bytes.h"
#include "core/checked.h"
#include "core/diag.h"
#include "core/guid.h"
#include "core/vhd1_open.h"
#include "mend.h"

static const char footer_name[] = "VHD footer";
static const char header_name[] = "VHD dynamic header";

struct lost {
	struct vhd_mending *m;
	uint64_t size; /* of the file */
	int error;     /* what opening said */
	const struct vhd_diag *why;
	/* the footer at the end, the copy at 0; 0: good */
	int end_rc;
	int copy_rc;
	uint64_t end_at;
	struct vhd1_footer end;
	struct vhd1_footer copy;
	uint8_t header[VHD1_HEADER_SIZE]; /* as stored */
};

static int give_up(const struct lost *l, const char *hint)
{
	if (l->m->diag) {
		*l->m->diag = *l->why;
		if (hint)
			l->m->diag->hint = hint;
	}
	return l->error;
}

static void report(const struct lost *l, const char *code,
		   const char *structure, uint64_t offset, const char *message,
		   uint64_t start, uint64_t length)
{
	const struct vhd_fault fault = {
		.code = code,
		.structure = structure,
		.offset = offset,
		.severity = VHD_SEVERITY_CORRUPT,
		.message = message,
		.repairable = VHD_REPAIRABLE_SALVAGE,
		.start = start,
		.length = length,
	};

	l->m->mended(l->m->ctx, &fault);
}

static int read_footer(const struct lost *l, uint64_t at, uint32_t size,
		       struct vhd1_footer *out)
{
	uint8_t bytes[VHD1_FOOTER_SIZE] = {0};
	int rc = vhd_file_read(l->m->file, at, bytes, size);

	return rc ? rc : vhd1_footer_decode(bytes, at, out, NULL);
}

static void read_footers(struct lost *l)
{
	l->end_rc = VHD_E_FORMAT;
	l->copy_rc = VHD_E_FORMAT;
	if (l->size < VHD1_FOOTER_SIZE)
		return;
	l->end_at = l->size - VHD1_FOOTER_SIZE;
	l->end_rc = read_footer(l, l->end_at, VHD1_FOOTER_SIZE, &l->end);
	l->copy_rc = read_footer(l, 0, VHD1_FOOTER_SIZE, &l->copy);
	if (!l->copy_rc && l->copy.type == VHD_TYPE_FIXED)
		l->copy_rc = VHD_E_FORMAT; /* guest data */
}

static int put(const struct lost *l, uint64_t at, const void *bytes, size_t len)
{
	int rc = vhd_file_write(l->m->file, at, bytes, len);

	return rc ? rc : vhd_file_flush(l->m->file);
}

/* -- both footers ------------------------------------------------------------
 */

static int new_id(struct vhd_guid *out)
{
	if (getrandom(out->b, sizeof(out->b), 0) != sizeof(out->b))
		return VHD_E_IO;
	out->b[6] = (uint8_t)(0x40 | (out->b[6] & 0x0F));
	out->b[8] = (uint8_t)(0x80 | (out->b[8] & 0x3F));
	return 0;
}

static int make_footer(const struct vhd1_header *header, uint64_t size,
		       uint8_t bytes[VHD1_FOOTER_SIZE])
{
	struct vhd1_footer footer = {
		.data_offset = VHD1_FOOTER_SIZE,
		.original_size = size,
		.current_size = size,
		.features = VHD1_FEATURE_RESERVED,
		.version = 0x00010000,
		.creator = {'l', 'v', 'h', 'd'},
		.creator_os = {'W', 'i', '2', 'k'},
		.type = vhd_guid_is_null(&header->parent_id)
				? VHD_TYPE_DYNAMIC
				: VHD_TYPE_DIFFERENCING,
		.geometry = {65535, 16, 255},
	};
	int rc = new_id(&footer.id);

	memset(bytes, 0, VHD1_FOOTER_SIZE);
	if (!rc)
		vhd1_footer_encode(&footer, bytes);
	return rc;
}

static int build_footer(struct lost *l)
{
	uint64_t size = l->m->options->virtual_size, most;
	uint8_t bytes[VHD1_FOOTER_SIZE];
	struct vhd1_header header;
	int rc;

	if (vhd1_header_decode(l->header, VHD1_FOOTER_SIZE, &header, NULL))
		return give_up(l, NULL);
	if (!l->m->options->salvage || !size)
		return give_up(l, "its dynamic header is whole: --repair="
				  "salvage --size SIZE builds a new footer, if "
				  "you know the size of the disk");
	most = (uint64_t)header.max_entries * header.block_size;
	if (size > most || size > VHD1_SPARSE_MAX ||
	    !vhd_is_aligned(size, VHD1_SECTOR))
		return vhd_fail_value(l->m->diag, VHD_E_INVALID, header_name,
				      VHD1_FOOTER_SIZE,
				      "the disk has whole sectors, and at most "
				      "% bytes by its block table",
				      vhd_min(most, VHD1_SPARSE_MAX));
	rc = make_footer(&header, size, bytes);
	if (!rc)
		rc = put(l, 0, bytes, sizeof(bytes));
	if (rc)
		return vhd_mend_fail(l->m, rc, footer_name, 0);
	report(l, "footer-lost", footer_name, 0,
	       "built anew from the dynamic header; its id is new, so children "
	       "will not know it",
	       0, 0);
	return 0;
}

/* -- the dynamic header ------------------------------------------------------
 */

/* where the table may be and how long its blocks are */
struct shape {
	uint64_t table;
	uint32_t block_size;
};

static int by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* places of blocks, sorted: apart from each other and at equal steps */
static bool are_plausible(const uint32_t *starts, uint64_t count,
			  const struct shape *s, uint64_t table_end,
			  uint64_t limit)
{
	uint64_t place = vhd1_bitmap_bytes(s->block_size) + s->block_size;
	uint64_t steps[] = {place, vhd_round_up(place, 4096)};
	bool fits[2] = {true, true};
	uint64_t end;

	if (!count)
		return true;
	end = (uint64_t)starts[count - 1] * VHD1_SECTOR + place;
	if ((uint64_t)starts[0] * VHD1_SECTOR < table_end || end > limit ||
	    limit - end >= steps[1])
		return false;
	for (uint64_t i = 1; i < count; i++) {
		uint64_t gap =
			((uint64_t)starts[i] - starts[i - 1]) * VHD1_SECTOR;

		for (int k = 0; k < 2; k++)
			fits[k] &= gap && gap % steps[k] == 0;
	}
	return fits[0] || fits[1];
}

/* keeps the entries in use, in place; returns how many */
static uint64_t keep_used(uint8_t *bytes, uint64_t entries, uint32_t *starts)
{
	uint64_t count = 0;

	for (uint64_t i = 0; i < entries; i++) {
		be32 raw;

		memcpy(&raw, bytes + 4 * i, sizeof(raw));
		if (be32_get(raw) != UINT32_MAX)
			starts[count++] = be32_get(raw);
	}
	return count;
}

/* 1 if the file's table can be one of this shape */
static int try_shape(const struct lost *l, const struct vhd1_footer *footer,
		     uint64_t limit, const struct shape *s)
{
	uint64_t entries =
		vhd_shift_up(footer->current_size, vhd_shift_of(s->block_size));
	uint64_t bytes = entries * 4;
	uint64_t end = vhd_round_up(s->table + bytes, VHD1_SECTOR);
	uint8_t *table;
	uint32_t *starts;
	uint64_t count;
	int rc = VHD_E_NOMEM;

	if (footer->current_size > VHD1_SPARSE_MAX || end > limit ||
	    s->table < footer->data_offset + VHD1_HEADER_SIZE)
		return 0;
	table = malloc((size_t)bytes);
	starts = malloc((size_t)bytes);
	if (table && starts)
		rc = vhd_file_read(l->m->file, s->table, table, (size_t)bytes);
	if (!rc) {
		count = keep_used(table, entries, starts);
		qsort(starts, (size_t)count, sizeof(*starts), by_value);
		rc = are_plausible(starts, count, s, end, limit);
	}
	free(starts);
	free(table);
	return rc;
}

/* what the damaged header says of itself, if that makes sense */
static bool stored_shape(const struct lost *l, struct shape *out)
{
	const struct vhd1_header_disk *disk = (const void *)l->header;

	out->table = be64_get(disk->table_offset);
	out->block_size = be32_get(disk->block_size);
	return out->table < l->size &&
	       vhd_is_aligned(out->table, VHD1_SECTOR) &&
	       vhd_is_pow2(out->block_size) &&
	       out->block_size >= VHD1_BLOCK_MIN &&
	       out->block_size <= VHD1_BLOCK_MAX;
}

/* the one shape that the table fits; 0 if there is none, or more than one */
static int find_shape(const struct lost *l, const struct vhd1_footer *footer,
		      uint64_t limit, struct shape *out)
{
	const struct shape usual[] = {{1536, 2u << 20}, {1536, 512u << 10}};
	int found = 0;

	if (stored_shape(l, out))
		return try_shape(l, footer, limit, out);
	for (size_t i = 0; i < 2; i++) {
		int rc = try_shape(l, footer, limit, &usual[i]);

		if (rc < 0)
			return rc;
		if (rc)
			*out = usual[i];
		found += rc;
	}
	return found == 1;
}

static int build_header(struct lost *l, const struct vhd1_footer *footer,
			uint64_t limit)
{
	static const char hint[] =
		"--repair=salvage rebuilds the header if the block table "
		"leaves no doubt; of a differencing disk the parent would be "
		"lost, so it is never rebuilt";
	uint64_t at = footer->data_offset;
	uint8_t bytes[VHD1_HEADER_SIZE] = {0};
	struct vhd1_header header = {0};
	struct shape shape;
	int rc;

	if (!l->m->options->salvage || footer->type != VHD_TYPE_DYNAMIC)
		return give_up(l, hint);
	rc = find_shape(l, footer, limit, &shape);
	if (rc < 0)
		return vhd_mend_fail(l->m, rc, header_name, at);
	if (!rc)
		return give_up(l, hint);
	header.table_offset = shape.table;
	header.block_size = shape.block_size;
	header.max_entries = (uint32_t)vhd_shift_up(
		footer->current_size, vhd_shift_of(shape.block_size));
	vhd1_header_encode(&header, bytes);
	rc = put(l, at, bytes, sizeof(bytes));
	if (rc)
		return vhd_mend_fail(l->m, rc, header_name, at);
	report(l, "corrupt", header_name, at,
	       "built anew; the block table fits it", 0, 0);
	return 0;
}

/* -- the end of a fixed disk -------------------------------------------------
 */

/*
 * The new footer first: it is the only one. A cut before the old one is gone
 * leaves 512 odd bytes in the range that is lost anyway.
 */
static int extend_fixed(struct lost *l)
{
	static const uint8_t zeros[VHD1_FOOTER_SIZE];
	uint64_t end = vhd_round_down(l->end.current_size, VHD1_SECTOR);
	uint8_t bytes[VHD1_FOOTER_SIZE];
	int rc;

	if (!l->m->options->salvage)
		return give_up(l, "--repair=salvage puts zeros where data are "
				  "missing");
	rc = vhd_file_read(l->m->file, l->end_at, bytes, sizeof(bytes));
	if (!rc)
		rc = put(l, vhd_max(end, l->size), bytes, sizeof(bytes));
	if (!rc)
		rc = put(l, l->end_at, zeros, sizeof(zeros));
	if (rc)
		return vhd_mend_fail(l->m, rc, footer_name, l->end_at);
	report(l, "corrupt", footer_name, l->end_at,
	       "the end of a fixed disk is lost and reads as zeros", l->end_at,
	       end - l->end_at);
	return 0;
}

/* -- which of them -----------------------------------------------------------
 */

static bool is_header_bad(struct lost *l, uint64_t at)
{
	struct vhd1_header header;

	return at >= VHD1_FOOTER_SIZE && vhd_is_aligned(at, VHD1_SECTOR) &&
	       vhd_inside(at, VHD1_HEADER_SIZE, l->size) &&
	       !vhd_file_read(l->m->file, at, l->header, VHD1_HEADER_SIZE) &&
	       vhd1_header_decode(l->header, at, &header, NULL) ==
		       VHD_E_CORRUPT;
}

static bool is_lost(int rc)
{
	return rc == VHD_E_FORMAT || rc == VHD_E_CORRUPT;
}

static int mend(struct lost *l)
{
	if (!l->end_rc && l->end.type == VHD_TYPE_FIXED)
		return l->end.current_size > l->end_at &&
				       l->end.current_size < INT64_MAX / 2
			       ? extend_fixed(l)
			       : give_up(l, NULL);
	if (!l->end_rc)
		return is_header_bad(l, l->end.data_offset)
			       ? build_header(l, &l->end, l->end_at)
			       : give_up(l, NULL);
	if (is_lost(l->end_rc) && !l->copy_rc)
		return is_header_bad(l, l->copy.data_offset)
			       ? build_header(l, &l->copy, l->size)
			       : give_up(l, NULL);
	if (is_lost(l->end_rc) && is_lost(l->copy_rc) &&
	    vhd_inside(VHD1_FOOTER_SIZE, VHD1_HEADER_SIZE, l->size) &&
	    !vhd_file_read(l->m->file, VHD1_FOOTER_SIZE, l->header,
			   VHD1_HEADER_SIZE))
		return build_footer(l);
	return give_up(l, NULL);
}

int vhd1_mend_lost(struct vhd_mending *m, int error, const struct vhd_diag *why)
{
	struct lost *l = calloc(1, sizeof(*l));
	int rc;

	if (!l)
		return vhd_mend_fail(m, VHD_E_NOMEM, NULL, VHD_NO_OFFSET);
	l->m = m;
	l->error = error;
	l->why = why;
	rc = vhd_file_size(m->file, &l->size);
	if (rc) {
		vhd_mend_fail(m, rc, NULL, VHD_NO_OFFSET);
	} else {
		read_footers(l);
		rc = mend(l);
	}
	free(l);
	return rc;
}

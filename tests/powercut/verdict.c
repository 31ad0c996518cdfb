/* SPDX-License-Identifier: BSD-2-Clause */
#include "verdict.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "core/vhdx_header.h"

/* longest piece that is written after a recovery */
#define PIECE 65536u

static bool complain(struct verdict *v, const char *what, int rc,
		     const struct vhd_diag *diag)
{
	v->failed = true;
	fprintf(stderr, "%s: %s", v->subject->name, what);
	if (rc)
		fprintf(stderr, ": %s", vhd_strerror(rc));
	if (diag && diag->text[0])
		fprintf(stderr, ": %s (offset %" PRIu64 ")", diag->text,
			diag->offset);
	fputc('\n', stderr);
	return false;
}

static uint8_t *buffer(const struct verdict *v)
{
	uint8_t *p = malloc((size_t)v->subject->size);

	if (!p)
		abort();
	return p;
}

void verdict_init(struct verdict *v, const struct subject *subject,
		  struct cow *parent, const struct oracle *oracle)
{
	*v = (struct verdict){
		.subject = subject, .parent = parent, .oracle = oracle};
	v->shown = buffer(v);
	v->wanted = buffer(v);
	v->scratch = buffer(v);
}

void verdict_drop(struct verdict *v)
{
	free(v->shown);
	free(v->wanted);
	free(v->scratch);
}

bool verdict_read(struct verdict *v, struct vhd_disk *disk, uint8_t *out)
{
	struct vhd_diag diag = {0};
	int rc = vhd_disk_read(disk, 0, out, (size_t)v->subject->size, &diag);

	return rc ? complain(v, "cannot be read", rc, &diag) : true;
}

static bool open_content(struct verdict *v, struct vhd_file *file,
			 bool writable, struct vhd_disk **out)
{
	struct vhd_diag diag = {0};
	int rc =
		subject_open(v->subject, file, v->parent, writable, out, &diag);

	if (!rc)
		return true;
	vhd_file_close(file);
	return complain(
		v, writable ? "does not open for writing" : "does not open", rc,
		&diag);
}

static bool read_content(struct verdict *v, struct cow *content, uint8_t *out,
			 uint32_t *conditions)
{
	struct vhd_disk *disk;
	bool ok;

	if (!open_content(v, cow_file(content, false), false, &disk))
		return false;
	*conditions = vhd_image_conditions(vhd_disk_image(disk, 0));
	ok = verdict_read(v, disk, out);
	vhd_disk_close(disk);
	return ok;
}

/* -- vhd_image_check() -------------------------------------------------------
 */

/* leaks may be; a VHD may have lost its end footer while it grew */
static void note_fault(void *ctx, const struct vhd_fault *fault)
{
	struct verdict *v = ctx;

	if (fault->severity < VHD_SEVERITY_ERROR ||
	    strcmp(fault->code, "footer-lost") == 0)
		return;
	complain(v, fault->message, 0, NULL);
}

static bool check_content(struct verdict *v, struct cow *content)
{
	struct vhd_file *file = cow_file(content, false);
	int rc = vhd_image_check(file, v->subject->format, note_fault, v, NULL);

	vhd_file_close(file);
	return rc ? complain(v, "cannot be checked", rc, NULL) : !v->failed;
}

/* -- the loader's reader -----------------------------------------------------
 */

struct loader {
	struct vhd_boot *boot;
	void *state;
	void *window;
};

static int start_loader(const struct verdict *v, struct cow *content,
			struct loader *l)
{
	struct vhd_source source = cow_source(content);

	l->state = aligned_alloc(16, (vhd_boot_size() + 15) & ~(size_t)15);
	l->window = aligned_alloc(16, VHD_BOOT_WINDOW);
	if (!l->state || !l->window)
		abort();
	return vhd_boot_open(l->state, &source, v->subject->format, l->window,
			     VHD_BOOT_WINDOW, &l->boot, NULL);
}

static bool loader_agrees(struct verdict *v, struct cow *content)
{
	struct loader child = {0}, parent = {0};
	int rc = start_loader(v, content, &child);

	if (!rc && v->parent)
		rc = start_loader(v, v->parent, &parent);
	if (!rc && v->parent)
		rc = vhd_boot_set_parent(child.boot, parent.boot, NULL);
	if (!rc)
		rc = vhd_boot_read(child.boot, 0, v->scratch,
				   (size_t)v->subject->size);
	free(child.state);
	free(child.window);
	free(parent.state);
	free(parent.window);
	if (rc)
		return complain(v, "the loader cannot read it", rc, NULL);
	if (memcmp(v->scratch, v->shown, (size_t)v->subject->size))
		return complain(v, "the loader reads something else", 0, NULL);
	return true;
}

/* -- recovery ----------------------------------------------------------------
 */

/* each sector as before or as written */
static bool old_or_new(struct verdict *v, const uint8_t *bytes)
{
	for (uint64_t at = 0; at < v->subject->size; at += 512)
		if (memcmp(bytes + at, v->shown + at, 512) &&
		    memcmp(bytes + at, v->wanted + at, 512)) {
			fprintf(stderr, "sector %" PRIu64 ": ", at / 512);
			return complain(v,
					"a cut during recovery shows a "
					"third thing",
					0, NULL);
		}
	return true;
}

struct recovery {
	struct verdict *v;
	struct powercut *power;
	uint64_t seed;
	uint64_t moment;
	bool deep; /* cut it again */
};

/* a cut during recovery: what it leaves must be good as well */
static void cut_again(void *ctx)
{
	struct recovery *r = ctx;
	struct verdict *v = r->v;
	uint64_t lot = cut_hash(r->seed, r->moment++);
	struct cow *content;
	struct vhd_disk *disk;
	uint32_t conditions;

	if (v->failed || !r->deep)
		return;
	v->cuts++;
	content =
		powercut_content(r->power, powercut_choose(r->power, lot >> 8));
	if (read_content(v, content, v->scratch, &conditions) &&
	    old_or_new(v, v->scratch) && check_content(v, content) &&
	    open_content(v, cow_file(content, true), true, &disk)) {
		if (verdict_read(v, disk, v->scratch))
			old_or_new(v, v->scratch);
		vhd_disk_close(disk);
	}
	cow_free(content);
}

static bool shows(struct verdict *v, struct vhd_disk *disk,
		  const uint8_t *expected, const char *when)
{
	if (!verdict_read(v, disk, v->scratch))
		return false;
	for (uint64_t at = 0; at < v->subject->size; at += 512)
		if (memcmp(v->scratch + at, expected + at, 512)) {
			fprintf(stderr,
				"sector %" PRIu64 " differs: ", at / 512);
			return complain(v, when, 0, NULL);
		}
	return true;
}

static void choose_piece(const struct verdict *v, uint64_t seed,
			 uint64_t *offset, uint64_t *length)
{
	uint64_t unit = v->subject->sector, size = v->subject->size;

	*length = (cut_hash(seed, 3) % (PIECE / unit) + 1) * unit;
	*offset = cut_hash(seed, 4) % ((size - *length) / unit + 1) * unit;
}

/* the second open after a cut: the disk is used, and closed in order */
static bool use(struct verdict *v, struct recovery *r, struct powercut *power)
{
	uint64_t offset, length;
	struct vhd_disk *disk;
	int rc;
	bool ok;

	if (!open_content(v, powercut_file(power), true, &disk))
		return false;
	ok = shows(v, disk, v->shown, "a second recovery shows another disk");
	choose_piece(v, r->seed, &offset, &length);
	oracle_content(offset, length, UINT32_MAX - 1, v->wanted + offset);
	rc = ok ? vhd_disk_write(disk, offset, v->wanted + offset,
				 (size_t)length, NULL)
		: 0;
	if (!rc && ok)
		rc = vhd_disk_shut(disk, NULL);
	vhd_disk_close(disk);
	return rc ? complain(v, "cannot be written after recovery", rc, NULL)
		  : ok;
}

bool verdict_clean(struct verdict *v, struct cow *content,
		   const uint8_t *expected)
{
	uint32_t conditions, dirt = VHD_COND_LOG_DIRTY | VHD_COND_FOOTER_LOST;

	if (!read_content(v, content, v->scratch, &conditions))
		return false;
	if (memcmp(v->scratch, expected, (size_t)v->subject->size))
		return complain(v, "a write is lost after a clean close", 0,
				NULL);
	if (conditions & dirt)
		return complain(v, "is not clean after a clean close", 0, NULL);
	return check_content(v, content);
}

static bool recovers(struct verdict *v, const struct cow *content,
		     uint64_t seed)
{
	struct powercut *power = powercut_new(cow_copy(content));
	struct recovery r = {v, power, seed, 0, seed % 16 == 0};
	struct cow *after;
	struct vhd_disk *disk;
	bool ok;

	memcpy(v->wanted, v->shown, (size_t)v->subject->size);
	powercut_hook(power, cut_again, &r);
	ok = open_content(v, powercut_file(power), true, &disk);
	if (ok) {
		ok = shows(v, disk, v->shown, "recovery shows another disk");
		vhd_disk_close(disk);
	}
	ok = ok && use(v, &r, power);
	powercut_hook(power, NULL, NULL);
	after = powercut_content(power, (struct cut){CUT_ALL, 0});
	ok = ok && verdict_clean(v, after, v->wanted);
	cow_free(after);
	powercut_free(power);
	return ok && !v->failed;
}

static bool is_allowed(struct verdict *v)
{
	uint64_t bad = oracle_check(v->oracle, 0, v->shown, v->subject->size);

	if (bad == UINT64_MAX)
		return true;
	oracle_explain(v->oracle, bad, v->shown + bad);
	return complain(v, "a cut shows a third thing", 0, NULL);
}

static bool has_kept_footer(struct verdict *v, uint32_t conditions)
{
	if (!v->keeps_footer || !(conditions & VHD_COND_FOOTER_LOST))
		return true;
	return complain(v, "a clean close lost the footer at the end", 0, NULL);
}

bool verdict_judge(struct verdict *v, const struct cow *content, uint64_t seed)
{
	struct cow *copy = cow_copy(content);
	uint32_t conditions;
	bool ok;

	v->cuts++;
	ok = read_content(v, copy, v->shown, &conditions) && is_allowed(v) &&
	     has_kept_footer(v, conditions) && check_content(v, copy) &&
	     loader_agrees(v, copy);
	ok = ok && recovers(v, copy, seed);
	cow_free(copy);
	return ok;
}

bool verdict_has_footer(struct verdict *v, struct cow *content)
{
	struct vhd_file *file;
	struct vhd_disk *disk;
	uint32_t conditions;

	if (v->subject->format != VHD_FORMAT_VHD)
		return true;
	file = cow_file(content, false);
	if (subject_open(v->subject, file, v->parent, false, &disk, NULL)) {
		vhd_file_close(file);
		return false;
	}
	conditions = vhd_image_conditions(vhd_disk_image(disk, 0));
	vhd_disk_close(disk);
	return !(conditions & VHD_COND_FOOTER_LOST);
}

/* -- the header that counts goes bad -----------------------------------------
 */

static bool damage_header(struct verdict *v, struct cow *content)
{
	struct vhd_source source = cow_source(content);
	uint8_t scratch[VHDX_HEADER_SIZE];
	struct vhdx_headers headers;
	int rc = vhdx_header_choose(&source, scratch, &headers, NULL);

	if (rc)
		return complain(v, "has no header", rc, NULL);
	cow_zero(content, headers.offset, VHDX_HEADER_SIZE);
	return true;
}

bool verdict_judge_headers(struct verdict *v, const struct cow *content)
{
	struct cow *copy;
	struct vhd_disk *disk;
	uint32_t conditions;
	bool ok;

	if (v->subject->format != VHD_FORMAT_VHDX)
		return true;
	v->cuts++;
	copy = cow_copy(content);
	ok = damage_header(v, copy) &&
	     read_content(v, copy, v->shown, &conditions) && is_allowed(v) &&
	     loader_agrees(v, copy) &&
	     open_content(v, cow_file(copy, true), true, &disk);
	if (ok) {
		ok = shows(v, disk, v->shown, "recovery shows another disk");
		vhd_disk_close(disk);
	}
	cow_free(copy);
	return ok;
}

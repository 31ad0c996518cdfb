/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/player.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"

void player_init(struct player *p, const struct subject *subject, uint64_t seed)
{
	p->subject = subject;
	p->seed = seed;
	p->parent = subject_parent(subject);
	p->power = powercut_new(subject_make(subject));
	p->oracle = subject_oracle(subject);
	p->buf = malloc((size_t)subject->size);
	if (!p->buf)
		abort();
	player_open(p);
}

void player_drop(struct player *p)
{
	vhd_disk_close(p->disk);
	powercut_free(p->power);
	oracle_free(p->oracle);
	cow_free(p->parent);
	free(p->buf);
}

uint64_t player_draw(struct player *p, uint64_t n)
{
	return cut_hash(p->seed, p->lots++) % n;
}

void player_fail(struct player *p, const char *what, int rc)
{
	p->failed = true;
	fprintf(stderr, "%s: step %" PRIu64 ": %s: %s\n", p->subject->name,
		p->steps, what, rc ? vhd_strerror(rc) : "wrong content");
}

static bool read_range(struct player *p, uint64_t offset, uint64_t length)
{
	int rc = p->disk ? vhd_disk_read(p->disk, offset, p->buf,
					 (size_t)length, NULL)
			 : VHD_E_IO;

	if (rc)
		player_fail(p, "read", rc);
	return !rc;
}

/* takes what a range shows as newest, if it is allowed at all */
static void adopt(struct player *p, uint64_t offset, uint64_t length)
{
	uint64_t bad;

	if (p->failed || !read_range(p, offset, length))
		return;
	bad = oracle_check(p->oracle, offset, p->buf, length);
	if (bad == UINT64_MAX) {
		oracle_adopt(p->oracle, offset, p->buf, length);
		return;
	}
	oracle_explain(p->oracle, bad, p->buf + bad - offset);
	player_fail(p, "what was left is a third thing", 0);
}

/* a full host may say so: calls were refused since there were `before` */
static bool was_full(const struct player *p, int rc, uint64_t before)
{
	return rc == VHD_E_NOSPACE && powercut_refused(p->power) > before;
}

static int try_open(struct player *p, struct vhd_diag *diag)
{
	struct vhd_file *file = powercut_file(p->power);
	int rc =
		subject_open(p->subject, file, p->parent, true, &p->disk, diag);

	if (rc) {
		vhd_file_close(file);
		p->disk = NULL;
	}
	return rc;
}

void player_open(struct player *p)
{
	struct vhd_diag diag = {0};
	uint64_t before;
	int rc;

	do {
		before = powercut_refused(p->power);
		rc = try_open(p, &diag);
	} while (was_full(p, rc, before));
	if (rc)
		player_fail(p, diag.text, rc);
}

bool player_try_flush(struct player *p)
{
	uint64_t before = powercut_refused(p->power);
	int rc = vhd_disk_flush(p->disk, NULL);

	if (!rc)
		oracle_flushed(p->oracle);
	else if (!was_full(p, rc, before))
		player_fail(p, "flush", rc);
	return !rc;
}

void player_flush(struct player *p)
{
	while (!p->failed && !player_try_flush(p))
		;
}

void player_write(struct player *p, uint64_t offset, uint64_t length)
{
	uint64_t before = powercut_refused(p->power);
	uint32_t version = ++p->oracle->version;
	int rc;

	oracle_content(offset, length, version, p->buf);
	oracle_allow(p->oracle, offset, length, version);
	rc = vhd_disk_write(p->disk, offset, p->buf, (size_t)length, NULL);
	if (!rc)
		oracle_set(p->oracle, offset, length, version);
	else if (was_full(p, rc, before))
		adopt(p, offset, length);
	else
		player_fail(p, "write", rc);
}

void player_zero(struct player *p, uint64_t offset, uint64_t length)
{
	uint64_t before = powercut_refused(p->power);
	int rc;

	oracle_allow(p->oracle, offset, length, ORACLE_ZERO);
	rc = vhd_disk_zero(p->disk, offset, length, NULL);
	if (!rc)
		oracle_set(p->oracle, offset, length, ORACLE_ZERO);
	else if (was_full(p, rc, before))
		adopt(p, offset, length);
	else
		player_fail(p, "zero", rc);
}

/* each sector of a range reads as zeros or as before: finds out which */
static void look_for_zeros(struct player *p, uint64_t offset, uint64_t length)
{
	static const uint8_t zeros[ORACLE_SECTOR];

	if (!read_range(p, offset, length))
		return;
	for (uint64_t at = 0; at < length; at += sizeof(zeros))
		if (memcmp(p->buf + at, zeros, sizeof(zeros)) == 0)
			oracle_set(p->oracle, offset + at, sizeof(zeros),
				   ORACLE_ZERO);
}

void player_discard(struct player *p, uint64_t offset, uint64_t length)
{
	uint64_t before = powercut_refused(p->power);
	int rc;

	oracle_allow(p->oracle, offset, length, ORACLE_ZERO);
	rc = vhd_disk_discard(p->disk, offset, length, NULL);
	if (!rc)
		look_for_zeros(p, offset, length);
	else if (was_full(p, rc, before))
		adopt(p, offset, length);
	else
		player_fail(p, "discard", rc);
}

void player_compare(struct player *p)
{
	if (!read_range(p, 0, p->subject->size))
		return;
	for (uint64_t at = 0; at < p->subject->size; at += ORACLE_SECTOR)
		if (memcmp(p->buf + at, p->oracle->bytes + at, ORACLE_SECTOR)) {
			oracle_explain(p->oracle, at, p->buf + at);
			player_fail(p, "the disk shows something else", 0);
			return;
		}
}

void player_shut(struct player *p)
{
	uint64_t before;
	int rc;

	do {
		before = powercut_refused(p->power);
		rc = vhd_disk_shut(p->disk, NULL);
	} while (was_full(p, rc, before) && vhd_disk_is_writable(p->disk));
	/* full only when all was flushed: not tidied up, but durable */
	if (!rc || was_full(p, rc, before))
		oracle_flushed(p->oracle);
	else
		player_fail(p, "shut", rc);
	vhd_disk_close(p->disk);
	p->disk = NULL;
	if (!p->failed)
		player_open(p);
}

void player_kill(struct player *p)
{
	vhd_disk_close(p->disk);
	p->disk = NULL;
	player_open(p);
	adopt(p, 0, p->subject->size);
}

void player_crash(struct player *p, struct cut cut)
{
	struct cow *content = powercut_content(p->power, cut);

	vhd_disk_close(p->disk);
	p->disk = NULL;
	powercut_reset(p->power, content);
	player_open(p);
	adopt(p, 0, p->subject->size);
	if (!p->failed) {
		/* recovery itself was a change; what it shows is settled */
		player_flush(p);
	}
}

void player_draw_range(struct player *p, uint64_t *offset, uint64_t *length)
{
	uint64_t size = p->subject->size, unit = p->subject->sector;
	uint64_t block = p->subject->block ? p->subject->block : 65536;
	uint64_t hot = player_draw(p, 3) ? vhd_min(size, 2 * block) : size;

	*offset = player_draw(p, hot / unit) * unit;
	switch (player_draw(p, 8)) {
	case 0:
	case 1:
		*length = unit;
		break;
	case 2:
	case 3:
		*length = (1 + player_draw(p, 8192 / unit)) * unit;
		break;
	case 4:
		*offset = vhd_round_down(*offset, 4096);
		*length = (1 + player_draw(p, 16)) * 4096;
		break;
	case 5: /* over the end of a block */
		*offset = vhd_round_down(*offset, block) + block - 2 * unit;
		*length = (1 + player_draw(p, 8)) * unit;
		break;
	case 6:
		*offset = vhd_round_down(*offset, block);
		*length = block;
		break;
	default:
		*length = (1 + player_draw(p, block / unit)) * unit;
	}
	*offset = vhd_min(*offset, size - unit);
	*length = vhd_min(*length, size - *offset);
}

/* what an unused sector may read as afterwards */
static void allow_unused(struct player *p, uint64_t offset, uint64_t length)
{
	oracle_allow(p->oracle, offset, length, ORACLE_ZERO);
	for (uint64_t at = offset; p->parent && at < offset + length;
	     at += ORACLE_SECTOR)
		if (subject_parent_holds(p->subject, at))
			oracle_allow(p->oracle, at, ORACLE_SECTOR,
				     ORACLE_PARENT);
}

/* a dry run foretells the size, within one block */
static void check_forecast(struct player *p,
			   const struct vhd_compact_result *before,
			   const struct vhd_compact_result *after)
{
	uint64_t a = before->file_after, b = after->file_after;
	uint64_t slack = p->subject->block + 4096;

	if (a > b + slack || b > a + slack)
		player_fail(p, "compact: a dry run foretold another size", 0);
	if (after->file_after > after->file_before)
		player_fail(p, "compact: the file has grown", 0);
}

static void compact_open_disk(struct player *p, bool trim,
			      const struct vhd_disk_range *unused, uint64_t n)
{
	struct vhd_compact_options o = {
		.size = sizeof(o),
		.flags = VHD_COMPACT_ZEROES | VHD_COMPACT_PARENT_EQUAL |
			 (trim ? VHD_COMPACT_NO_MOVE : 0),
		.jobs = 1, /* the power is cut in one thread */
		.unused = unused,
		.unused_count = unused->length > 0,
	};
	struct vhd_compact_result forecast = {0}, result = {0};
	uint64_t before = powercut_refused(p->power);
	struct vhd_diag diag = {0};
	int rc;

	o.flags |= VHD_COMPACT_DRY_RUN; /* flushes, and no more */
	rc = vhd_compact_disk(p->disk, &o, &forecast, NULL, &diag);
	if (was_full(p, rc, before))
		return;
	if (rc) {
		player_fail(p, diag.text, rc);
		return;
	}
	o.flags &= ~VHD_COMPACT_DRY_RUN;
	powercut_arm(p->power, n);
	rc = vhd_compact_disk(p->disk, &o, &result, NULL, &diag);
	powercut_arm(p->power, 0);
	if (rc && !n && !was_full(p, rc, before))
		player_fail(p, diag.text, rc);
	if (!rc)
		check_forecast(p, &forecast, &result);
	if (!rc && !unused->length)
		oracle_flushed(p->oracle);
}

void player_compact_live(struct player *p)
{
	const struct vhd_compact_options o = {
		.size = sizeof(o),
		.flags = VHD_COMPACT_LIVE | VHD_COMPACT_ZEROES |
			 VHD_COMPACT_PARENT_EQUAL,
		.jobs = 1,
	};
	uint64_t before = powercut_refused(p->power);
	struct vhd_compact_result result;
	struct vhd_diag diag = {0};
	int rc;

	if (p->subject->type == VHD_TYPE_FIXED)
		return;
	rc = vhd_compact_disk(p->disk, &o, &result, NULL, &diag);
	if (!rc)
		oracle_flushed(p->oracle);
	else if (!was_full(p, rc, before))
		player_fail(p, diag.text, rc);
}

void player_compact(struct player *p, bool trim, uint64_t offset,
		    uint64_t length, uint64_t n)
{
	const struct vhd_disk_range unused = {offset, length};

	if (p->subject->type == VHD_TYPE_FIXED)
		return;
	if (length)
		allow_unused(p, offset, length);
	compact_open_disk(p, trim, &unused, n);
	if (!n && length)
		player_kill(p); /* takes what shows as newest */
	else if (!n)
		player_shut(p);
}

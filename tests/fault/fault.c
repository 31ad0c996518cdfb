/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One scenario for every image of subject.c, again and again, with the n-th
 * read, write, flush, resize or allocation failing, for every n until none
 * fails any more. Then: the failure was reported by some call; after a failed
 * flush every later flush fails; and what a power cut leaves of the file at
 * that moment is what tests/powercut allows.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "powercut/verdict.h"
#include "support/fault.h"
#include "support/player.h"

#define MEMORY FAULT_KINDS /* one more kind */

static const char *const kind_names[] = {"read",  "write",  "punch",
					 "flush", "resize", "allocation"};

static uint64_t every; /* fault_every() */

struct test {
	struct player p;
	struct fault fault;
	int kind;
	uint64_t n;
	int error; /* the first that a call returned */
	bool flush_failed;
	bool bad;
};

static void complain(struct test *t, const char *what)
{
	t->bad = true;
	fprintf(stderr, "%s: %s %" PRIu64 "%s fails: %s\n", t->p.subject->name,
		kind_names[t->kind], t->n,
		t->fault.for_ever ? " and all later ones" : "", what);
}

static uint64_t failures(const struct test *t)
{
	return t->kind == MEMORY ? fault_memory_failed() : t->fault.failed;
}

static bool ok(struct test *t, int rc)
{
	if (rc && !t->error)
		t->error = rc;
	return !rc;
}

/* -- the scenario, on disk and oracle ----------------------------------------
 */

static void open_disk(struct test *t)
{
	struct vhd_file *file;
	int rc;

	file = fault_file(&t->fault, powercut_file(t->p.power));
	if (t->kind == MEMORY)
		fault_memory(t->n, t->fault.for_ever);
	rc = subject_open(t->p.subject, file, t->p.parent, true, &t->p.disk,
			  NULL);
	if (ok(t, rc))
		return;
	t->p.disk = NULL;
	vhd_file_close(file);
}

static void write_block(struct test *t, uint64_t block, uint64_t length)
{
	uint64_t size = t->p.subject->size;
	uint64_t unit = t->p.subject->block ? t->p.subject->block : 65536;
	uint64_t offset = block * unit % size;
	uint32_t version = ++t->p.oracle->version;

	length = length < size - offset ? length : size - offset;
	oracle_content(offset, length, version, t->p.buf);
	oracle_allow(t->p.oracle, offset, length, version);
	if (ok(t, vhd_disk_write(t->p.disk, offset, t->p.buf, (size_t)length,
				 NULL)))
		oracle_set(t->p.oracle, offset, length, version);
}

/* a discarded sector reads as zeros or as before */
static void look(struct test *t, uint64_t offset, uint64_t length)
{
	static const uint8_t zeros[ORACLE_SECTOR];

	if (!ok(t, vhd_disk_read(t->p.disk, offset, t->p.buf, (size_t)length,
				 NULL)))
		return;
	for (uint64_t at = 0; at < length; at += sizeof(zeros))
		if (memcmp(t->p.buf + at, zeros, sizeof(zeros)) == 0)
			oracle_set(t->p.oracle, offset + at, sizeof(zeros),
				   ORACLE_ZERO);
}

static void zero_block(struct test *t, uint64_t block, bool discard)
{
	uint64_t unit = t->p.subject->block ? t->p.subject->block : 65536;
	uint64_t offset = block * unit;
	struct vhd_disk *disk = t->p.disk;

	oracle_allow(t->p.oracle, offset, unit, ORACLE_ZERO);
	if (!ok(t, discard ? vhd_disk_discard(disk, offset, unit, NULL)
			   : vhd_disk_zero(disk, offset, unit, NULL)))
		return;
	if (discard)
		look(t, offset, unit);
	else
		oracle_set(t->p.oracle, offset, unit, ORACLE_ZERO);
}

/* what was not written for want of space or memory is kept for later */
static bool may_pass(int rc)
{
	return rc == VHD_E_NOMEM || rc == VHD_E_NOSPACE;
}

/* a partly done change leaves the sectors in doubt, but only till a flush
 * of a disk that is still well; keep what may show */
static void flush(struct test *t)
{
	int rc = vhd_disk_flush(t->p.disk, NULL);

	if (!rc && t->flush_failed)
		complain(t, "a flush succeeds after one that failed");
	if (!rc && t->kind == FAULT_FLUSH && failures(t))
		complain(t, "the host's flush failed, and ours succeeds later");
	if (rc && (t->kind == FAULT_FLUSH || !may_pass(rc)))
		t->flush_failed = true;
	if (ok(t, rc) && !t->error)
		oracle_flushed(t->p.oracle);
}

static void scenario(struct test *t)
{
	uint64_t small = t->p.subject->sector * 3;

	write_block(t, 0, small);
	write_block(t, 1, 65536);
	flush(t);
	write_block(t, 0, 4 * small);
	zero_block(t, 1, false);
	flush(t);
	zero_block(t, 0, true);
	write_block(t, 1, small);
	flush(t);
	write_block(t, 2, small);
	flush(t);
}

/* -- afterwards --------------------------------------------------------------
 */

/* the host is well again: what did not work before works now */
static void try_again(struct test *t)
{
	bool in_doubt = t->flush_failed;

	t->fault.n = 0;
	fault_memory(0, false);
	if (!t->p.disk)
		return;
	write_block(t, 2, t->p.subject->sector);
	if (in_doubt || vhd_disk_flush(t->p.disk, NULL))
		return;
	if (vhd_disk_read(t->p.disk, 0, t->p.buf, (size_t)t->p.subject->size,
			  NULL))
		complain(t, "cannot be read when all is well again");
}

static void judge(struct test *t)
{
	struct verdict v;

	verdict_init(&v, t->p.subject, t->p.parent, t->p.oracle);
	for (uint64_t seed = 0; seed < 4 && !v.failed; seed++) {
		struct cut cut = {seed ? CUT_SECTORS : CUT_ALL, seed};
		struct cow *content;

		if (seed == 1)
			cut.mode = CUT_NONE;
		content = powercut_content(t->p.power, cut);
		if (!verdict_judge(&v, content, seed + 1))
			complain(t, "the image is bad");
		cow_free(content);
	}
	verdict_drop(&v);
}

static bool attempt(const struct subject *s, int kind, uint64_t n, int error,
		    bool for_ever, bool *more)
{
	struct test t = {.kind = kind, .n = n};

	player_init(&t.p, s, 1);
	vhd_disk_close(t.p.disk);
	t.p.disk = NULL;
	t.fault = (struct fault){
		.kind = (enum fault_kind)kind,
		.n = kind == MEMORY ? 0 : n,
		.for_ever = for_ever,
		.error = error,
		.pause = fault_memory_pause,
	};
	open_disk(&t);
	if (t.p.disk)
		scenario(&t);
	*more = failures(&t) > 0;
	if (*more && !t.error && t.p.disk &&
	    !ok(&t, vhd_disk_flush(t.p.disk, NULL)))
		t.error = VHD_E_IO;
	/* a second copy may serve for a read, space that cannot be given back
	 * or remembered only leaks, and where there was no space to grow ahead
	 * there may be enough to grow */
	if (*more && !t.error && (for_ever || error != VHD_E_NOSPACE) &&
	    (kind == FAULT_WRITE || kind == FAULT_FLUSH ||
	     kind == FAULT_RESIZE))
		complain(&t, "no call says so");
	try_again(&t);
	judge(&t);
	player_drop(&t.p);
	return !t.bad;
}

static bool run_kind(const struct subject *s, int kind, int error,
		     bool for_ever, uint64_t *count)
{
	bool more = true, good = true;

	for (uint64_t n = 1; more && good; n += every) {
		good = attempt(s, kind, n, error, for_ever, &more);
		*count += more;
	}
	return good;
}

static bool run_subject(const struct subject *s)
{
	uint64_t count = 0;
	bool good = true;

	for (int kind = 0; kind <= MEMORY && good; kind++) {
		int error = kind == FAULT_RESIZE ? VHD_E_NOSPACE : VHD_E_IO;

		good = run_kind(s, kind, error, false, &count) &&
		       run_kind(s, kind, error, true, &count);
		if (good && (kind == FAULT_WRITE || kind == FAULT_FLUSH))
			good = run_kind(s, kind, VHD_E_NOSPACE, false, &count);
	}
	printf("%-22s %6" PRIu64 " failures: %s\n", s->name, count,
	       good ? "good" : "BAD");
	fflush(stdout);
	return good;
}

int main(int argc, char **argv)
{
	int bad = 0;

	every = fault_every(&argc, &argv);
	if (!every)
		return 2;
	for (size_t i = 0; i < subject_count; i++)
		if ((argc < 2 && subjects[i].size <= (16u << 20)) ||
		    (argc > 1 && !strcmp(argv[1], subjects[i].name)))
			bad |= !run_subject(&subjects[i]);
	return bad;
}

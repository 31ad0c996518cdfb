/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any file is checked, repaired without loss and with salvage, and checked
 * again:
 *
 *   what could be read reads the same afterwards, also if a repair fails;
 *   what the first check called mendable is gone, and a second repair has
 *   nothing to do; after salvage all of the disk can be read;
 *   a dry run does and leaves the same, and changes no byte;
 *   the undo file gives back every byte.
 *
 * The target's bits of byte 0: bit 1, the size of the disk is known; bits 2 to
 * 7, that size in units of 256 KiB.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvhd.h>

#include "core/checked.h"
#include "file/scratch.h"
#include "file/undo.h"
#include "image/repair.h"
#include "input.h"
#include "shown.h"

#define SIZE_KNOWN 2u
#define SIZE_UNIT  ((uint64_t)256 << 10)
#define FILE_MAX   ((uint64_t)256 << 20) /* of an input */
#define HOST_MAX   ((uint64_t)1 << 30)   /* a repair may let it grow to this */
#define CODES_MAX  1024u

static struct run {
	int format;
	uint64_t virtual_size;
	bool salvage;
} now;

static void fail(const char *what, const char *more, uint64_t where)
{
	fprintf(stderr, "%s: %s (%s) at %" PRIu64 "\n",
		now.salvage ? "salvage" : "repair", what, more, where);
	abort();
}

static void expect_same(const char *what, const char *dry, const char *real)
{
	if (strcmp(dry, real) == 0)
		return;
	fprintf(stderr, "it %s: %s\n", what, real);
	fail("otherwise than a dry run", dry, 0);
}

/* the host's limits are no verdict on an image */
static bool is_resource(int rc)
{
	return rc == VHD_E_LIMIT || rc == VHD_E_NOMEM || rc == VHD_E_NOSPACE;
}

/* -- a host with an end ------------------------------------------------------
 */

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	struct vhd_source source = cow_source(ctx);

	return source.read_at(source.ctx, offset, buf, len);
}

static int get_size(void *ctx, uint64_t *size)
{
	*size = cow_size(ctx);
	return 0;
}

static int write_at(void *ctx, uint64_t offset, const void *buf, size_t len)
{
	if (!vhd_inside(offset, len, HOST_MAX))
		return VHD_E_NOSPACE;
	cow_write(ctx, offset, buf, len);
	return 0;
}

static int resize(void *ctx, uint64_t size)
{
	if (size > HOST_MAX)
		return VHD_E_NOSPACE;
	cow_resize(ctx, size);
	return 0;
}

static int punch(void *ctx, uint64_t offset, uint64_t length)
{
	if (!vhd_inside(offset, length, cow_size(ctx)))
		return VHD_E_IO;
	cow_zero(ctx, offset, length);
	return 0;
}

static int next_data(void *ctx, uint64_t offset, uint64_t *start, uint64_t *end)
{
	cow_next(ctx, offset, start, end);
	return 0;
}

static struct vhd_file *host_file(struct cow *content)
{
	static const struct vhd_file_ops ops = {
		.size = sizeof(ops),
		.read_at = read_at,
		.get_size = get_size,
		.write_at = write_at,
		.resize = resize,
		.punch = punch,
		.next_data = next_data,
	};
	struct vhd_file *file;

	if (vhd_file_new(&ops, content, &file))
		abort();
	return file;
}

/* -- what checks and repairs say ---------------------------------------------
 */

struct codes {
	char text[CODES_MAX]; /* each code once */
	char open[CODES_MAX]; /* those that this kind of repair is to mend */
	size_t count;
};

static void add_word(char *text, const char *word)
{
	size_t used = strlen(text);

	if (!strstr(text, word) && used + strlen(word) + 2 < CODES_MAX)
		snprintf(text + used, CODES_MAX - used, "%s ", word);
}

static void note(void *ctx, const struct vhd_fault *fault)
{
	struct codes *c = ctx;

	c->count++;
	add_word(c->text, fault->code);
	if (fault->repairable == VHD_REPAIRABLE_LOSSLESS ||
	    (fault->repairable == VHD_REPAIRABLE_SALVAGE && now.salvage))
		add_word(c->open, fault->code);
}

static int check(struct vhd_file *file, struct codes *out)
{
	*out = (struct codes){0};
	return vhd_image_check(file, now.format, note, out, NULL);
}

static int repair(struct vhd_file *file, bool dry_run, struct codes *out)
{
	const struct vhd_image_repair options = {
		.format = now.format,
		.salvage = now.salvage,
		.dry_run = dry_run,
		.virtual_size = now.virtual_size,
	};

	*out = (struct codes){0};
	return vhd_image_repair(file, &options, note, out, NULL);
}

/* -- the undo file -----------------------------------------------------------
 */

struct undo {
	struct cow *bytes;
};

static int undo_append(void *ctx, const void *buf, size_t len)
{
	struct undo *u = ctx;

	cow_write(u->bytes, cow_size(u->bytes), buf, len);
	return 0;
}

static int undo_sync(void *ctx)
{
	(void)ctx;
	return 0;
}

static void expect_undone(struct undo *u, struct cow *content,
			  struct cow *original)
{
	struct cow *copy = cow_copy(content);
	struct vhd_file *undo = cow_file(u->bytes, false);
	struct vhd_file *file = host_file(copy);
	int rc = cow_size(u->bytes) ? vhd_undo_restore(undo, file, NULL) : 0;

	if (rc)
		fail("the undo file", vhd_strerror(rc), 0);
	if (!cow_same(copy, original))
		fail("the undo file", "does not give all back", 0);
	vhd_file_close(file);
	vhd_file_close(undo);
	cow_free(copy);
}

/* -- one repair --------------------------------------------------------------
 */

static int repair_dry(struct cow *original, struct codes *mended,
		      struct codes *left)
{
	struct cow *copy = cow_copy(original);
	struct vhd_file *scratch;
	int rc;

	if (vhd_file_open_scratch(host_file(copy), &scratch))
		abort();
	rc = repair(scratch, true, mended);
	if (!rc)
		rc = check(scratch, left);
	vhd_file_close(scratch);
	if (!cow_same(copy, original))
		fail("a dry run", "changes the file", 0);
	cow_free(copy);
	return rc;
}

static int repair_real(struct cow *original, struct cow *content,
		       struct codes *mended, struct codes *left)
{
	struct undo u = {cow_new()};
	const struct vhd_undo_sink sink = {undo_append, undo_sync, &u};
	struct vhd_file *inner = host_file(content), *file;
	int rc;

	if (vhd_file_open_undo(inner, &sink, &file))
		abort();
	rc = repair(file, false, mended);
	if (!rc)
		rc = check(file, left);
	vhd_file_close(file);
	vhd_file_close(inner);
	expect_undone(&u, content, original);
	cow_free(u.bytes);
	return rc;
}

static void expect_done(struct cow *content, const struct codes *left)
{
	struct vhd_file *file = host_file(content);
	struct codes again;
	uint64_t where;
	const char *wrong;
	int rc = repair(file, false, &again);

	vhd_file_close(file);
	if (rc)
		fail("a second run", vhd_strerror(rc), 0);
	if (again.count)
		fail("a second run mends", again.text, 0);
	/* what is free is known only when the table is in order */
	if (left->open[0] && (now.salvage || !strstr(left->text, "bat-")))
		fail("is left", left->open, 0);
	wrong = now.salvage ? shown_whole(content, now.format, &where) : NULL;
	if (wrong)
		fail("is left", wrong, where);
}

static void try_repair(struct cow *original)
{
	struct codes dry, dry_left, mended, left;
	struct cow *content = cow_copy(original);
	int rc_dry = repair_dry(original, &dry, &dry_left);
	int rc = repair_real(original, content, &mended, &left);
	uint64_t where;
	const char *wrong = shown_kept(original, content, now.format, &where);

	if (wrong)
		fail(wrong, mended.text, where);
	if (rc != rc_dry && !is_resource(rc) && !is_resource(rc_dry))
		fail("a dry run ends otherwise", vhd_strerror(rc), 0);
	if (!rc && !rc_dry) {
		expect_same("mends", dry.text, mended.text);
		expect_same("leaves", dry_left.text, left.text);
	}
	if (!rc)
		expect_done(content, &left);
	cow_free(content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cow *original;
	struct input in;

	if (!input_decode(data, size, &in))
		return 0;
	now = (struct run){
		.format = in.format,
		.virtual_size =
			in.flags & SIZE_KNOWN ? (in.flags >> 2) * SIZE_UNIT : 0,
	};
	if (in.file->size <= FILE_MAX) {
		original = cow_of_sparse(in.file);
		try_repair(original);
		now.salvage = true;
		try_repair(original);
		cow_free(original);
	}
	sparse_free(in.file);
	return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room,
			       unsigned seed)
{
	return input_mutate(data, size, room, seed, input_seal);
}

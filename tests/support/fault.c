/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/fault.h"

#include <stdlib.h>
#include <string.h>

/* one file of those that share a fault */
struct faulty {
	struct fault *fault;
	struct vhd_file *inner;
};

static int hit(struct fault *f, enum fault_kind kind)
{
	if (kind != f->kind)
		return 0;
	f->calls++;
	if (!f->n)
		return 0;
	if (f->n > 1) {
		f->n--;
		return 0;
	}
	f->failed++;
	if (!f->for_ever)
		f->n = 0;
	return f->error;
}

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct faulty *f = ctx;
	int rc = hit(f->fault, FAULT_READ);

	return rc ? rc : vhd_file_read(f->inner, offset, buf, len);
}

static int get_size(void *ctx, uint64_t *size)
{
	return vhd_file_size(((const struct faulty *)ctx)->inner, size);
}

static void set_pause(const struct fault *f, bool paused)
{
	if (f->pause)
		f->pause(paused);
}

/* the first half gets there before it fails */
static int write_at(void *ctx, uint64_t offset, const void *buf, size_t len)
{
	const struct faulty *f = ctx;
	int rc = hit(f->fault, FAULT_WRITE);

	set_pause(f->fault, true);
	if (!rc)
		rc = vhd_file_write(f->inner, offset, buf, len);
	else
		vhd_file_write(f->inner, offset, buf, len / 1024 * 512);
	set_pause(f->fault, false);
	return rc;
}

static int flush(void *ctx)
{
	const struct faulty *f = ctx;
	int rc = hit(f->fault, FAULT_FLUSH);

	set_pause(f->fault, true);
	rc = rc ? rc : vhd_file_flush(f->inner);
	set_pause(f->fault, false);
	return rc;
}

static int resize(void *ctx, uint64_t size)
{
	const struct faulty *f = ctx;
	int rc = hit(f->fault, FAULT_RESIZE);

	set_pause(f->fault, true);
	rc = rc ? rc : vhd_file_resize(f->inner, size);
	set_pause(f->fault, false);
	return rc;
}

static int punch(void *ctx, uint64_t offset, uint64_t length)
{
	const struct faulty *f = ctx;
	int rc = hit(f->fault, FAULT_PUNCH);

	set_pause(f->fault, true);
	rc = rc ? rc : vhd_file_punch(f->inner, offset, length);
	set_pause(f->fault, false);
	return rc;
}

static int next_data(void *ctx, uint64_t offset, uint64_t *start, uint64_t *end)
{
	return vhd_file_next_data(((const struct faulty *)ctx)->inner, offset,
				  start, end);
}

static void close_inner(void *ctx)
{
	vhd_file_close(((const struct faulty *)ctx)->inner);
	free(ctx);
}

struct vhd_file *fault_file(struct fault *fault, struct vhd_file *inner)
{
	static const struct vhd_file_ops ops = {
		.size = sizeof(ops),
		.read_at = read_at,
		.get_size = get_size,
		.close = close_inner,
		.write_at = write_at,
		.flush = flush,
		.resize = resize,
		.punch = punch,
		.next_data = next_data,
	};
	struct faulty *f;
	struct vhd_file *file;

	set_pause(fault, true);
	f = malloc(sizeof(*f));
	if (!f || vhd_file_new(&ops, f, &file))
		abort();
	set_pause(fault, false);
	*f = (struct faulty){fault, inner};
	return file;
}

uint64_t fault_every(int *argc, char ***argv)
{
	uint64_t every;

	if (*argc < 3 || strcmp((*argv)[1], "--every") != 0)
		return 1;
	every = strtoull((*argv)[2], NULL, 10);
	*argc -= 2;
	*argv += 2;
	return every;
}

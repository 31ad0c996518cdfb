/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/powercut.h"

#include <stdlib.h>
#include <string.h>

#include "core/checked.h"

#define SECTOR 512u

enum op_kind { OP_WRITE, OP_PUNCH, OP_RESIZE };

struct op {
	enum op_kind kind;
	uint64_t offset; /* or new size */
	uint64_t length;
	uint8_t *data;
};

struct powercut {
	struct cow *durable;
	struct cow *now;
	struct op *ops;
	size_t count;
	size_t room;
	uint64_t units;
	uint64_t calls;
	uint64_t flushes;
	uint64_t bytes;
	uint64_t dead_at; /* call; 0 never */
	bool dead;
	uint64_t full_in;  /* calls until the host is full; 0 it will not be */
	uint64_t full_for; /* calls that fail then */
	uint64_t refused;
	void (*hook)(void *ctx);
	void *ctx;
};

uint64_t cut_hash(uint64_t seed, uint64_t n)
{
	uint64_t x = seed * 0x9E3779B97F4A7C15u + n + 1;

	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
	x = (x ^ x >> 27) * 0x94D049BB133111EBu;
	return x ^ x >> 31;
}

struct powercut *powercut_new(struct cow *content)
{
	struct powercut *p = calloc(1, sizeof(*p));

	if (!p)
		abort();
	p->durable = content;
	p->now = cow_copy(content);
	return p;
}

static void forget_ops(struct powercut *p)
{
	while (p->count)
		free(p->ops[--p->count].data);
	p->units = 0;
}

void powercut_free(struct powercut *p)
{
	if (!p)
		return;
	forget_ops(p);
	free(p->ops);
	cow_free(p->durable);
	cow_free(p->now);
	free(p);
}

void powercut_reset(struct powercut *p, struct cow *content)
{
	forget_ops(p);
	cow_free(p->durable);
	cow_free(p->now);
	p->durable = content;
	p->now = cow_copy(content);
	p->dead = false;
	p->dead_at = 0;
	p->full_in = 0;
}

void powercut_hook(struct powercut *p, void (*hook)(void *ctx), void *ctx)
{
	p->hook = hook;
	p->ctx = ctx;
}

void powercut_arm(struct powercut *p, uint64_t n)
{
	p->dead_at = n ? p->calls + n : 0;
}

void powercut_full(struct powercut *p, uint64_t first, uint64_t count)
{
	p->full_in = count ? first : 0;
	p->full_for = count;
}

uint64_t powercut_refused(const struct powercut *p)
{
	return p->refused;
}

uint64_t powercut_calls(const struct powercut *p)
{
	return p->calls;
}

uint64_t powercut_flushes(const struct powercut *p)
{
	return p->flushes;
}

uint64_t powercut_bytes(const struct powercut *p)
{
	return p->bytes;
}

uint64_t powercut_open_units(const struct powercut *p)
{
	return p->units;
}

/* -- what a cut leaves -------------------------------------------------------
 */

static uint64_t units_of(const struct op *op)
{
	if (op->kind == OP_RESIZE)
		return 1;
	return (op->offset + op->length - 1) / SECTOR - op->offset / SECTOR + 1;
}

static bool is_small(const struct op *op)
{
	return op->kind == OP_WRITE && op->length <= 8192;
}

/* does sector `unit` (counted over all operations) of operation i survive? */
static bool survives(const struct powercut *p, struct cut cut, size_t i,
		     uint64_t unit)
{
	uint64_t lot = cut_hash(cut.seed, 0);

	switch (cut.mode) {
	case CUT_NONE:
		return false;
	case CUT_SECTORS:
		return cut_hash(cut.seed, unit + 1) % 100 <
		       (uint64_t[]){5, 50, 80, 97}[lot % 4];
	case CUT_OPS:
		return cut_hash(cut.seed, i + 1) & 1;
	case CUT_PREFIX:
		return unit < lot % (p->units + 1);
	case CUT_SUFFIX:
		return unit >= lot % (p->units + 1);
	case CUT_ALL_BUT:
		return i != lot % p->count;
	case CUT_ONLY:
		return i == lot % p->count;
	case CUT_SMALL:
		return p->ops[i].kind == OP_RESIZE ? lot & 1
						   : is_small(&p->ops[i]);
	case CUT_LARGE:
		return !is_small(&p->ops[i]);
	case CUT_MASK:
		return unit > 63 || (cut.seed >> unit & 1);
	case CUT_ALL:
	case CUT_MODES:
		break;
	}
	return true;
}

static void apply_piece(struct cow *c, const struct op *op, uint64_t at,
			uint64_t n)
{
	uint64_t size = cow_size(c);

	if (op->kind == OP_WRITE)
		cow_write(c, at, op->data + (at - op->offset), (size_t)n);
	else if (at < size)
		cow_zero(c, at, vhd_min(n, size - at));
}

static void apply(const struct powercut *p, struct cow *c, struct cut cut,
		  size_t i, uint64_t unit)
{
	const struct op *op = &p->ops[i];
	uint64_t end = op->offset + op->length, from, to;

	if (op->kind == OP_RESIZE) {
		if (survives(p, cut, i, unit))
			cow_resize(c, op->offset);
		return;
	}
	for (from = op->offset; from < end; from = to, unit++) {
		to = vhd_min(vhd_round_down(from, SECTOR) + SECTOR, end);
		if (!survives(p, cut, i, unit))
			continue;
		/* the longest run that survives in one piece */
		while (to < end && survives(p, cut, i, unit + 1)) {
			to = vhd_min(to + SECTOR, end);
			unit++;
		}
		apply_piece(c, op, from, to - from);
	}
}

struct cow *powercut_content(const struct powercut *p, struct cut cut)
{
	struct cow *c = cow_copy(cut.mode == CUT_ALL ? p->now : p->durable);
	uint64_t unit = 0;

	for (size_t i = 0; i < p->count && cut.mode != CUT_ALL; i++) {
		apply(p, c, cut, i, unit);
		unit += units_of(&p->ops[i]);
	}
	return c;
}

struct cut powercut_choose(const struct powercut *p, uint64_t seed)
{
	struct cut cut = {CUT_MASK, cut_hash(seed, 1)};

	if (p->units > 6 || seed % 8 == 0)
		cut.mode = (enum cut_mode)(cut_hash(seed, 2) % CUT_MASK);
	return cut;
}

const char *cut_mode_name(enum cut_mode mode)
{
	static const char *const names[CUT_MODES] = {
		"all",     "none", "sectors", "ops",   "prefix", "suffix",
		"all-but", "only", "small",   "large", "mask",
	};

	return names[mode];
}

/* -- the file ----------------------------------------------------------------
 */

/* counts a call; true if the process is dead by now */
static bool enter(struct powercut *p)
{
	if (p->hook && !p->dead)
		p->hook(p->ctx);
	p->calls++;
	if (p->dead_at && p->calls >= p->dead_at && !p->dead) {
		p->dead = true;
		return false; /* its last call */
	}
	return p->dead;
}

static void add_op(struct powercut *p, struct op op)
{
	if (p->count == p->room) {
		p->room = p->room ? 2 * p->room : 64;
		p->ops = realloc(p->ops, p->room * sizeof(*p->ops));
		if (!p->ops)
			abort();
	}
	p->ops[p->count++] = op;
	p->units += units_of(&op);
}

/* counts a call that may need space; true if there is none */
static bool is_full(struct powercut *p)
{
	if (!p->full_in || --p->full_in)
		return false;
	p->full_in = --p->full_for ? 1 : 0;
	p->refused++;
	return true;
}

static void write_op(struct powercut *p, uint64_t offset, const void *buf,
		     size_t len)
{
	uint8_t *data;

	if (!len)
		return;
	data = malloc(len);
	if (!data)
		abort();
	memcpy(data, buf, len);
	p->bytes += len;
	add_op(p, (struct op){OP_WRITE, offset, len, data});
	cow_write(p->now, offset, buf, len);
}

static int read_at(void *ctx, uint64_t offset, void *buf, size_t len)
{
	const struct powercut *p = ctx;

	if (p->dead || !vhd_inside(offset, len, cow_size(p->now)))
		return VHD_E_IO;
	cow_read(p->now, offset, buf, len);
	return 0;
}

static int get_size(void *ctx, uint64_t *size)
{
	const struct powercut *p = ctx;

	*size = cow_size(p->now);
	return p->dead ? VHD_E_IO : 0;
}

static int write_at(void *ctx, uint64_t offset, const void *buf, size_t len)
{
	struct powercut *p = ctx;
	uint64_t part;

	if (enter(p))
		return VHD_E_IO;
	if (is_full(p)) {
		part = cut_hash(p->refused, len) % (len / SECTOR + 1);
		write_op(p, offset, buf, (size_t)part * SECTOR);
		return VHD_E_NOSPACE;
	}
	write_op(p, offset, buf, len);
	return p->dead ? VHD_E_IO : 0;
}

static int flush(void *ctx)
{
	struct powercut *p = ctx;

	if (enter(p) || p->dead)
		return VHD_E_IO;
	p->flushes++;
	forget_ops(p);
	cow_free(p->durable);
	p->durable = cow_copy(p->now);
	return 0;
}

static int resize(void *ctx, uint64_t size)
{
	struct powercut *p = ctx;

	if (enter(p))
		return VHD_E_IO;
	if (is_full(p))
		return VHD_E_NOSPACE;
	add_op(p, (struct op){OP_RESIZE, size, 0, NULL});
	cow_resize(p->now, size);
	return p->dead ? VHD_E_IO : 0;
}

static int punch(void *ctx, uint64_t offset, uint64_t length)
{
	struct powercut *p = ctx;

	if (enter(p))
		return VHD_E_IO;
	if (is_full(p))
		return VHD_E_NOSPACE;
	if (length)
		add_op(p, (struct op){OP_PUNCH, offset, length, NULL});
	cow_zero(p->now, offset, length);
	return p->dead ? VHD_E_IO : 0;
}

static int next_data(void *ctx, uint64_t offset, uint64_t *start, uint64_t *end)
{
	const struct powercut *p = ctx;

	cow_next(p->now, offset, start, end);
	return 0;
}

struct vhd_file *powercut_file(struct powercut *p)
{
	static const struct vhd_file_ops ops = {
		.size = sizeof(ops),
		.read_at = read_at,
		.get_size = get_size,
		.write_at = write_at,
		.flush = flush,
		.resize = resize,
		.punch = punch,
		.next_data = next_data,
	};
	struct vhd_file *file;

	if (vhd_file_new(&ops, p, &file))
		abort();
	return file;
}

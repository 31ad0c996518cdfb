/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a sequence of operations on a new disk, with flushes, clean
 * closes, killed processes and power cuts between them. What the disk shows is
 * compared with the oracle all along.
 *
 *   byte 0   the image of subjects.c
 *   then     4 bytes an operation: what, le16 place, size
 */
#include <stdlib.h>

#include "input.h"
#include "support/player.h"

#define STEPS_MAX 200u

struct step {
	uint8_t what;
	uint64_t offset;
	uint64_t length;
	uint64_t lot;
};

static struct step decode(const struct subject *s, const uint8_t *bytes)
{
	uint64_t sectors = s->size / s->sector;
	uint64_t place = bytes[1] | (uint64_t)bytes[2] << 8;
	uint64_t length = (uint64_t)1 << (bytes[3] % 13);
	struct step step = {.what = bytes[0], .lot = place << 8 | bytes[3]};

	/* half of them near the start of a block */
	if (place & 1 && s->block)
		place = place / 2 * s->block / s->sector + bytes[3] / 13;
	else
		place *= 7;
	place %= sectors;
	length = length < sectors - place ? length : sectors - place;
	step.offset = place * s->sector;
	step.length = length * s->sector;
	return step;
}

static void play(struct player *p, const struct step *step)
{
	if (p->oracle->full)
		player_flush(p);
	p->steps++;
	switch (step->what % 16) {
	case 8:
		player_zero(p, step->offset, step->length);
		break;
	case 9:
		player_discard(p, step->offset, step->length);
		break;
	case 10:
	case 11:
		player_flush(p);
		break;
	case 12:
		player_shut(p);
		break;
	case 13:
		player_kill(p);
		break;
	case 14:
		player_crash(p, powercut_choose(p->power, step->lot));
		break;
	case 15:
		player_compare(p);
		break;
	default:
		player_write(p, step->offset, step->length);
	}
}

/* not the large one: a fuzzer lives on speed */
static const struct subject *subject_of(uint8_t byte)
{
	const struct subject *s = &subjects[byte % subject_count];

	return s->size > (16u << 20) ? &subjects[0] : s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct player p = {0};

	if (size < 5)
		return 0;
	player_init(&p, subject_of(data[0]), 1);
	for (size_t at = 1; at + 4 <= size && p.steps < STEPS_MAX; at += 4) {
		struct step step = decode(p.subject, data + at);

		if (!p.failed)
			play(&p, &step);
	}
	if (!p.failed)
		player_shut(&p);
	if (!p.failed)
		player_compare(&p);
	if (p.failed)
		abort();
	player_drop(&p);
	return 0;
}

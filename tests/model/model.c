/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random operations on an image and on a byte array, compared after every step
 * and after every opening. No cuts: see tests/powercut.
 *
 * model [STEPS [SEED [NAME]]]
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/player.h"

static void check_fault(void *ctx, const struct vhd_fault *fault)
{
	if (fault->severity < VHD_SEVERITY_ERROR)
		return;
	player_fail(ctx, fault->message, VHD_E_CORRUPT);
}

static void check_image(struct player *p)
{
	struct vhd_file *file = powercut_file(p->power);

	if (vhd_image_check(file, p->subject->format, check_fault, p, NULL))
		player_fail(p, "cannot be checked", VHD_E_IO);
	vhd_file_close(file);
}

static void step(struct player *p)
{
	uint64_t offset, length, what = player_draw(p, 100);

	p->steps++;
	if (p->oracle->full)
		player_flush(p);
	player_draw_range(p, &offset, &length);
	if (what < 55)
		player_write(p, offset, length);
	else if (what < 68)
		player_zero(p, offset, length);
	else if (what < 82)
		player_discard(p, offset, length);
	else if (what < 96)
		player_flush(p);
	else
		player_shut(p);
	if (what >= 96 && !p->failed)
		check_image(p);
	if (!p->failed)
		player_compare(p);
}

static bool run(const struct subject *s, uint64_t seed, uint64_t steps)
{
	struct player p = {0};

	if (s->size > (16u << 20))
		steps /= 8;
	player_init(&p, s, seed);
	while (!p.failed && p.steps < steps)
		step(&p);
	if (!p.failed)
		player_shut(&p);
	if (!p.failed)
		player_compare(&p);
	printf("%-22s seed %" PRIu64 ", %" PRIu64 " steps: %s\n", s->name, seed,
	       p.steps, p.failed ? "BAD" : "good");
	player_drop(&p);
	return !p.failed;
}

int main(int argc, char **argv)
{
	uint64_t steps = argc > 1 ? strtoull(argv[1], NULL, 0) : 600;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	int bad = 0;

	for (size_t i = 0; i < subject_count; i++)
		if (argc < 4 || !strcmp(argv[3], subjects[i].name))
			bad |= !run(&subjects[i], seed, steps);
	return bad;
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "blocks.h"

#define DISK ((size_t)3 << 20)

static _Alignas(4096) uint8_t disk[DISK];
static _Alignas(4096) uint8_t room[DISK + 64];
static unsigned calls;
static size_t longest;
static bool fails;

/* what a device may rely on */
static int read_blocks(void *ctx, uint64_t block, void *buf, size_t bytes)
{
	const struct blocks *b = ctx;

	calls++;
	longest = bytes > longest ? bytes : longest;
	cr_assert(bytes && bytes % b->size == 0);
	cr_assert_eq((uintptr_t)buf % b->align, 0u);
	cr_assert(block * b->size + bytes <= DISK);
	if (fails)
		return VHD_E_IO;
	memcpy(buf, disk + block * b->size, bytes);
	return 0;
}

static struct blocks start(uint32_t size, uint32_t align)
{
	struct blocks b = {.read = read_blocks,
			   .count = DISK / size,
			   .size = size,
			   .align = align};

	for (size_t i = 0; i < DISK; i++)
		disk[i] = (uint8_t)(i * 7 + (i >> 9));
	cr_assert_eq(blocks_start(&b, NULL), 0);
	return b;
}

Test(boot_blocks, any_range_into_any_memory_is_read)
{
	static const size_t lengths[] = {1,     511,   512,    513,    4096,
					 65536, 70001, 500000, 1 << 21};

	for (uint32_t size = 512; size <= 4096; size *= 2) {
		struct blocks b = start(size, size);
		struct vhd_source s;

		b.ctx = &b;
		s = blocks_source(&b);
		cr_assert_eq(s.size, DISK);
		for (size_t i = 0; i < 9 * 6; i++) {
			size_t n = lengths[i / 6], at = i % 6 * 1021;

			cr_assert_eq(s.read_at(s.ctx, at, room + i % 3, n), 0);
			cr_assert_arr_eq(room + i % 3, disk + at, n);
		}
		blocks_stop(&b);
	}
}

Test(boot_blocks, whole_blocks_into_aligned_memory_are_read_there)
{
	struct blocks b = start(512, 16);
	struct vhd_source s;

	b.ctx = &b;
	s = blocks_source(&b);
	cr_assert_eq(s.read_at(s.ctx, 1024, room, 1 << 20), 0);
	cr_expect_eq(calls, 1u);
	cr_assert_eq(s.read_at(s.ctx, 0, room, DISK), 0);
	cr_expect_eq(longest, 1u << 20);
	blocks_stop(&b);
}

Test(boot_blocks, errors_and_ranges_behind_the_end_are_told)
{
	struct blocks b = start(512, 0);
	struct vhd_source s;

	b.ctx = &b;
	s = blocks_source(&b);
	cr_expect_eq(s.read_at(s.ctx, DISK - 1, room, 2), VHD_E_RANGE);
	fails = true;
	cr_expect_eq(s.read_at(s.ctx, 0, room, 4096), VHD_E_IO);
	cr_expect_eq(s.read_at(s.ctx, 1, room, 4), VHD_E_IO);
	blocks_stop(&b);
}

Test(boot_blocks, strange_devices_are_refused)
{
	static const uint32_t rows[][2] = {{0, 0},    {256, 0},  {520, 0},
					   {8192, 0}, {512, 24}, {512, 8192}};

	for (size_t i = 0; i < 6; i++) {
		struct blocks b = {
			.count = 8, .size = rows[i][0], .align = rows[i][1]};

		cr_expect_eq(blocks_start(&b, NULL), VHD_E_UNSUPPORTED);
	}
}

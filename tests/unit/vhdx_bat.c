/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "core/checked.h"
#include "core/vhdx_bat.h"

#define BAT (3u << 20)

/* vhdx.md 19.2 */
Test(vhdx_bat, entries_are_a_state_and_an_offset)
{
	static const struct {
		uint64_t entry;
		unsigned state;
		uint64_t offset;
	} rows[] = {
		{0x0000000000400006u, VHDX_FULLY_PRESENT, 4u << 20},
		{0x0000000006400007u, VHDX_PARTIALLY_PRESENT, 100u << 20},
		{0x0000000000500006u, VHDX_BITMAP_PRESENT, 5u << 20},
		{0x0000000000000002u, VHDX_ZERO, 0},
		{0xFFFFFFFFFFF00006u, VHDX_FULLY_PRESENT, 0xFFFFFFFFFFF00000u},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_expect_eq(vhdx_entry_state(rows[i].entry), rows[i].state);
		cr_expect_eq(vhdx_entry_offset(rows[i].entry), rows[i].offset);
		cr_expect_eq(vhdx_entry_reserved(rows[i].entry), 0);
	}
	cr_expect_neq(vhdx_entry_reserved(0x8), 0);
	cr_expect_neq(vhdx_entry_reserved(0x80000), 0);
}

/* vhdx.md 19.3 */
Test(vhdx_bat, table_of_geometries)
{
	static const struct {
		uint64_t disk;
		uint32_t block, sector;
		uint64_t ratio, blocks, chunks;
		uint64_t dynamic, dynamic_mib, differencing, differencing_mib;
	} rows[] = {
		{512u, 1048576, 512, 4096, 1, 1, 1, 1, 4097, 1},
		{5242880u, 33554432, 512, 128, 1, 1, 1, 1, 129, 1},
		{1073741824u, 33554432, 512, 128, 32, 1, 32, 1, 129, 1},
		{4294967296u, 33554432, 512, 128, 128, 1, 128, 1, 129, 1},
		{4294967296u, 2097152, 512, 2048, 2048, 1, 2048, 1, 2049, 1},
		{4294967808u, 2097152, 512, 2048, 2049, 2, 2050, 1, 4098, 1},
		{4294967296u, 268435456, 512, 16, 16, 1, 16, 1, 17, 1},
		{10737418240u, 33554432, 512, 128, 320, 3, 322, 1, 387, 1},
		{10737418240u, 1048576, 512, 4096, 10240, 3, 10242, 1, 12291,
		 1},
		{107374182400u, 2097152, 4096, 16384, 51200, 4, 51203, 1, 65540,
		 1},
		{136365211648u, 33554432, 512, 128, 4064, 32, 4095, 1, 4128, 1},
		{136365211648u, 2097152, 512, 2048, 65024, 32, 65055, 1, 65568,
		 1},
		{2199023255552u, 33554432, 512, 128, 65536, 512, 66047, 1,
		 66048, 1},
		{70368744177664u, 33554432, 512, 128, 2097152, 16384, 2113535,
		 17, 2113536, 17},
		{70368744177664u, 2097152, 512, 2048, 33554432, 16384, 33570815,
		 257, 33570816, 257},
		{70368744177664u, 1048576, 512, 4096, 67108864, 16384, 67125247,
		 513, 67125248, 513},
		{70368744177664u, 268435456, 512, 16, 262144, 16384, 278527, 3,
		 278528, 3},
		{70368744177664u, 268435456, 4096, 128, 262144, 2048, 264191, 3,
		 264192, 3},
		{70368744177664u, 1048576, 4096, 32768, 67108864, 2048,
		 67110911, 513, 67110912, 513},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t block = vhd_shift_of(rows[i].block);
		uint8_t chunk =
			vhdx_chunk_shift(block, vhd_shift_of(rows[i].sector));
		uint64_t n = vhd_shift_up(rows[i].disk, block);
		uint64_t dynamic = vhdx_bat_entries(n, chunk, 0);
		uint64_t differencing = vhdx_bat_entries(n, chunk, 1);

		cr_expect_eq((uint64_t)1 << chunk, rows[i].ratio, "%zu", i);
		cr_expect_eq(n, rows[i].blocks, "%zu", i);
		cr_expect_eq(vhd_shift_up(n, chunk), rows[i].chunks, "%zu", i);
		cr_expect_eq(dynamic, rows[i].dynamic, "%zu", i);
		cr_expect_eq(differencing, rows[i].differencing, "%zu", i);
		cr_expect_eq(vhd_shift_up(dynamic * 8, 20), rows[i].dynamic_mib,
			     "%zu", i);
		cr_expect_eq(vhd_shift_up(differencing * 8, 20),
			     rows[i].differencing_mib, "%zu", i);
	}
}

/* vhdx.md 19.4, BAT region at 3 MiB */
Test(vhdx_bat, table_of_address_translations)
{
	static const struct {
		uint64_t offset;
		uint32_t block_size, sector;
		uint64_t block, chunk, index, entry_at;
		uint64_t bitmap_index, bitmap_entry_at, inside, bit, byte;
		unsigned bit_in_byte;
	} rows[] = {
		{0u, 33554432, 512, 0, 0, 0, 0x300000, 128, 0x300400, 0, 0, 0,
		 0},
		{33553920u, 33554432, 512, 0, 0, 0, 0x300000, 128, 0x300400,
		 33553920, 65535, 8191, 7},
		{4294966784u, 33554432, 512, 127, 0, 127, 0x3003f8, 128,
		 0x300400, 33553920, 8388607, 1048575, 7},
		{4294967296u, 33554432, 512, 128, 1, 129, 0x300408, 257,
		 0x300808, 0, 0, 0, 0},
		{4294967296u, 2097152, 512, 2048, 1, 2049, 0x304008, 4097,
		 0x308008, 0, 0, 0, 0},
		{5368710656u, 2097152, 512, 2560, 1, 2561, 0x305008, 4097,
		 0x308008, 1536, 2097155, 262144, 3},
		{10737417728u, 33554432, 512, 319, 2, 321, 0x300a08, 386,
		 0x300c10, 33553920, 4194303, 524287, 7},
		{5368721408u, 2097152, 4096, 2560, 0, 2560, 0x305000, 16384,
		 0x320000, 12288, 1310723, 163840, 3},
		{35433480192u, 2097152, 4096, 16896, 1, 16897, 0x321008, 32769,
		 0x340008, 0, 262144, 32768, 0},
		{3150336u, 1048576, 512, 3, 0, 3, 0x300018, 4096, 0x308000,
		 4608, 6153, 769, 1},
		{70368744177152u, 1048576, 512, 67108863, 16383, 67125246,
		 0x2031fff0, 67125247, 0x2031fff8, 1048064, 8388607, 1048575,
		 7},
		{70368744173568u, 268435456, 4096, 262143, 2047, 264190,
		 0x503ff0, 264191, 0x503ff8, 268431360, 8388607, 1048575, 7},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t shift = vhd_shift_of(rows[i].block_size);
		uint8_t sector = vhd_shift_of(rows[i].sector);
		uint8_t ratio = vhdx_chunk_shift(shift, sector);
		uint64_t block = rows[i].offset >> shift;
		uint64_t inside = rows[i].offset - (block << shift);
		uint64_t index = vhdx_payload_index(block, ratio);
		uint64_t bitmap = vhdx_bitmap_index(block >> ratio, ratio);
		uint64_t bit =
			((block & ((1u << ratio) - 1)) << (shift - sector)) +
			(inside >> sector);

		cr_expect_eq(block, rows[i].block, "%zu", i);
		cr_expect_eq(block >> ratio, rows[i].chunk, "%zu", i);
		cr_expect_eq(index, rows[i].index, "%zu", i);
		cr_expect_eq(BAT + 8 * index, rows[i].entry_at, "%zu", i);
		cr_expect_eq(bitmap, rows[i].bitmap_index, "%zu", i);
		cr_expect_eq(BAT + 8 * bitmap, rows[i].bitmap_entry_at, "%zu",
			     i);
		cr_expect_eq(inside, rows[i].inside, "%zu", i);
		cr_expect_eq(bit, rows[i].bit, "%zu", i);
		cr_expect_eq(bit / 8, rows[i].byte, "%zu", i);
		cr_expect_eq(bit % 8, rows[i].bit_in_byte, "%zu", i);
	}
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "core/crc32c.h"

static uint8_t bytes[65536];

static void fill(uint8_t first, int step, size_t len)
{
	for (size_t i = 0; i < len; i++, first = (uint8_t)(first + step))
		bytes[i] = first;
}

/* vhdx.md 19.1 */
Test(crc32c, known_answers)
{
	const struct {
		const char *text; /* or NULL: first byte, step, length */
		uint8_t first;
		int step;
		size_t len;
		uint32_t crc;
	} rows[] = {
		{"", 0, 0, 0, 0x00000000},
		{"a", 0, 0, 1, 0xC1D04330},
		{"123456789", 0, 0, 9, 0xE3069283},
		{NULL, 0x00, 0, 32, 0x8A9136AA},
		{NULL, 0xFF, 0, 32, 0x62A8AB43},
		{NULL, 0x00, 1, 32, 0x46DD794E},
		{NULL, 0x1F, -1, 32, 0x113FDB5C},
		{"vhdxfile", 0, 0, 8, 0xFE8155FC},
		{NULL, 0, 0, 4096, 0x98F94189},
		{NULL, 0, 0, 65536, 0x72C0C4A4},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].text)
			memcpy(bytes, rows[i].text, rows[i].len);
		else
			fill(rows[i].first, rows[i].step, rows[i].len);
		cr_expect_eq(vhd_crc32c(0, bytes, rows[i].len), rows[i].crc,
			     "row %zu", i);
		cr_expect_eq(vhd_crc32c_portable(0, bytes, rows[i].len),
			     rows[i].crc, "row %zu, portable", i);
	}
}

/* guards the hardware path: other alignments, lengths and split points */
Test(crc32c, hardware_and_portable_agree_on_all_short_inputs)
{
	fill(7, 37, 512);
	for (size_t start = 0; start < 9; start++)
		for (size_t len = 0; len < 300; len++)
			cr_assert_eq(vhd_crc32c(1, bytes + start, len),
				     vhd_crc32c_portable(1, bytes + start, len),
				     "start %zu length %zu", start, len);
}

Test(crc32c, pieces_give_the_sum_of_the_whole)
{
	uint32_t whole;

	fill(3, 11, 1000);
	whole = vhd_crc32c(0, bytes, 1000);
	for (size_t cut = 0; cut <= 1000; cut++)
		cr_assert_eq(vhd_crc32c(vhd_crc32c(0, bytes, cut), bytes + cut,
					1000 - cut),
			     whole, "cut at %zu", cut);
}

Test(crc32c, zeros_need_not_be_read)
{
	static const size_t lengths[] = {0,  1,    2,    3,     4,    7,
					 63, 4084, 4096, 65535, 65536};
	uint32_t start;

	fill(9, 5, 100);
	start = vhd_crc32c(0, bytes, 100);
	memset(bytes, 0, sizeof(bytes));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		cr_expect_eq(vhd_crc32c_zeros(start, lengths[i]),
			     vhd_crc32c(start, bytes, lengths[i]), "%zu zeros",
			     lengths[i]);
}

/*
 * guards the three streams: with nothing but zeros behind it, what is left of
 * each bit of the register passes the maps that join them
 */
Test(crc32c, joining_streams_is_appending_zeros)
{
	static const size_t lengths[] = {3 * 1360, 4096, 3 * 21840, 60000,
					 65536};

	memset(bytes, 0, sizeof(bytes));
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		for (int bit = 0; bit < 32; bit++) {
			uint32_t crc = ~((uint32_t)1 << bit);

			cr_assert_eq(vhd_crc32c(crc, bytes, lengths[i]),
				     vhd_crc32c_zeros(crc, lengths[i]),
				     "%zu bytes, bit %d", lengths[i], bit);
		}
}

/* guards the borders between streams, lengths and alignments */
Test(crc32c, hardware_and_portable_agree_on_long_inputs)
{
	uint32_t noise = 1;

	for (size_t i = 0; i < sizeof(bytes); i++) {
		noise = noise * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(noise >> 24);
	}
	for (size_t len = 3 * 1360 - 9; len < sizeof(bytes) - 8; len += 733)
		for (size_t start = 0; start < 8; start += 7)
			cr_assert_eq(vhd_crc32c(5, bytes + start, len),
				     vhd_crc32c_portable(5, bytes + start, len),
				     "start %zu length %zu", start, len);
	for (size_t around = 3 * 1360; around <= 3 * 21840;
	     around += 3 * (21840 - 1360))
		for (size_t len = around - 10; len < around + 10; len++)
			cr_assert_eq(vhd_crc32c(6, bytes, len),
				     vhd_crc32c_portable(6, bytes, len),
				     "length %zu", len);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "core/checked.h"
#include "core/vhd1_header.h"
#include "core/vhd1_footer.h"

#define FIELD(name) offsetof(struct vhd1_header_disk, name)

static uint8_t header[VHD1_HEADER_SIZE];

static void put(size_t at, uint64_t v, int size)
{
	for (int i = 0; i < size; i++)
		header[at + (size_t)i] = (uint8_t)(v >> (8 * (size - 1 - i)));
}

static void load(uint32_t entries)
{
	memset(header, 0, sizeof(header));
	memcpy(header, "cxsparse", 8);
	put(FIELD(data_offset), UINT64_MAX, 8);
	put(FIELD(table_offset), 1536, 8);
	put(FIELD(version), 0x00010000, 4);
	put(FIELD(max_entries), entries, 4);
	put(FIELD(block_size), 2u << 20, 4);
}

static uint32_t sum(void)
{
	return vhd1_checksum(header, sizeof(header), FIELD(checksum));
}

static int decode(struct vhd1_header *out)
{
	put(FIELD(checksum), sum(), 4);
	return vhd1_header_decode(header, 512, out, NULL);
}

/* vhd.md 22.1 */
Test(vhd1_header, checksums_of_known_headers)
{
	static const struct {
		uint32_t entries;
		uint32_t checksum;
	} rows[] = {
		{1, 0xFFFFF476},   {3, 0xFFFFF474},     {126, 0xFFFFF3F9},
		{512, 0xFFFFF475}, {65024, 0xFFFFF379},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		load(rows[i].entries);
		cr_expect_eq(sum(), rows[i].checksum, "%u entries",
			     rows[i].entries);
	}
}

Test(vhd1_header, fields_are_decoded)
{
	struct vhd1_header h;

	load(512);
	put(FIELD(parent_timestamp), 77, 4);
	header[FIELD(parent_id)] = 5;
	header[FIELD(parent_name) + 1] = 'p';
	cr_assert_eq(decode(&h), 0);
	cr_expect_eq(h.table_offset, 1536);
	cr_expect_eq(h.max_entries, 512);
	cr_expect_eq(h.block_size, 2u << 20);
	cr_expect_eq(h.parent_timestamp, 77);
	cr_expect_eq(h.parent_id.b[0], 5);
	cr_expect_eq(h.parent_name[1], 'p');
}

/* vhd.md 20.1 */
Test(vhd1_header, hostile_fields_give_their_error)
{
	static const struct {
		size_t at;
		int size;
		uint64_t value;
		int error;
	} rows[] = {
		{0, 1, 'C', VHD_E_CORRUPT},
		{FIELD(version), 4, 0x00020000, VHD_E_UNSUPPORTED},
		{FIELD(version), 4, 0, VHD_E_UNSUPPORTED},
		{FIELD(block_size), 4, 0, VHD_E_CORRUPT},
		{FIELD(block_size), 4, 1, VHD_E_CORRUPT},
		{FIELD(block_size), 4, 512, VHD_E_CORRUPT},
		{FIELD(block_size), 4, 2048, VHD_E_CORRUPT},
		{FIELD(block_size), 4, 4096, 0},
		{FIELD(block_size), 4, 3u << 20, VHD_E_CORRUPT},
		{FIELD(block_size), 4, 305419776, VHD_E_CORRUPT},
		{FIELD(block_size), 4, 256u << 20, 0},
		{FIELD(block_size), 4, 512u << 20, VHD_E_CORRUPT},
		{FIELD(block_size), 4, 0xFFFFFFFF, VHD_E_CORRUPT},
		{FIELD(table_offset), 8, 0, VHD_E_CORRUPT},
		{FIELD(table_offset), 8, 1537, VHD_E_CORRUPT},
		{FIELD(table_offset), 8, UINT64_MAX, VHD_E_CORRUPT},
		{FIELD(data_offset), 8, 512, 0}, /* never followed */
		{FIELD(reserved2), 8, UINT64_MAX, 0},
	};
	struct vhd1_header h;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		load(1);
		put(rows[i].at, rows[i].value, rows[i].size);
		cr_expect_eq(decode(&h), rows[i].error, "row %zu", i);
	}
}

Test(vhd1_header, a_wrong_checksum_is_refused)
{
	struct vhd1_header h;

	load(1);
	put(FIELD(checksum), ~sum(), 4);
	cr_expect_eq(vhd1_header_decode(header, 512, &h, NULL), VHD_E_CORRUPT);
}

/* vhd.md 22.6: small numbers count sectors, large ones bytes */
Test(vhd1_header, locator_space_comes_in_two_units)
{
	static const struct {
		uint32_t stored;
		uint32_t bytes;
	} rows[] = {
		{1, 512},     {3, 1536},    {511, 261632},  {512, 512},
		{1024, 1024}, {4096, 4096}, {65536, 65536},
	};
	struct vhd1_header h;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		load(1);
		put(FIELD(locators) + 4, rows[i].stored, 4);
		cr_assert_eq(decode(&h), 0);
		cr_expect_eq(h.locators[0].space, rows[i].bytes, "%u",
			     rows[i].stored);
	}
}

/* vhd.md 5.3: one bit a sector, whole sectors */
Test(vhd1_header, bitmap_size_follows_the_block_size)
{
	cr_expect_eq(vhd1_bitmap_bytes(4096), 512);
	cr_expect_eq(vhd1_bitmap_bytes(512u << 10), 512);
	cr_expect_eq(vhd1_bitmap_bytes(2u << 20), 512);
	cr_expect_eq(vhd1_bitmap_bytes(4u << 20), 1024);
	cr_expect_eq(vhd1_bitmap_bytes(256u << 20), 65536);
}

/* vhd.md 22.3: entries, padded bytes, end of a BAT at 1536 */
Test(vhd1_header, table_sizes)
{
	static const struct {
		uint64_t size;
		uint32_t block;
		uint64_t entries, padded, end;
	} rows[] = {
		{1u << 20, 2u << 20, 1, 512, 2048},
		{4u << 20, 2u << 20, 2, 512, 2048},
		{4212736, 2u << 20, 3, 512, 2048},
		{1u << 30, 2u << 20, 512, 2048, 3584},
		{2u << 30, 2u << 20, 1024, 4096, 5632},
		{127 * VHD_GIB, 2u << 20, 65024, 260096, 261632},
		{127 * VHD_GIB, 512u << 10, 260096, 1040384, 1041920},
		{2040 * VHD_GIB, 2u << 20, 1044480, 4177920, 4179456},
		{2040 * VHD_GIB, 512u << 10, 4177920, 16711680, 16713216},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t n =
			vhd_shift_up(rows[i].size, vhd_shift_of(rows[i].block));

		cr_expect_eq(n, rows[i].entries, "row %zu", i);
		cr_expect_eq(vhd_round_up(4 * n, 512), rows[i].padded);
		cr_expect_eq(1536 + vhd_round_up(4 * n, 512), rows[i].end);
	}
}

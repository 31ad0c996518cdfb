/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "core/vhd1_batmap.h"
#include "core/vhd1_footer.h"

static uint8_t sector[512];

static void load(uint64_t offset, uint32_t sectors)
{
	memset(sector, 0, sizeof(sector));
	memcpy(sector, "tdbatmap", 8);
	for (int i = 0; i < 8; i++)
		sector[8 + i] = (uint8_t)(offset >> (56 - 8 * i));
	for (int i = 0; i < 4; i++)
		sector[16 + i] = (uint8_t)(sectors >> (24 - 8 * i));
}

/* vhd.md 22.1; version 1.1 summed signed bytes */
Test(vhd1_batmap, checksums_of_uniform_sectors)
{
	memset(sector, 0, sizeof(sector));
	cr_expect_eq(vhd1_checksum(sector, 512, 512), 0xFFFFFFFF);
	memset(sector, 0xFF, sizeof(sector));
	cr_expect_eq(vhd1_checksum(sector, 512, 512), 0xFFFE01FF);
}

Test(vhd1_batmap, header_is_decoded)
{
	struct vhd1_batmap map;

	load(4096, 2);
	sector[29] = 1;
	cr_assert(vhd1_batmap_decode(sector, 3584, 1 << 20, &map));
	cr_expect_eq(map.header_offset, 3584);
	cr_expect_eq(map.offset, 4096);
	cr_expect_eq(map.bytes, 1024);
	cr_expect(map.encrypted);
}

Test(vhd1_batmap, headers_that_cannot_be_are_no_batmap)
{
	struct vhd1_batmap map;

	load(4096, 2);
	cr_expect_not(vhd1_batmap_decode(sector, 3584, 5119, &map));
	load(UINT64_MAX - 511, 2);
	cr_expect_not(vhd1_batmap_decode(sector, 3584, 1 << 20, &map));
	load(0, 0xFFFFFFFF);
	cr_expect_not(vhd1_batmap_decode(sector, 3584, UINT64_MAX, &map));
	load(4096, 2);
	sector[0] = 'x';
	cr_expect_not(vhd1_batmap_decode(sector, 3584, 1 << 20, &map));
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "core/geometry.h"

static void expect(uint64_t sectors, unsigned c, unsigned h, unsigned s)
{
	struct vhd_geometry g = vhd_geometry_of(sectors);

	cr_expect(g.cylinders == c && g.heads == h && g.sectors == s,
		  "%llu sectors gave %u/%u/%u", (unsigned long long)sectors,
		  g.cylinders, g.heads, g.sectors);
}

/* vhd.md 8.2 */
Test(geometry, table_of_sizes_and_losses)
{
	static const struct {
		uint64_t size;
		unsigned c, h, s;
		uint64_t loss;
	} rows[] = {
		{34816u, 1, 4, 17, 0u},
		{1048576u, 30, 4, 17, 4096u},
		{3145728u, 90, 4, 17, 12288u},
		{4194304u, 120, 4, 17, 16384u},
		{5242880u, 150, 4, 17, 20480u},
		{8388608u, 240, 4, 17, 32768u},
		{10485760u, 301, 4, 17, 6144u},
		{16777216u, 481, 4, 17, 30720u},
		{20971520u, 602, 4, 17, 12288u},
		{33554432u, 963, 4, 17, 26624u},
		{35651584u, 140, 16, 31, 98304u},
		{67108864u, 963, 8, 17, 53248u},
		{104857600u, 1003, 12, 17, 96256u},
		{134217728u, 963, 16, 17, 106496u},
		{142606336u, 561, 16, 31, 139264u},
		{209715200u, 825, 16, 31, 204800u},
		{260046848u, 503, 16, 63, 450560u},
		{268435456u, 520, 16, 63, 65536u},
		{524288000u, 1015, 16, 63, 450560u},
		{528482304u, 1024, 16, 63, 0u},
		{536870912u, 1040, 16, 63, 131072u},
		{1073741824u, 2080, 16, 63, 262144u},
		{2147483648u, 4161, 16, 63, 8192u},
		{4294967296u, 8322, 16, 63, 16384u},
		{8589934592u, 16644, 16, 63, 32768u},
		{10737418240u, 20805, 16, 63, 40960u},
		{17179869184u, 33288, 16, 63, 65536u},
		{21474836480u, 41610, 16, 63, 81920u},
		{32212254720u, 62415, 16, 63, 122880u},
		{33285996544u, 64495, 16, 63, 385024u},
		{33822350848u, 65534, 16, 63, 515584u},
		{33822351360u, 16191, 16, 255, 0u},
		{34359738368u, 16448, 16, 255, 524288u},
		{42949672960u, 20560, 16, 255, 655360u},
		{53687091200u, 25700, 16, 255, 819200u},
		{68719476736u, 32896, 16, 255, 1048576u},
		{107374182400u, 51400, 16, 255, 1638400u},
		{128849018880u, 61680, 16, 255, 1966080u},
		{136365211648u, 65278, 16, 255, 2080768u},
		{136899993600u, 65535, 16, 255, 0u},
		{137438953472u, 65535, 16, 255, 538959872u},
		{274877906944u, 65535, 16, 255, 137977913344u},
		{1099511627776u, 65535, 16, 255, 962611634176u},
		{2190433320960u, 65535, 16, 255, 2053533327360u},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhd_geometry g = vhd_geometry_of(rows[i].size / 512);

		expect(rows[i].size / 512, rows[i].c, rows[i].h, rows[i].s);
		cr_expect_eq(rows[i].size - vhd_geometry_bytes(g), rows[i].loss,
			     "row %zu", i);
	}
}

/* vhd.md 22.2: the isolated points are easy to "simplify" away */
Test(geometry, boundaries_between_track_sizes)
{
	static const struct {
		uint64_t sectors;
		unsigned c, h, s;
	} rows[] = {
		{0, 0, 4, 17},
		{67, 0, 4, 17},
		{68, 1, 4, 17},
		{69631, 1023, 4, 17},
		{69632, 140, 16, 31},
		{69649, 819, 5, 17},
		{87039, 1023, 5, 17},
		{87040, 175, 16, 31},
		{278527, 1023, 16, 17},
		{278528, 561, 16, 31},
		{278546, 561, 16, 31},
		{507903, 1023, 16, 31},
		{507904, 503, 16, 63},
		{66059279, 65534, 16, 63},
		{66059280, 16191, 16, 255},
		{267382799, 65534, 16, 255},
		{267382800, 65535, 16, 255},
		{267382801, 65535, 16, 255},
		{UINT64_MAX, 65535, 16, 255},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(rows[i].sectors, rows[i].c, rows[i].h, rows[i].s);
}

/* what QEMU makes of a size it rounds up is a size that loses nothing */
Test(geometry, sizes_rounded_up_by_qemu_are_exact)
{
	static const struct {
		uint64_t size;
		unsigned c, h, s;
	} rows[] = {
		{10514432u, 302, 4, 17},       {104865792u, 1004, 12, 17},
		{1073995776u, 2081, 16, 63},   {10737893376u, 20806, 16, 63},
		{21475270656u, 41611, 16, 63}, {136365219840u, 65279, 16, 255},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		expect(rows[i].size / 512, rows[i].c, rows[i].h, rows[i].s);
		cr_expect_eq(
			vhd_geometry_bytes(vhd_geometry_of(rows[i].size / 512)),
			rows[i].size);
	}
}

Test(geometry, never_says_more_than_the_disk_holds)
{
	for (uint64_t n = 0; n < 1200000; n += 17)
		cr_assert_leq(vhd_geometry_bytes(vhd_geometry_of(n)), n * 512,
			      "%llu sectors", (unsigned long long)n);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "core/vhd1_creator.h"

static struct vhd1_footer footer(const char *creator, uint64_t size,
				 struct vhd_geometry g)
{
	struct vhd1_footer f = {.current_size = size, .geometry = g};

	memcpy(f.creator, creator, 4);
	return f;
}

static const struct vhd_geometry exact = {302, 4, 17}; /* 10514432 bytes */

Test(vhd1_creator, current_size_is_the_rule_for_everybody)
{
	struct vhd1_footer f = footer("vpc ", 20971520, exact);

	cr_expect_eq(vhd1_disk_size(&f, VHD1_SIZE_CURRENT), 20971520);
}

Test(vhd1_creator, other_rules_go_by_the_geometry)
{
	static const struct {
		const char *creator;
		uint64_t qemu;
	} rows[] = {
		{"vpc ", 10514432}, {"qemu", 10514432},  {"win ", 20971520},
		{"qem2", 20971520}, {"d2v\0", 20971520}, {"????", 20971520},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhd1_footer f = footer(rows[i].creator, 20971520, exact);

		cr_expect_eq(vhd1_disk_size(&f, VHD1_SIZE_QEMU), rows[i].qemu,
			     "%s", rows[i].creator);
		cr_expect_eq(vhd1_disk_size(&f, VHD1_SIZE_CHS), 10514432);
	}
}

/* vhd.md 9: zero, saturated, or too large a geometry says nothing */
Test(vhd1_creator, useless_geometries_are_ignored)
{
	static const struct vhd_geometry useless[] = {
		{0, 0, 0}, {65535, 16, 255}, {65534, 16, 255}};

	for (size_t i = 0; i < sizeof(useless) / sizeof(useless[0]); i++) {
		struct vhd1_footer f = footer("vpc ", 20971520, useless[i]);

		cr_expect_eq(vhd1_disk_size(&f, VHD1_SIZE_CHS), 20971520,
			     "row %zu", i);
	}
}

Test(vhd1_creator, codes_have_names)
{
	cr_assert_not_null(vhd1_creator_find((const uint8_t *)"win "));
	cr_expect_str_eq(vhd1_creator_find((const uint8_t *)"win ")->name,
			 "Windows");
	cr_expect_null(vhd1_creator_find((const uint8_t *)"????"));
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <string.h>

#include "core/crc32c.h"
#include "core/guid.h"
#include "core/vhdx_locator.h"
#include "support/vhdx_image.h"

static const struct vhdx_key keys[] = {
	{"parent_linkage", "{01234567-89ab-cdef-0123-456789abcdef}"},
	{"relative_path", ".\\base.vhdx"},
};

static uint8_t item[65536];
static uint8_t scratch[65536];
static struct vhdx_locator locator;

static int read_item(uint32_t length)
{
	struct sparse *file = sparse_new(1 << 20);
	struct vhd_source source = sparse_source(file);
	struct vhdx_metadata metadata = {.locator_offset = 4096,
					 .locator_length = length};
	int rc;

	sparse_put(file, 4096, item, length < 65536 ? length : 65536);
	rc = vhdx_locator_read(&source, &metadata, scratch, sizeof(scratch),
			       &locator, NULL);
	sparse_free(file);
	return rc;
}

/* vhdx.md 19.7 */
Test(vhdx_locator, bytes_of_a_known_item)
{
	static const uint8_t head[44] = {
		0xB7, 0xEF, 0x4A, 0xB0, 0x9E, 0xD1, 0x81, 0x4A, 0xB7,
		0x89, 0x25, 0xB8, 0xE9, 0x44, 0x59, 0x13, 0x00, 0x00,
		0x02, 0x00, 0x2C, 0x00, 0x00, 0x00, 0x48, 0x00, 0x00,
		0x00, 0x1C, 0x00, 0x4C, 0x00, 0x94, 0x00, 0x00, 0x00,
		0xAE, 0x00, 0x00, 0x00, 0x1A, 0x00, 0x16, 0x00};
	uint32_t length = vhdx_locator_build(keys, 2, item, sizeof(item));

	cr_assert_eq(length, 196);
	cr_expect_arr_eq(item, head, sizeof(head));
	cr_expect_eq(vhd_crc32c(0, item, length), 0xAE541BAD);
}

Test(vhdx_locator, keys_and_linkage_are_found)
{
	struct vhdx_linkage linkage;
	struct vhd_guid guid;
	char value[64], key[64];

	cr_assert_eq(read_item(vhdx_locator_build(keys, 2, item, sizeof(item))),
		     0);
	cr_assert(vhdx_locator_find(&locator, "relative_path", value,
				    sizeof(value)));
	cr_expect_str_eq(value, ".\\base.vhdx");
	cr_expect_not(vhdx_locator_find(&locator, "Relative_path", value,
					sizeof(value)));
	cr_expect_not(vhdx_locator_find(&locator, "relative_pat", value,
					sizeof(value)));
	cr_assert(vhdx_locator_entry(&locator, 0, key, sizeof(key), value,
				     sizeof(value)));
	cr_expect_str_eq(key, "parent_linkage");
	cr_assert_eq(vhdx_locator_linkage(&locator, &linkage, 0, NULL), 0);
	vhd_guid_parse(vhdx_guid_data, 36, &guid);
	cr_expect(vhdx_linkage_matches(&linkage, &guid));
	guid.b[0] ^= 1;
	cr_expect_not(vhdx_linkage_matches(&linkage, &guid));
}

/* five keys with a null parent_linkage2 are what Windows writes */
Test(vhdx_locator, a_null_identity_never_matches)
{
	static const struct vhdx_key windows[] = {
		{"parent_linkage", "{01234567-89ab-cdef-0123-456789abcdef}"},
		{"parent_linkage2", "{00000000-0000-0000-0000-000000000000}"},
	};
	struct vhd_guid null = {{0}};
	struct vhdx_linkage linkage;

	cr_assert_eq(
		read_item(vhdx_locator_build(windows, 2, item, sizeof(item))),
		0);
	cr_assert_eq(vhdx_locator_linkage(&locator, &linkage, 0, NULL), 0);
	cr_expect_not(vhdx_linkage_matches(&linkage, &null));
}

Test(vhdx_locator, parent_linkage_is_mandatory)
{
	static const struct vhdx_key bad[][1] = {
		{{"relative_path", "a.vhdx"}},
		{{"parent_linkage", "no guid"}},
		{{"parent_linkage", "{01234567-89ab-cdef-0123-456789abcdeg}"}},
	};
	struct vhdx_linkage linkage;

	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(read_item(vhdx_locator_build(bad[i], 1, item,
							  sizeof(item))),
			     0);
		cr_expect_eq(vhdx_locator_linkage(&locator, &linkage, 0, NULL),
			     VHD_E_CORRUPT, "row %zu", i);
	}
}

static void put(size_t at, uint64_t v, int size)
{
	for (int i = 0; i < size; i++)
		item[at + (size_t)i] = (uint8_t)(v >> (8 * i));
}

/* vhdx.md 16.8, locator */
Test(vhdx_locator, hostile_items_give_their_error)
{
	static const struct {
		const char *name;
		size_t at;
		int size;
		uint64_t value;
		int error;
	} rows[] = {
		{"nothing", 16, 2, 0, 0},
		{"another type", 0, 1, 0, VHD_E_UNSUPPORTED},
		{"no entries", 18, 2, 0, VHD_E_CORRUPT},
		{"15 entries, item of 196 bytes", 18, 2, 15, VHD_E_CORRUPT},
		{"257 entries", 18, 2, 257, VHD_E_CORRUPT},
		{"65535 entries", 18, 2, 65535, VHD_E_CORRUPT},
		{"key in the table", 20, 4, 20, VHD_E_CORRUPT},
		{"key outside", 20, 4, 196, VHD_E_CORRUPT},
		{"key offset wraps", 20, 4, 0xFFFFFFFE, VHD_E_CORRUPT},
		{"key empty", 28, 2, 0, VHD_E_CORRUPT},
		{"key of odd length", 28, 2, 27, VHD_E_CORRUPT},
		{"value past the end", 42, 2, 24, VHD_E_CORRUPT},
		{"value empty", 42, 2, 0, VHD_E_CORRUPT},
		{"value offset huge", 36, 4, 0x80000000, VHD_E_CORRUPT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t n = vhdx_locator_build(keys, 2, item, sizeof(item));

		put(rows[i].at, rows[i].value, rows[i].size);
		cr_expect_eq(read_item(n), rows[i].error, "%s", rows[i].name);
	}
	cr_expect_eq(read_item(19), VHD_E_CORRUPT);
	cr_expect_eq(read_item(0), VHD_E_CORRUPT);
	cr_expect_eq(read_item(VHDX_LOCATOR_MAX + 1), VHD_E_LIMIT);
}

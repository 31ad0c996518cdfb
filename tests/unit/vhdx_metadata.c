/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>

#include "core/checked.h"
#include "core/crc32c.h"
#include "core/guid.h"
#include "core/vhdx_metadata.h"
#include "support/vhdx_image.h"

static struct vhdx_metadata metadata;

static const struct vhdx_key child_keys[] = {
	{"parent_linkage", "{01234567-89ab-cdef-0123-456789abcdef}"},
};

static struct vhdx_image small(void)
{
	return vhdx_image_new(&(struct vhdx_spec){.size = 16u << 20});
}

static int read_metadata(struct vhdx_image *image)
{
	static uint8_t scratch[VHDX_METADATA_TABLE_SIZE];
	struct vhdx_region region = {.offset = image->metadata,
				     .length = 1u << 20};
	struct vhd_source source = sparse_source(image->file);

	return vhdx_metadata_read(&source, &region, scratch, &metadata, NULL);
}

/* vhdx.md 19.5 */
Test(vhdx_metadata, table_and_items_of_the_small_image)
{
	static const uint8_t items[40] = {
		0x00, 0x00, 0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00,
		0x00, 0x02, 0x00, 0x00, 0xEF, 0xBE, 0xAD, 0xDE, 0x00, 0x00,
		0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44, 0x55, 0x55};
	static uint8_t table[65536];
	struct vhdx_image image = small();
	uint8_t bytes[40];

	sparse_get(image.file, image.metadata, table, sizeof(table));
	cr_expect_eq(vhd_crc32c(0, table, sizeof(table)), 0x335F5972);
	sparse_get(image.file, image.metadata + 0x10000, bytes, 40);
	cr_expect_arr_eq(bytes, items, 40);
	cr_assert_eq(read_metadata(&image), 0);
	cr_expect_eq(metadata.disk_size, 16u << 20);
	cr_expect_eq(metadata.block_size, 1u << 20);
	cr_expect_eq(metadata.logical_sector, 512);
	cr_expect_eq(metadata.physical_sector, 512);
	cr_expect_not(metadata.has_parent);
	cr_expect_not(metadata.odd_flags);
	vhdx_image_drop(&image);
}

/* one field of an item's value or of its table entry */
struct mutation {
	const char *name;
	enum vhdx_place item;
	int entry; /* offset in the table entry, or -1: in the value */
	int at;    /* in the value */
	int size;
	uint64_t value;
	int error;
};

#define ENTRY(item, offset) VHDX_PLACE_##item, offset, 0
#define VALUE(item, offset) VHDX_PLACE_##item, -1, offset

/* vhdx.md 16.8, metadata */
static const struct mutation mutations[] = {
	{"block size 0", VALUE(PARAMETERS, 0), 4, 0, VHD_E_CORRUPT},
	{"block size 1", VALUE(PARAMETERS, 0), 4, 1, VHD_E_CORRUPT},
	{"block size 512 KiB", VALUE(PARAMETERS, 0), 4, 512u << 10,
	 VHD_E_CORRUPT},
	{"block size 3 MiB", VALUE(PARAMETERS, 0), 4, 3u << 20, VHD_E_CORRUPT},
	{"block size 256 MiB", VALUE(PARAMETERS, 0), 4, 256u << 20, 0},
	{"block size 512 MiB", VALUE(PARAMETERS, 0), 4, 512u << 20,
	 VHD_E_CORRUPT},
	{"block size 3 GiB", VALUE(PARAMETERS, 0), 4, 3u << 30, VHD_E_CORRUPT},
	{"a parent without locator", VALUE(PARAMETERS, 4), 4, 2, VHD_E_CORRUPT},
	{"fixed", VALUE(PARAMETERS, 4), 4, 1, 0},
	{"logical sector 0", VALUE(LOGICAL, 0), 4, 0, VHD_E_CORRUPT},
	{"logical sector 1", VALUE(LOGICAL, 0), 4, 1, VHD_E_CORRUPT},
	{"logical sector 1024", VALUE(LOGICAL, 0), 4, 1024, VHD_E_CORRUPT},
	{"logical sector 4096", VALUE(LOGICAL, 0), 4, 4096, 0},
	{"physical sector 0", VALUE(PHYSICAL, 0), 4, 0, VHD_E_CORRUPT},
	{"physical sector 4096", VALUE(PHYSICAL, 0), 4, 4096, 0},
	{"disk size 0", VALUE(SIZE, 0), 8, 0, VHD_E_CORRUPT},
	{"disk size odd", VALUE(SIZE, 0), 8, 1000, VHD_E_CORRUPT},
	{"disk size 64 TiB", VALUE(SIZE, 0), 8, 64 * VHD_TIB, 0},
	{"disk size over 64 TiB", VALUE(SIZE, 0), 8, 64 * VHD_TIB + 512,
	 VHD_E_CORRUPT},
	{"disk size all ones", VALUE(SIZE, 0), 8, UINT64_MAX, VHD_E_CORRUPT},
	{"item on the table", ENTRY(SIZE, 16), 4, 65528, VHD_E_CORRUPT},
	{"item outside the region", ENTRY(SIZE, 16), 4, (1u << 20) - 4,
	 VHD_E_CORRUPT},
	{"item's end wraps", ENTRY(SIZE, 16), 4, 0xFFFFFFFC, VHD_E_CORRUPT},
	{"item too short", ENTRY(SIZE, 20), 4, 4, VHD_E_CORRUPT},
	{"item too long", ENTRY(ID, 20), 4, 1024, VHD_E_CORRUPT},
	{"items overlap", ENTRY(SIZE, 16), 4, 0x10004, VHD_E_CORRUPT},
	{"item over 1 MiB", ENTRY(ID, 20), 4, (1u << 20) + 1, VHD_E_CORRUPT},
	{"empty item with an offset", ENTRY(ID, 20), 4, 0, VHD_E_CORRUPT},
	{"reserved flags", ENTRY(SIZE, 24), 4, 8, VHD_E_CORRUPT},
	{"user item required", ENTRY(SIZE, 24), 4, 5, VHD_E_CORRUPT},
	{"known id in the user's name space", ENTRY(SIZE, 24), 4, 1,
	 VHD_E_CORRUPT},
	{"unusual flags", ENTRY(PHYSICAL, 24), 4, 2, 0},
	{"unknown required item", ENTRY(ID, 0), 4, 1, VHD_E_UNSUPPORTED},
};

static void apply(struct vhdx_image *image, const struct mutation *m)
{
	uint64_t at =
		m->entry < 0
			? vhdx_item_value(image, m->item) + (uint64_t)m->at
			: vhdx_item_entry(image, m->item) + (uint64_t)m->entry;

	if (m->size == 4)
		sparse_put_le32(image->file, at, (uint32_t)m->value);
	else
		sparse_put_le64(image->file, at, m->value);
}

Test(vhdx_metadata, hostile_fields_give_their_error)
{
	for (size_t i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++) {
		struct vhdx_image image = small();

		apply(&image, &mutations[i]);
		cr_expect_eq(read_metadata(&image), mutations[i].error, "%s",
			     mutations[i].name);
		vhdx_image_drop(&image);
	}
}

Test(vhdx_metadata, unusual_flags_are_remembered)
{
	struct vhdx_image image = small();

	sparse_put_le32(image.file,
			vhdx_item_entry(&image, VHDX_PLACE_PHYSICAL) + 24, 2);
	cr_assert_eq(read_metadata(&image), 0);
	cr_expect(metadata.odd_flags);
	vhdx_image_drop(&image);
}

Test(vhdx_metadata, hostile_tables_give_their_error)
{
	static const struct {
		const char *name;
		uint64_t at;
		uint16_t value;
		int error;
	} rows[] = {
		{"signature", 0, 0, VHD_E_CORRUPT},
		{"no items", 10, 0, VHD_E_CORRUPT},
		{"four of five items", 10, 4, VHD_E_CORRUPT},
		{"an item of zeros", 10, 6, VHD_E_CORRUPT},
		{"2048 items", 10, 2048, VHD_E_CORRUPT},
		{"65535 items", 10, 65535, VHD_E_CORRUPT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhdx_image image = small();

		sparse_put_le16(image.file, image.metadata + rows[i].at,
				rows[i].value);
		cr_expect_eq(read_metadata(&image), rows[i].error, "%s",
			     rows[i].name);
		vhdx_image_drop(&image);
	}
}

static void add_item(struct vhdx_image *image, uint16_t index, uint32_t flags)
{
	uint64_t at = image->metadata + 32 + 32 * (uint64_t)index;

	sparse_put_le32(image->file, at, 0xABC00000u + index);
	sparse_put_le32(image->file, at + 24, flags);
	sparse_put_le16(image->file, image->metadata + 10,
			(uint16_t)(index + 1));
}

Test(vhdx_metadata, unknown_optional_items_are_left_alone)
{
	struct vhdx_image image = small();

	add_item(&image, 5, 0);
	add_item(&image, 6, VHDX_ITEM_USER);
	cr_expect_eq(read_metadata(&image), 0);
	vhdx_image_drop(&image);
}

Test(vhdx_metadata, at_most_1024_user_items)
{
	struct vhdx_image image = small();

	for (uint16_t i = 0; i < 1024; i++)
		add_item(&image, (uint16_t)(5 + i), VHDX_ITEM_USER);
	cr_expect_eq(read_metadata(&image), 0);
	add_item(&image, 5 + 1024, VHDX_ITEM_USER);
	cr_expect_eq(read_metadata(&image), VHD_E_CORRUPT);
	vhdx_image_drop(&image);
}

Test(vhdx_metadata, an_incomplete_file_is_refused)
{
	static const char text[] = "71cc85f0-1b69-4e28-9558-c3bf83ae75d3";
	struct vhdx_image image = small();
	struct vhd_guid id;

	add_item(&image, 5, 0);
	cr_assert(vhd_guid_parse(text, 36, &id));
	sparse_put(image.file, image.metadata + 32 + 32 * 5, id.b, 16);
	cr_expect_eq(read_metadata(&image), VHD_E_UNSUPPORTED);
	vhdx_image_drop(&image);
}

Test(vhdx_metadata, a_differencing_disk_names_its_locator)
{
	struct vhdx_image image = vhdx_image_new(&(struct vhdx_spec){
		.size = 16u << 20, .keys = child_keys, .key_count = 1});

	cr_assert_eq(read_metadata(&image), 0);
	cr_expect(metadata.has_parent);
	cr_expect_eq(metadata.locator_offset,
		     vhdx_item_value(&image, VHDX_PLACE_LOCATOR));
	vhdx_image_drop(&image);
}

Test(vhdx_metadata, read_errors_are_passed_on)
{
	struct vhdx_image image = small();

	for (uint64_t n = 1; n <= 6; n++) {
		image.file->fail_at = n;
		cr_expect_eq(read_metadata(&image), VHD_E_IO, "read %d",
			     (int)n);
	}
	vhdx_image_drop(&image);
}

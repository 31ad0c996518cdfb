/* SPDX-License-Identifier: BSD-2-Clause */
/* Where bytes lie, and which table entries must not be used. */
#include <criterion/criterion.h>

#include "core/checked.h"
#include "core/map.h"
#include "core/vhd1_open.h"
#include "core/vhdx_bat.h"
#include "core/vhdx_open.h"
#include "support/vhd1_image.h"
#include "support/vhdx_image.h"

#define MIB VHD_MIB

/* a window straight onto the file */
struct direct {
	struct vhd_window window;
	struct vhd_source source;
	uint64_t loads;
};

static int load(struct vhd_window *window, uint64_t offset, void *buf,
		size_t len)
{
	struct direct *d = (struct direct *)(void *)window;

	cr_assert_eq(offset / VHD_WINDOW_PAGE,
		     (offset + len - 1) / VHD_WINDOW_PAGE,
		     "a load crosses a page");
	if (!vhd_inside(offset, len, d->source.size))
		return VHD_E_CORRUPT;
	d->loads++;
	return vhd_source_read(&d->source, offset, buf, len);
}

static struct vhd_map map;
static struct direct direct;
static uint8_t scratch[VHDX_SCRATCH];

static void open_vhd1(struct vhd1_image *image)
{
	static struct vhd1_meta meta;

	direct = (struct direct){{load}, sparse_source(image->file), 0};
	cr_assert_eq(vhd1_open(&direct.source, VHD1_SIZE_CURRENT, scratch,
			       &meta, &map, NULL),
		     0);
}

static void open_vhdx(struct vhdx_image *image)
{
	static struct vhdx_meta meta;

	direct = (struct direct){{load}, sparse_source(image->file), 0};
	cr_assert_eq(vhdx_open_headers(&direct.source, scratch, &meta, NULL),
		     0);
	cr_assert_eq(vhdx_open_body(&direct.source, scratch, &meta, &map, NULL),
		     0);
}

static struct vhd_extent extent(uint64_t offset, uint64_t length)
{
	struct vhd_extent e = {0};

	cr_assert_eq(
		vhd_map_extent(&map, &direct.window, offset, length, &e, NULL),
		0);
	cr_assert_eq(e.start, offset);
	cr_assert(e.length && e.length <= length);
	return e;
}

static void expect(uint64_t offset, uint64_t length, uint32_t kind,
		   uint64_t run, uint64_t place)
{
	struct vhd_extent e = extent(offset, length);

	cr_expect(e.kind == kind && e.length == run && e.offset == place,
		  "at %llu: kind %u, %llu bytes at %llu",
		  (unsigned long long)offset, e.kind,
		  (unsigned long long)e.length, (unsigned long long)e.offset);
}

static int error_at(uint64_t offset)
{
	struct vhd_extent e;

	return vhd_map_extent(&map, &direct.window, offset, 512, &e, NULL);
}

/* vhd.md 22.4: Disk2vhd's placement */
Test(map, addresses_in_a_vhd)
{
	struct vhd1_image image = vhd1_image_new(&(struct vhd1_spec){
		.type = VHD_TYPE_DYNAMIC, .size = 4u << 20});
	uint8_t footer[512];

	sparse_get(image.file, image.footer, footer, 512);
	sparse_fill(image.file, image.footer, 0, 512);
	sparse_put_be32(image.file, vhd1_entry_at(&image, 0), 4);
	sparse_put_be32(image.file, vhd1_entry_at(&image, 1), 12295);
	sparse_fill(image.file, 4 * 512, 0xFF, 512);
	sparse_fill(image.file, 12295 * 512, 0xFF, 512);
	image.footer = 12295 * 512 + 512 + (2u << 20);
	sparse_put(image.file, image.footer, footer, 512);
	open_vhd1(&image);
	expect(0, 512, VHD_EXTENT_DATA, 512, 0xA00);
	expect(4095 * 512, 512, VHD_EXTENT_DATA, 512, 0x200800);
	expect(4096 * 512, 512, VHD_EXTENT_DATA, 512, 0x601000);
	expect(4097 * 512, 512, VHD_EXTENT_DATA, 512, 0x601200);
	expect(0, 4u << 20, VHD_EXTENT_DATA, 2u << 20, 0xA00);
	vhd1_image_drop(&image);
}

/* vhd.md 22.4: bits of the Windows 10 sample, most significant first */
Test(map, bits_of_a_vhd_bitmap)
{
	static const uint32_t set[] = {134, 143, 152, 153, 154, 155,
				       156, 157, 158, 159, 184, 185,
				       188, 190, 191, 192, 194, 196};
	struct vhd1_image image = vhd1_image_new(&(struct vhd1_spec){
		.type = VHD_TYPE_DIFFERENCING, .size = 4u << 20});
	uint64_t data = vhd1_add_block(&image, 0);
	uint32_t at = 0;

	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		vhd1_set_sectors(&image, 0, set[i], 1, true);
	cr_expect_eq(sparse_byte(image.file, data - 512 + 16), 0x02);
	open_vhd1(&image);
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
		for (; at < set[i]; at++)
			cr_expect_eq(extent(at * 512, 512).kind,
				     VHD_EXTENT_PARENT, "%u", at);
		expect(at * 512, 512, VHD_EXTENT_DATA, 512, data + at * 512);
		at++;
	}
	expect(0, 4u << 20, VHD_EXTENT_PARENT, 134 * 512, 0);
	expect(152 * 512, 4u << 20, VHD_EXTENT_DATA, 8 * 512, data + 152 * 512);
	/* the rest of the block and the absent one are one run */
	expect(197 * 512, (4u << 20) - 197 * 512, VHD_EXTENT_PARENT,
	       (4u << 20) - 197 * 512, 0);
	vhd1_image_drop(&image);
}

/* vhd.md 5.3: a clear bit in a dynamic disk is zeros */
Test(map, clear_bits_without_a_parent_are_zeros)
{
	struct vhd1_image image = vhd1_image_new(&(struct vhd1_spec){
		.type = VHD_TYPE_DYNAMIC, .size = 4u << 20});
	uint64_t data = vhd1_add_block(&image, 1);

	vhd1_set_sectors(&image, 1, 8, 3, false);
	open_vhd1(&image);
	expect(0, 4u << 20, VHD_EXTENT_ZERO, 2u << 20, 0);
	expect(2u << 20, 2u << 20, VHD_EXTENT_DATA, 8 * 512, data);
	expect((2u << 20) + 8 * 512, 1u << 20, VHD_EXTENT_ZERO, 3 * 512, 0);
	map.ignore_bitmap = true;
	expect(2u << 20, 2u << 20, VHD_EXTENT_DATA, 2u << 20, data);
	vhd1_image_drop(&image);
}

/* vhd.md 22.4: entry 0x80000000 is 1 TiB, not a negative number */
Test(map, vhd_entries_reach_over_a_tebibyte)
{
	struct vhd1_image image = vhd1_image_new(&(struct vhd1_spec){
		.type = VHD_TYPE_DYNAMIC, .size = 2u << 20});
	uint8_t footer[512];

	sparse_get(image.file, image.footer, footer, 512);
	sparse_put_be32(image.file, vhd1_entry_at(&image, 0), 0x80000000);
	sparse_fill(image.file, 0x10000000000u, 0xFF, 512);
	image.footer = 0x10000000200u + (2u << 20);
	sparse_put(image.file, image.footer, footer, 512);
	open_vhd1(&image);
	expect(0, 2u << 20, VHD_EXTENT_DATA, 2u << 20, 0x10000000200u);
	vhd1_image_drop(&image);
}

/* vhd.md 20.1: entry of block 1 of a 6 MiB disk whose block 0 is stored */
Test(map, hostile_vhd_entries_are_refused_where_they_are_met)
{
	static const struct {
		const char *name;
		uint32_t entry;
		int error;
	} rows[] = {
		{"unused", 0xFFFFFFFF, 0},
		{"at the copy", 0, VHD_E_CORRUPT},
		{"at the header", 1, VHD_E_CORRUPT},
		{"at the BAT", 3, VHD_E_CORRUPT},
		{"behind the BAT", 4, 0},
		{"data passes the footer", 5, VHD_E_CORRUPT},
		{"past the end", 100000, VHD_E_CORRUPT},
		{"the largest", 0xFFFFFFFE, VHD_E_CORRUPT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhd1_image image = vhd1_image_new(&(struct vhd1_spec){
			.type = VHD_TYPE_DYNAMIC, .size = 6u << 20});

		vhd1_add_block(&image, 0);
		sparse_put_be32(image.file, vhd1_entry_at(&image, 1),
				rows[i].entry);
		open_vhd1(&image);
		cr_expect_eq(error_at(2u << 20), rows[i].error, "%s",
			     rows[i].name);
		cr_expect_eq(error_at(0), 0); /* the others stay readable */
		vhd1_image_drop(&image);
	}
}

/* vhd.md 5.4: the last block may be as short as the disk */
Test(map, a_short_last_vhd_block_may_end_at_the_disks_end)
{
	struct vhd1_image image = vhd1_image_new(&(struct vhd1_spec){
		.type = VHD_TYPE_DYNAMIC, .size = (2u << 20) + 4096});
	uint64_t data = vhd1_add_block(&image, 1);
	uint8_t footer[512];

	sparse_get(image.file, image.footer, footer, 512);
	sparse_resize(image.file, data + 4096);
	image.footer = data + 4096;
	sparse_put(image.file, image.footer, footer, 512);
	open_vhd1(&image);
	expect(2u << 20, 4096, VHD_EXTENT_DATA, 4096, data);
	vhd1_image_drop(&image);
}

/* vhdx.md 19.7: the differencing child over 19.5 */
Test(map, blocks_of_a_differencing_vhdx)
{
	static const struct vhdx_key keys[] = {
		{"parent_linkage", "{01234567-89ab-cdef-0123-456789abcdef}"}};
	struct vhdx_image image = vhdx_image_new(&(struct vhdx_spec){
		.size = 16u << 20, .keys = keys, .key_count = 1});
	uint64_t three, five;

	three = vhdx_add_block(&image, 3, VHDX_PARTIALLY_PRESENT);
	cr_assert_eq(vhdx_add_bitmap(&image, 0), 5u << 20);
	five = vhdx_add_block(&image, 5, VHDX_FULLY_PRESENT);
	vhdx_put_entry(&image, 6, VHDX_ZERO);
	vhdx_set_sectors(&image, 3, 1, 1);
	vhdx_set_sectors(&image, 3, 9, 1);
	cr_expect_eq(sparse_byte(image.file, (5u << 20) + 768), 0x02);
	cr_expect_eq(sparse_byte(image.file, (5u << 20) + 769), 0x02);
	cr_expect_eq(vhdx_bitmap_entry_at(&image, 0), image.bat + 8 * 4096);
	open_vhdx(&image);
	expect(0, 16 * MIB, VHD_EXTENT_PARENT, 3 * MIB + 512, 0);
	expect(3 * MIB + 512, MIB, VHD_EXTENT_DATA, 512, three + 512);
	expect(3 * MIB + 1024, 7 * 512, VHD_EXTENT_PARENT, 7 * 512, 0);
	expect(3 * MIB + 9 * 512, MIB, VHD_EXTENT_DATA, 512, three + 9 * 512);
	expect(3 * MIB + 10 * 512, 2 * MIB, VHD_EXTENT_PARENT,
	       2 * MIB - 10 * 512, 0);
	expect(5 * MIB, 2 * MIB, VHD_EXTENT_DATA, MIB, five);
	expect(6 * MIB, 2 * MIB, VHD_EXTENT_ZERO, MIB, 0);
	expect(7 * MIB, 9 * MIB, VHD_EXTENT_PARENT, 9 * MIB, 0);
	vhdx_image_drop(&image);
}

Test(map, adjacent_blocks_become_one_extent)
{
	struct vhdx_image image =
		vhdx_image_new(&(struct vhdx_spec){.size = 64u << 20});
	uint64_t first = image.next;

	for (uint64_t b = 2; b < 60; b++)
		vhdx_add_block(&image, b, VHDX_FULLY_PRESENT);
	open_vhdx(&image);
	expect(0, 64 * MIB, VHD_EXTENT_ZERO, 2 * MIB, 0);
	expect(2 * MIB + 4096, 62 * MIB - 4096, VHD_EXTENT_DATA,
	       58 * MIB - 4096, first + 4096);
	expect(60 * MIB, 4 * MIB, VHD_EXTENT_ZERO, 4 * MIB, 0);
	expect(2 * MIB, 100, VHD_EXTENT_DATA, 100, first);
	vhdx_image_drop(&image);
}

/* vhdx.md 16.8, BAT: entry of block 1 of a 4 MiB disk; block 0 at 4 MiB */
Test(map, hostile_vhdx_entries_are_refused_where_they_are_met)
{
	static const struct {
		const char *name;
		uint64_t entry;
		int error;
	} rows[] = {
		{"not present", 0, 0},
		{"undefined", 1, 0},
		{"zero", 2, 0},
		{"unmapped", 3, 0},
		{"zero with an offset", 0x3FF00002, 0},
		{"state 4", 4, VHD_E_CORRUPT},
		{"state 5", 5, VHD_E_CORRUPT},
		{"full at 0", 6, VHD_E_CORRUPT},
		{"full at 5 MiB", 0x500006, 0},
		{"reserved bits", 0x50000E, VHD_E_CORRUPT},
		{"reserved bit 19", 0x580006, VHD_E_CORRUPT},
		{"partial without parent", 0x500007, VHD_E_CORRUPT},
		{"on the log", 0x100006, VHD_E_CORRUPT},
		{"on the metadata", 0x200006, VHD_E_CORRUPT},
		{"on the BAT", 0x300006, VHD_E_CORRUPT},
		{"past the end", 0x600006, VHD_E_CORRUPT},
		{"far past the end", 0x7FFFFFFFFFF00006, VHD_E_CORRUPT},
		{"all ones", 0xFFFFFFFFFFF00006, VHD_E_CORRUPT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhdx_image image =
			vhdx_image_new(&(struct vhdx_spec){.size = 4u << 20});

		vhdx_add_block(&image, 0, VHDX_FULLY_PRESENT);
		sparse_resize(image.file, 6u << 20);
		vhdx_put_entry(&image, 1, rows[i].entry);
		open_vhdx(&image);
		cr_expect_eq(error_at(MIB), rows[i].error, "%s", rows[i].name);
		cr_expect_eq(error_at(0), 0);
		vhdx_image_drop(&image);
	}
}

/* vhdx.md 16.8, bitmap: entry of the bitmap of a partial block */
Test(map, hostile_bitmap_entries_are_refused)
{
	static const struct vhdx_key keys[] = {
		{"parent_linkage", "{01234567-89ab-cdef-0123-456789abcdef}"}};
	static const struct {
		const char *name;
		uint64_t entry;
		int error;
	} rows[] = {
		{"in place", 0x500006, 0},
		{"not present", 0, VHD_E_CORRUPT},
		{"present at 0", 6, VHD_E_CORRUPT},
		{"a payload state", 0x500007, VHD_E_CORRUPT},
		{"past the end", 0x700006, VHD_E_CORRUPT},
		{"on the BAT", 0x300006, VHD_E_CORRUPT},
		{"all ones", 0xFFFFFFFFFFF00006, VHD_E_CORRUPT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhdx_image image = vhdx_image_new(&(struct vhdx_spec){
			.size = 4u << 20, .keys = keys, .key_count = 1});

		vhdx_add_block(&image, 0, VHDX_PARTIALLY_PRESENT);
		vhdx_add_bitmap(&image, 0);
		sparse_put_le64(image.file, vhdx_bitmap_entry_at(&image, 0),
				rows[i].entry);
		open_vhdx(&image);
		cr_expect_eq(error_at(0), rows[i].error, "%s", rows[i].name);
		vhdx_image_drop(&image);
	}
}

/* an error ahead must not spoil what can be read before it */
Test(map, a_damaged_entry_behind_the_start_only_ends_the_run)
{
	struct vhdx_image image =
		vhdx_image_new(&(struct vhdx_spec){.size = 8u << 20});
	uint64_t at = vhdx_add_block(&image, 0, VHDX_FULLY_PRESENT);

	vhdx_add_block(&image, 1, VHDX_FULLY_PRESENT);
	vhdx_put_entry(&image, 2, 5);
	open_vhdx(&image);
	expect(0, 8 * MIB, VHD_EXTENT_DATA, 2 * MIB, at);
	cr_expect_eq(error_at(2 * MIB), VHD_E_CORRUPT);
	vhdx_image_drop(&image);
}

/* QEMU's fixed VHDX: the last block ends with the disk. vhdx.md 16.3 */
Test(map, a_short_last_vhdx_block_may_end_at_the_disks_end)
{
	struct vhdx_image image =
		vhdx_image_new(&(struct vhdx_spec){.size = MIB + 4096});
	uint64_t at = vhdx_add_block(&image, 1, VHDX_FULLY_PRESENT);

	sparse_resize(image.file, at + 4096);
	open_vhdx(&image);
	expect(MIB, 4096, VHD_EXTENT_DATA, 4096, at);
	sparse_resize(image.file, at + 4095);
	open_vhdx(&image);
	cr_expect_eq(error_at(MIB), VHD_E_CORRUPT);
	vhdx_image_drop(&image);
}

/* entries are read ahead: a run over 64 GiB must not be 65536 loads */
Test(map, long_runs_cost_few_loads)
{
	struct vhdx_image image =
		vhdx_image_new(&(struct vhdx_spec){.size = 64 * VHD_GIB});

	open_vhdx(&image);
	expect(0, 64 * VHD_GIB, VHD_EXTENT_ZERO, 64 * VHD_GIB, 0);
	cr_expect_leq(direct.loads, 65536 / 32 + 200);
	vhdx_image_drop(&image);
}

Test(map, the_list_of_reserved_ranges_has_an_end)
{
	struct vhd_map m = {0};

	for (uint64_t i = 0; i < VHD_MAP_RESERVED; i++)
		cr_expect(vhd_map_reserve(&m, i, 1));
	cr_expect_not(vhd_map_reserve(&m, 0, 1));
}

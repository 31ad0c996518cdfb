/* SPDX-License-Identifier: BSD-2-Clause */
/* The loader's reader: whole images, chains, logs, and 64 TiB in 256 KiB. */
#include <criterion/criterion.h>
#include <string.h>

#include "core/checked.h"
#include "core/vhdx_bat.h"
#include "support/reader.h"
#include "support/vhd1_image.h"
#include "support/vhdx_image.h"

#define MIB VHD_MIB

static const struct vhdx_key child_keys[] = {
	{"parent_linkage", "{01234567-89ab-cdef-0123-456789abcdef}"},
	{"relative_path", ".\\base.vhdx"},
};

/* vhdx.md 19.5: block 3 of 16 holds 0xB3 */
static struct vhdx_image small(void)
{
	struct vhdx_image image =
		vhdx_image_new(&(struct vhdx_spec){.size = 16 * MIB});
	uint64_t at = vhdx_add_block(&image, 3, VHDX_FULLY_PRESENT);

	sparse_fill(image.file, at, 0xB3, MIB);
	return image;
}

static struct vhdx_image child(void)
{
	struct vhdx_image image = vhdx_image_new(&(struct vhdx_spec){
		.size = 16 * MIB, .keys = child_keys, .key_count = 2});

	return image;
}

Test(reader, the_complete_small_image)
{
	struct vhdx_image image = small();
	struct reader r;
	uint64_t entry = 0;

	sparse_get(image.file, image.bat + 24, &entry, 8);
	cr_expect_eq(entry, 0x400006);
	cr_expect_eq(image.file->size, 5 * MIB);
	cr_assert_eq(reader_open(&r, image.file, VHD_FORMAT_VHDX), 0);
	cr_expect_eq(vhd_boot_disk_size(r.boot), 16 * MIB);
	cr_expect_eq(vhd_boot_sector_size(r.boot), 512);
	cr_expect_eq(vhd_boot_conditions(r.boot), 0);
	cr_expect_eq(reader_byte(&r, 3 * MIB - 1), 0);
	cr_expect_eq(reader_byte(&r, 3 * MIB), 0xB3);
	cr_expect_eq(reader_byte(&r, 4 * MIB - 1), 0xB3);
	cr_expect_eq(reader_byte(&r, 4 * MIB), 0);
	reader_drop(&r);
	vhdx_image_drop(&image);
}

/* vhdx.md 19.7 */
Test(reader, the_child_over_the_small_image)
{
	struct vhdx_image base = small(), top = child();
	struct reader parent, leaf;
	uint64_t three = vhdx_add_block(&top, 3, VHDX_PARTIALLY_PRESENT), five;

	vhdx_add_bitmap(&top, 0);
	five = vhdx_add_block(&top, 5, VHDX_FULLY_PRESENT);
	vhdx_put_entry(&top, 6, VHDX_ZERO);
	vhdx_set_sectors(&top, 3, 1, 1);
	vhdx_set_sectors(&top, 3, 9, 1);
	sparse_fill(top.file, three, 0xC3, MIB);
	sparse_fill(top.file, five, 0xC5, MIB);
	cr_assert_eq(reader_open(&parent, base.file, VHD_FORMAT_VHDX), 0);
	cr_assert_eq(reader_open(&leaf, top.file, VHD_FORMAT_VHDX), 0);
	cr_expect(vhd_boot_needs_parent(leaf.boot));
	cr_assert_eq(vhd_boot_set_parent(leaf.boot, parent.boot, NULL), 0);
	for (uint64_t s = 0; s < 2048; s++)
		cr_expect_eq(reader_byte(&leaf, 3 * MIB + s * 512 + 7),
			     s == 1 || s == 9 ? 0xC3 : 0xB3, "sector %d",
			     (int)s);
	cr_expect_eq(reader_byte(&leaf, 5 * MIB), 0xC5);
	cr_expect_eq(reader_byte(&leaf, 6 * MIB), 0);
	cr_expect_eq(reader_byte(&leaf, 15 * MIB), 0);
	reader_drop(&parent);
	reader_drop(&leaf);
	vhdx_image_drop(&base);
	vhdx_image_drop(&top);
}

/* ZERO hides the parent, NOT_PRESENT does not */
Test(reader, a_zero_block_hides_the_parents_data)
{
	struct vhdx_image base = small(), top = child();
	struct reader parent, leaf;

	vhdx_put_entry(&top, 3, VHDX_ZERO);
	cr_assert_eq(reader_open(&parent, base.file, VHD_FORMAT_VHDX), 0);
	cr_assert_eq(reader_open(&leaf, top.file, VHD_FORMAT_VHDX), 0);
	cr_assert_eq(vhd_boot_set_parent(leaf.boot, parent.boot, NULL), 0);
	cr_expect_eq(reader_byte(&leaf, 3 * MIB), 0);
	reader_drop(&parent);
	reader_drop(&leaf);
	vhdx_image_drop(&base);
	vhdx_image_drop(&top);
}

Test(reader, a_missing_parent_is_an_error_only_where_it_is_needed)
{
	struct vhdx_image top = child();
	struct reader leaf;
	uint8_t byte;

	vhdx_add_block(&top, 0, VHDX_FULLY_PRESENT);
	cr_assert_eq(reader_open(&leaf, top.file, VHD_FORMAT_VHDX), 0);
	cr_expect_eq(vhd_boot_read(leaf.boot, 0, &byte, 1), 0);
	cr_expect_eq(vhd_boot_read(leaf.boot, MIB, &byte, 1), VHD_E_PARENT);
	reader_drop(&leaf);
	vhdx_image_drop(&top);
}

Test(reader, a_wrong_parent_is_refused)
{
	struct vhdx_image top = child();
	struct vhdx_image other = vhdx_image_new(&(struct vhdx_spec){
		.size = 16 * MIB, .data_write_guid = vhdx_guid_file});
	struct vhdx_image sectors = vhdx_image_new(
		&(struct vhdx_spec){.size = 16 * MIB, .logical_sector = 4096});
	struct reader leaf, bad, big;

	cr_assert_eq(reader_open(&leaf, top.file, VHD_FORMAT_VHDX), 0);
	cr_assert_eq(reader_open(&bad, other.file, VHD_FORMAT_VHDX), 0);
	cr_assert_eq(reader_open(&big, sectors.file, VHD_FORMAT_VHDX), 0);
	cr_expect_eq(vhd_boot_set_parent(leaf.boot, bad.boot, NULL),
		     VHD_E_MISMATCH);
	cr_expect_eq(vhd_boot_set_parent(leaf.boot, big.boot, NULL),
		     VHD_E_MISMATCH);
	cr_expect_eq(vhd_boot_set_parent(bad.boot, leaf.boot, NULL),
		     VHD_E_INVALID);
	reader_drop(&leaf);
	reader_drop(&bad);
	reader_drop(&big);
	vhdx_image_drop(&top);
	vhdx_image_drop(&other);
	vhdx_image_drop(&sectors);
}

/* a child's own DataWriteGuid is what it names as its parent: a loop of one */
Test(reader, loops_are_refused)
{
	struct vhdx_image a = child(), b = child();
	struct reader ra, rb;

	cr_assert_eq(reader_open(&ra, a.file, VHD_FORMAT_VHDX), 0);
	cr_assert_eq(reader_open(&rb, b.file, VHD_FORMAT_VHDX), 0);
	cr_expect_eq(vhd_boot_set_parent(ra.boot, ra.boot, NULL), VHD_E_LOOP);
	cr_expect_eq(vhd_boot_set_parent(ra.boot, rb.boot, NULL), 0);
	cr_expect_eq(vhd_boot_set_parent(rb.boot, ra.boot, NULL), VHD_E_LOOP);
	reader_drop(&ra);
	reader_drop(&rb);
	vhdx_image_drop(&a);
	vhdx_image_drop(&b);
}

Test(reader, a_larger_child_reads_zeros_behind_its_parent)
{
	struct vhd1_image base = vhd1_image_new(&(struct vhd1_spec){
		.type = VHD_TYPE_FIXED, .size = MIB, .id = 48});
	struct vhd1_image top = vhd1_image_new(&(struct vhd1_spec){
		.type = VHD_TYPE_DIFFERENCING, .size = 4 * MIB});
	struct reader parent, leaf;

	sparse_fill(base.file, 0, 0x42, MIB);
	cr_assert_eq(reader_open(&parent, base.file, VHD_FORMAT_VHD), 0);
	cr_assert_eq(reader_open(&leaf, top.file, VHD_FORMAT_VHD), 0);
	cr_assert_eq(vhd_boot_set_parent(leaf.boot, parent.boot, NULL), 0);
	cr_expect_eq(reader_byte(&leaf, MIB - 1), 0x42);
	cr_expect_eq(reader_byte(&leaf, MIB), 0);
	cr_expect_eq(reader_byte(&leaf, 4 * MIB - 1), 0);
	reader_drop(&parent);
	reader_drop(&leaf);
	vhd1_image_drop(&base);
	vhd1_image_drop(&top);
}

/* -- the ring tests of vhdx.md 19.6 (d), through the whole reader ---------- */

struct ring {
	struct vhdx_image image;
	struct reader reader;
	uint8_t page[4096]; /* a BAT page that has block 3 at 4 MiB */
};

static void ring_new(struct ring *r)
{
	*r = (struct ring){.image = small(), .page = {[24] = 6, [26] = 0x40}};
	vhdx_put_header(&r->image, 1, 1, vhdx_guid_log);
	vhdx_put_header(&r->image, 2, 2, vhdx_guid_log);
	vhdx_put_entry(&r->image, 3, 0);
}

static void ring_wrap(struct ring *r, uint64_t flushed)
{
	struct vhdx_change change = {r->image.bat, r->page, 0};
	struct vhdx_entry_spec empty = {.sequence = 6,
					.tail = 0xFE000,
					.flushed = 5 * MIB,
					.last = 5 * MIB};
	struct vhdx_entry_spec data = {.sequence = 7,
				       .tail = 0xFF000,
				       .flushed = flushed,
				       .last = 5 * MIB,
				       .changes = &change,
				       .count = 1};

	vhdx_put_log(&r->image, 0xFE000, &empty);
	vhdx_put_log(&r->image, 0xFF000, &data);
}

static int ring_open(struct ring *r)
{
	return reader_open(&r->reader, r->image.file, VHD_FORMAT_VHDX);
}

static void ring_drop(struct ring *r)
{
	reader_drop(&r->reader);
	vhdx_image_drop(&r->image);
}

Test(reader, a_log_that_wraps_is_replayed)
{
	struct ring r;

	ring_new(&r);
	ring_wrap(&r, 5 * MIB);
	cr_assert_eq(ring_open(&r), 0);
	cr_expect_eq(vhd_boot_conditions(r.reader.boot), VHD_COND_LOG_DIRTY);
	cr_expect_eq(reader_byte(&r.reader, 3 * MIB), 0xB3);
	ring_drop(&r);
}

Test(reader, a_file_shorter_than_the_log_says_reads_zeros_there)
{
	struct ring r;

	ring_new(&r);
	ring_wrap(&r, 4 * MIB);
	sparse_resize(r.image.file, 4 * MIB);
	cr_assert_eq(ring_open(&r), 0);
	cr_expect_eq(reader_byte(&r.reader, 3 * MIB), 0);
	cr_expect_eq(reader_byte(&r.reader, 4 * MIB - 1), 0);
	ring_drop(&r);
}

Test(reader, a_file_cut_since_the_log_was_written_is_refused)
{
	struct ring r;

	ring_new(&r);
	ring_wrap(&r, 6 * MIB);
	cr_expect_eq(ring_open(&r), VHD_E_CORRUPT);
	ring_drop(&r);
}

Test(reader, stale_entries_before_the_tail_are_not_replayed)
{
	struct ring r;
	uint8_t garbage[4096];
	struct vhdx_change stale = {4 * MIB, garbage, 0}, bat;

	memset(garbage, 0xEE, sizeof(garbage));
	ring_new(&r);
	bat = (struct vhdx_change){r.image.bat, r.page, 0};
	vhdx_put_log(&r.image, 0,
		     &(struct vhdx_entry_spec){.sequence = 1,
					       .flushed = 5 * MIB,
					       .last = 5 * MIB,
					       .changes = &stale,
					       .count = 1});
	vhdx_put_log(&r.image, 0x2000,
		     &(struct vhdx_entry_spec){.sequence = 2,
					       .tail = 0x2000,
					       .flushed = 5 * MIB,
					       .last = 5 * MIB,
					       .changes = &bat,
					       .count = 1});
	cr_assert_eq(ring_open(&r), 0);
	cr_expect_eq(reader_byte(&r.reader, 3 * MIB), 0xB3);
	ring_drop(&r);
}

Test(reader, a_log_without_entries_is_a_condition_when_reading)
{
	struct ring r;

	ring_new(&r);
	cr_assert_eq(ring_open(&r), 0);
	cr_expect_eq(vhd_boot_conditions(r.reader.boot), VHD_COND_LOG_INVALID);
	ring_drop(&r);
}

Test(reader, a_torn_entry_is_not_replayed)
{
	struct ring r;

	ring_new(&r);
	ring_wrap(&r, 5 * MIB);
	sparse_fill(r.image.file, r.image.log + 100, 1, 1);
	cr_assert_eq(ring_open(&r), 0);
	cr_expect_eq(reader_byte(&r.reader, 3 * MIB), 0);
	ring_drop(&r);
}

/* a replay may move the region table, the metadata, the size of the disk */
Test(reader, structures_are_parsed_after_the_replay)
{
	struct ring r;
	uint8_t items[4096];
	struct vhdx_change change;

	ring_new(&r);
	change = (struct vhdx_change){
		vhdx_item_value(&r.image, VHDX_PLACE_PARAMETERS), items, 0};
	sparse_get(r.image.file, change.offset, items, sizeof(items));
	sparse_fill(r.image.file, change.offset, 0, sizeof(items));
	vhdx_put_log(&r.image, 0,
		     &(struct vhdx_entry_spec){.sequence = 1,
					       .flushed = 5 * MIB,
					       .last = 5 * MIB,
					       .changes = &change,
					       .count = 1});
	cr_assert_eq(ring_open(&r), 0);
	cr_expect_eq(vhd_boot_disk_size(r.reader.boot), 16 * MIB);
	ring_drop(&r);
}

Test(reader, a_window_too_small_for_the_log_is_a_limit)
{
	static struct vhdx_change changes[2000];
	struct ring r;

	ring_new(&r);
	for (size_t i = 0; i < 2000; i++)
		changes[i] = (struct vhdx_change){r.image.bat, NULL, 4096};
	vhdx_put_log(&r.image, 0,
		     &(struct vhdx_entry_spec){.sequence = 1,
					       .flushed = 5 * MIB,
					       .last = 5 * MIB,
					       .changes = changes,
					       .count = 2000});
	cr_expect_eq(reader_open_window(&r.reader, r.image.file,
					VHD_FORMAT_VHDX, VHD_BOOT_WINDOW_MIN),
		     VHD_E_LIMIT);
	reader_drop(&r.reader);
	cr_expect_eq(ring_open(&r), 0);
	ring_drop(&r);
}

/* -- large disks ----------------------------------------------------------- */

/* 64 TiB, 1 MiB blocks; every 4096th block from the end is stored */
static void map_64_tib(uint32_t sector, size_t window)
{
	struct vhdx_image image = vhdx_image_new(&(struct vhdx_spec){
		.size = 64 * VHD_TIB, .logical_sector = sector});
	uint64_t blocks = 64 * VHD_TIB / MIB;
	struct vhd_extent e;
	struct reader r;

	for (uint64_t b = blocks - 1; b > blocks - (1 << 20); b -= 4096)
		sparse_fill(image.file,
			    vhdx_add_block(&image, b, VHDX_FULLY_PRESENT),
			    (uint8_t)(b >> 12), 4096);
	cr_assert_eq(
		reader_open_window(&r, image.file, VHD_FORMAT_VHDX, window), 0);
	cr_expect_leq(image.file->bytes_read, 65536);
	for (uint64_t b = blocks - 1; b > blocks - (1 << 20); b -= 4096) {
		cr_expect_eq(reader_byte(&r, b * MIB), (uint8_t)(b >> 12));
		cr_assert_eq(vhd_boot_extent(r.boot, b * MIB, MIB, &e), 0);
		cr_expect(e.kind == VHD_EXTENT_DATA && e.length == MIB);
		cr_assert_eq(vhd_boot_extent(r.boot, (b - 4095) * MIB,
					     4096 * MIB, &e),
			     0);
		cr_expect(e.kind == VHD_EXTENT_ZERO && e.length == 4095 * MIB);
	}
	reader_drop(&r);
	vhdx_image_drop(&image);
}

Test(reader, maps_64_tib_in_its_usual_window)
{
	map_64_tib(512, VHD_BOOT_WINDOW);
	map_64_tib(4096, VHD_BOOT_WINDOW);
}

Test(reader, maps_64_tib_in_the_smallest_window)
{
	map_64_tib(4096, VHD_BOOT_WINDOW_MIN);
}

Test(reader, opening_64_tib_and_reading_4_kib_takes_few_reads)
{
	struct vhdx_image image =
		vhdx_image_new(&(struct vhdx_spec){.size = 64 * VHD_TIB});
	struct reader r;
	uint8_t buf[4096];

	cr_assert_eq(reader_open(&r, image.file, VHD_FORMAT_VHDX), 0);
	cr_assert_eq(vhd_boot_read(r.boot, 32 * VHD_TIB, buf, sizeof(buf)), 0);
	cr_expect_leq(image.file->reads, 16);
	cr_expect_leq(image.file->bytes_read, 65536);
	reader_drop(&r);
	vhdx_image_drop(&image);
}

/* -- contract -------------------------------------------------------------- */

Test(reader, ranges_outside_the_disk_are_refused)
{
	struct vhdx_image image = small();
	struct vhd_extent e;
	struct reader r;
	uint8_t buf[16];

	cr_assert_eq(reader_open(&r, image.file, VHD_FORMAT_VHDX), 0);
	cr_expect_eq(vhd_boot_read(r.boot, 16 * MIB, buf, 1), VHD_E_RANGE);
	cr_expect_eq(vhd_boot_read(r.boot, 16 * MIB - 1, buf, 2), VHD_E_RANGE);
	cr_expect_eq(vhd_boot_read(r.boot, UINT64_MAX, buf, 2), VHD_E_RANGE);
	cr_expect_eq(vhd_boot_read(r.boot, 16 * MIB, buf, 0), 0);
	cr_expect_eq(vhd_boot_extent(r.boot, 0, 0, &e), VHD_E_RANGE);
	cr_expect_eq(vhd_boot_extent(r.boot, 1, 16 * MIB, &e), VHD_E_RANGE);
	reader_drop(&r);
	vhdx_image_drop(&image);
}

Test(reader, bad_arguments_are_refused)
{
	struct vhdx_image image = small();
	struct reader r;

	cr_expect_eq(reader_open(&r, image.file, 0), VHD_E_INVALID);
	reader_drop(&r);
	cr_expect_eq(reader_open_window(&r, image.file, VHD_FORMAT_VHDX,
					VHD_BOOT_WINDOW_MIN - 1),
		     VHD_E_INVALID);
	reader_drop(&r);
	vhdx_image_drop(&image);
}

Test(reader, a_raw_file_is_its_own_disk)
{
	struct sparse *file = sparse_new(5000);
	struct reader r;

	sparse_fill(file, 4999, 0x77, 1);
	cr_assert_eq(reader_open(&r, file, VHD_FORMAT_RAW), 0);
	cr_expect_eq(vhd_boot_disk_size(r.boot), 5000);
	cr_expect_eq(reader_byte(&r, 4999), 0x77);
	reader_drop(&r);
	sparse_free(file);
}

/* every read of open and first access fails once */
Test(reader, read_errors_are_passed_on)
{
	struct vhdx_image image = small();
	uint64_t n = 0;
	int rc;

	do {
		struct reader r;
		uint8_t byte;

		image.file->fail_at = ++n;
		rc = reader_open(&r, image.file, VHD_FORMAT_VHDX);
		if (!rc)
			rc = vhd_boot_read(r.boot, 3 * MIB, &byte, 1);
		if (image.file->fail_at == 0 && rc)
			cr_expect(rc == VHD_E_IO, "read %d gave %d", (int)n,
				  rc);
		reader_drop(&r);
		cr_assert_lt(n, 100);
	} while (image.file->fail_at == 0);
	vhdx_image_drop(&image);
}

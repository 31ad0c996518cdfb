/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finding the active sequence. The ring of 19.6 (d): the small image with both
 * headers naming a log, an empty BAT at home, a file of 5 MiB.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "core/crc32c.h"
#include "core/guid.h"
#include "core/vhdx_log.h"
#include "support/vhdx_image.h"

#define FILE_SIZE ((uint64_t)5 << 20)
#define BAT       ((uint64_t)3 << 20)

static uint8_t sector[VHDX_LOG_SECTOR];
static uint8_t page[4096];
static struct vhdx_log_active active;

static struct vhdx_image ring(void)
{
	struct vhdx_image image =
		vhdx_image_new(&(struct vhdx_spec){.size = 16u << 20});

	vhdx_put_header(&image, 1, 1, vhdx_guid_log);
	vhdx_put_header(&image, 2, 2, vhdx_guid_log);
	sparse_resize(image.file, FILE_SIZE);
	return image;
}

static int find(struct vhdx_image *image)
{
	struct vhd_source source = sparse_source(image->file);
	struct vhdx_log log = {
		&source, image->log, image->spec.log_length, {{0}}, sector};

	vhd_guid_parse(vhdx_guid_log, 36, &log.guid);
	return vhdx_log_find(&log, &active, NULL);
}

static int read_entry(struct vhdx_image *image, uint32_t at)
{
	struct vhd_source source = sparse_source(image->file);
	struct vhdx_log log = {
		&source, image->log, image->spec.log_length, {{0}}, sector};
	struct vhdx_log_entry entry;
	const char *why;

	vhd_guid_parse(vhdx_guid_log, 36, &log.guid);
	return vhdx_log_entry_read(&log, at, &entry, &why);
}

static uint32_t put_empty(struct vhdx_image *image, uint32_t at,
			  uint64_t sequence, uint32_t tail)
{
	return vhdx_put_log(image, at,
			    &(struct vhdx_entry_spec){.sequence = sequence,
						      .tail = tail,
						      .flushed = FILE_SIZE,
						      .last = FILE_SIZE});
}

static uint32_t put_page(struct vhdx_image *image, uint32_t at,
			 uint64_t sequence, uint32_t tail)
{
	struct vhdx_change change = {BAT, page, 0};

	return vhdx_put_log(image, at,
			    &(struct vhdx_entry_spec){.sequence = sequence,
						      .tail = tail,
						      .flushed = FILE_SIZE,
						      .last = FILE_SIZE,
						      .changes = &change,
						      .count = 1});
}

/* vhdx.md 19.6 (a) */
Test(vhdx_log, bytes_of_an_empty_entry)
{
	static const uint8_t expected[64] = {
		0x6C, 0x6F, 0x67, 0x65, 0x2D, 0x6E, 0xF5, 0xBB, 0x00, 0x10,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0xA3, 0xA2, 0xA1, 0xA0, 0xB1, 0xB0, 0xC1, 0xC0,
		0xD0, 0xD1, 0xE0, 0xE1, 0xE2, 0xE3, 0xE4, 0xE5, 0x00, 0x00,
		0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00,
		0x00, 0x00, 0x00, 0x00};
	struct vhdx_image image = ring();
	uint8_t bytes[64];

	vhdx_put_log(&image, 0,
		     &(struct vhdx_entry_spec){.sequence = 1,
					       .flushed = 4u << 20,
					       .last = 4u << 20});
	sparse_get(image.file, image.log, bytes, sizeof(bytes));
	cr_expect_arr_eq(bytes, expected, sizeof(bytes));
	cr_assert_eq(find(&image), 0);
	cr_expect_eq(active.entries, 1);
	cr_expect_eq(active.descriptors, 0);
	vhdx_image_drop(&image);
}

static void put_two_changes(struct vhdx_image *image)
{
	struct vhdx_change changes[] = {{BAT, page, 0},
					{BAT + 4096, NULL, 8192}};

	for (size_t i = 0; i < sizeof(page); i++)
		page[i] = (uint8_t)i;
	vhdx_put_log(image, 0x1000,
		     &(struct vhdx_entry_spec){.sequence = 0x100000002,
					       .tail = 0x1000,
					       .flushed = 4u << 20,
					       .last = 5u << 20,
					       .changes = changes,
					       .count = 2});
}

/* vhdx.md 19.6 (b) */
Test(vhdx_log, bytes_of_an_entry_with_data_and_zeros)
{
	static const uint8_t head[128] = {
		0x6C, 0x6F, 0x67, 0x65, 0x79, 0x56, 0xFE, 0x7F, 0x00, 0x20,
		0x00, 0x00, 0x00, 0x10, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00,
		0x01, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0xA3, 0xA2, 0xA1, 0xA0, 0xB1, 0xB0, 0xC1, 0xC0,
		0xD0, 0xD1, 0xE0, 0xE1, 0xE2, 0xE3, 0xE4, 0xE5, 0x00, 0x00,
		0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x50, 0x00,
		0x00, 0x00, 0x00, 0x00, 0x64, 0x65, 0x73, 0x63, 0xFC, 0xFD,
		0xFE, 0xFF, 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
		0x00, 0x00, 0x30, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00,
		0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x7A, 0x65, 0x72, 0x6F,
		0x00, 0x00, 0x00, 0x00, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00,
		0x00, 0x00, 0x00, 0x10, 0x30, 0x00, 0x00, 0x00};
	static const uint8_t data[16] = {0x64, 0x61, 0x74, 0x61, 0x01, 0x00,
					 0x00, 0x00, 0x08, 0x09, 0x0A, 0x0B,
					 0x0C, 0x0D, 0x0E, 0x0F};
	static const uint8_t end[8] = {0xF8, 0xF9, 0xFA, 0xFB,
				       0x02, 0x00, 0x00, 0x00};
	struct vhdx_image image = ring();
	uint8_t bytes[128];

	put_two_changes(&image);
	cr_expect_eq(vhd_crc32c(0, page, sizeof(page)), 0x9C71FE32);
	sparse_get(image.file, image.log + 0x1000, bytes, sizeof(bytes));
	cr_expect_arr_eq(bytes, head, 120);
	sparse_get(image.file, image.log + 0x2000, bytes, 16);
	cr_expect_arr_eq(bytes, data, 16);
	sparse_get(image.file, image.log + 0x2FF8, bytes, 8);
	cr_expect_arr_eq(bytes, end, 8);
	vhdx_image_drop(&image);
}

static int count_updates(void *ctx, const struct vhdx_log_update *u)
{
	struct vhdx_log_update *seen = ctx;

	seen[u->zero] = *u;
	return 0;
}

Test(vhdx_log, descriptors_are_walked)
{
	struct vhdx_image image = ring();
	struct vhd_source source = sparse_source(image.file);
	struct vhdx_log log = {
		&source, image.log, image.spec.log_length, {{0}}, sector};
	struct vhdx_log_update seen[2] = {{0}};

	put_two_changes(&image);
	cr_assert_eq(find(&image), 0);
	cr_expect_eq(active.descriptors, 2);
	cr_expect_eq(active.head.sequence, 0x100000002);
	cr_expect_eq(active.last, 5u << 20);
	cr_assert_eq(
		vhdx_log_entry_walk(&log, &active.head, count_updates, seen),
		0);
	cr_expect_eq(seen[0].file_offset, BAT);
	cr_expect_eq(seen[0].data, 0x2000);
	cr_expect_eq(seen[0].descriptor, 0x1040);
	cr_expect_eq(seen[1].file_offset, BAT + 4096);
	cr_expect_eq(seen[1].length, 8192);
	vhdx_image_drop(&image);
}

/* vhdx.md 19.6 (c); the last one fills a 1 MiB ring and is refused */
Test(vhdx_log, table_of_entry_lengths)
{
	static const struct {
		uint32_t data, zeros, length;
		bool valid;
	} rows[] = {
		{0, 0, 4096, true},      {1, 0, 8192, true},
		{0, 126, 4096, true},    {0, 127, 8192, true},
		{126, 0, 520192, true},  {127, 0, 528384, true},
		{253, 0, 1044480, true}, {254, 0, 1048576, false},
	};
	static struct vhdx_change changes[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct vhdx_image image = ring();
		uint32_t count = rows[i].data + rows[i].zeros;
		struct vhdx_entry_spec entry = {.sequence = 9,
						.flushed = FILE_SIZE,
						.last = FILE_SIZE,
						.changes = changes,
						.count = count};

		for (uint32_t k = 0; k < count; k++)
			changes[k] = (struct vhdx_change){
				BAT, k < rows[i].data ? page : NULL, 4096};
		cr_expect_eq(vhdx_entry_length(rows[i].data, rows[i].zeros),
			     rows[i].length);
		cr_expect_eq(vhdx_put_log(&image, 0, &entry), rows[i].length);
		cr_expect_eq(find(&image), rows[i].valid ? 0 : VHD_E_LOG,
			     "row %zu", i);
		if (rows[i].valid)
			cr_expect_eq(active.descriptors, count);
		vhdx_image_drop(&image);
	}
}

Test(vhdx_log, a_sequence_crosses_the_end_of_the_ring)
{
	struct vhdx_image image = ring();

	put_empty(&image, 0xFE000, 6, 0xFE000);
	put_page(&image, 0xFF000, 7, 0xFF000); /* its data lies at 0 */
	cr_assert_eq(find(&image), 0);
	cr_expect_eq(active.head.sequence, 7);
	cr_expect_eq(active.tail.sequence, 7);
	cr_expect_eq(active.entries, 1);
	vhdx_image_drop(&image);
}

Test(vhdx_log, a_long_sequence_wraps_as_one_run)
{
	struct vhdx_image image = ring();
	uint32_t at = 0xF8000;

	for (uint64_t n = 1; n <= 12; n++)
		at = (at + put_page(&image, at, n, 0xF8000)) % 0x100000;
	cr_assert_eq(find(&image), 0);
	cr_expect_eq(active.entries, 12);
	cr_expect_eq(active.tail.sequence, 1);
	cr_expect_eq(active.head.sequence, 12);
	vhdx_image_drop(&image);
}

/* QEMU 7.2 replays such finished entries and destroys newer content */
Test(vhdx_log, entries_before_the_tail_are_finished)
{
	struct vhdx_image image = ring();

	put_page(&image, 0, 1, 0);
	put_page(&image, 0x2000, 2, 0x2000);
	cr_assert_eq(find(&image), 0);
	cr_expect_eq(active.entries, 1);
	cr_expect_eq(active.tail.offset, 0x2000);
	vhdx_image_drop(&image);
}

Test(vhdx_log, a_torn_last_entry_is_ignored)
{
	struct vhdx_image image = ring();

	put_empty(&image, 0xFE000, 6, 0xFE000);
	put_page(&image, 0xFF000, 7, 0xFF000);
	sparse_fill(image.file, image.log + 2000, 0x55, 1);
	cr_assert_eq(find(&image), 0);
	cr_expect_eq(active.head.sequence, 6);
	cr_expect_eq(active.descriptors, 0);
	vhdx_image_drop(&image);
}

Test(vhdx_log, an_empty_ring_is_an_error_of_its_own)
{
	struct vhdx_image image = ring();

	cr_expect_eq(find(&image), VHD_E_LOG);
	vhdx_image_drop(&image);
}

Test(vhdx_log, entries_of_another_session_do_not_count)
{
	struct vhdx_image image = ring();

	vhdx_put_log(&image, 0,
		     &(struct vhdx_entry_spec){
			     .sequence = 9,
			     .guid = "00000000-0000-0000-0000-000000000001"});
	cr_expect_eq(find(&image), VHD_E_LOG);
	put_empty(&image, 0x1000, 3, 0x1000);
	cr_assert_eq(find(&image), 0);
	cr_expect_eq(active.head.sequence, 3);
	vhdx_image_drop(&image);
}

Test(vhdx_log, a_file_shorter_than_flushed_is_refused)
{
	struct vhdx_image image = ring();

	vhdx_put_log(&image, 0,
		     &(struct vhdx_entry_spec){.sequence = 1,
					       .flushed = FILE_SIZE + 1,
					       .last = 8u << 20});
	cr_expect_eq(find(&image), VHD_E_CORRUPT);
	vhdx_image_drop(&image);
}

Test(vhdx_log, a_gap_in_the_numbers_ends_a_sequence)
{
	struct vhdx_image image = ring();

	put_page(&image, 0, 1, 0);
	put_page(&image, 0x2000, 3, 0x2000);
	cr_assert_eq(find(&image), 0);
	cr_expect_eq(active.entries, 1);
	cr_expect_eq(active.head.sequence, 3);
	/* a head whose tail lies before the gap is no sequence at all */
	put_page(&image, 0x2000, 3, 0);
	cr_assert_eq(find(&image), 0);
	cr_expect_eq(active.head.sequence, 1);
	vhdx_image_drop(&image);
}

Test(vhdx_log, the_greatest_sequence_number_wins)
{
	struct vhdx_image image = ring();

	put_page(&image, 0x8000, 50, 0x8000);
	put_page(&image, 0x20000, 7, 0x20000);
	cr_assert_eq(find(&image), 0);
	cr_expect_eq(active.head.sequence, 50);
	vhdx_image_drop(&image);
}

/* One field of a valid entry bent, its checksum right again: vhdx.md 16.8.
 * The entry has one data and one zero descriptor. */
struct mutation {
	const char *name;
	uint32_t at;
	int size;
	uint64_t value;
	bool valid;
};

static const struct mutation mutations[] = {
	{"nothing", 64, 4, 0x63736564, true},
	{"length 0", 8, 4, 0, false},
	{"length unaligned", 8, 4, 8191, false},
	{"length of the ring", 8, 4, 1u << 20, false},
	{"length past the ring", 8, 4, 0xFFFFF000, false},
	{"a sector too long", 8, 4, 12288, false},
	{"tail unaligned", 12, 4, 100, false},
	{"tail outside", 12, 4, 1u << 20, false},
	{"sequence 0", 16, 8, 0, false},
	{"no descriptors", 24, 4, 0, false},
	{"one descriptor more", 24, 4, 3, false},
	{"2^32 - 1 descriptors", 24, 4, 0xFFFFFFFF, false},
	{"2^27 descriptors", 24, 4, 1u << 27, false},
	{"data signature", 64, 4, 0x12345678, false},
	{"data offset unaligned", 80, 8, BAT + 512, false},
	{"data at the headers", 80, 8, 64u << 10, false},
	{"data at the second header", 80, 8, 128u << 10, false},
	{"data at the region tables", 80, 8, 192u << 10, true},
	{"data in the log", 80, 8, (2u << 20) - 4096, false},
	{"data far out", 80, 8, UINT64_MAX - 4095, false},
	{"data sequence", 88, 8, 1, false},
	{"zero length unaligned", 104, 8, 100, false},
	{"zero length 2^63: the overlay refuses it", 104, 8, (uint64_t)1 << 63,
	 true},
	{"zeros over the log", 104, 8, 64u << 20, true},
	{"zero range wraps", 112, 8, 0xFFFFFFFFFFFFF000u, false},
	{"zeros at 0", 112, 8, 0, false},
	{"data sector signature", 4096, 4, 0, false},
	{"data sequence high", 4100, 4, 77, false},
	{"data sequence low", 8188, 4, 77, false},
	{"an entry inside", 4096, 4, 0x65676F6C, false},
};

Test(vhdx_log, hostile_entries_do_not_count)
{
	for (size_t i = 0; i < sizeof(mutations) / sizeof(mutations[0]); i++) {
		const struct mutation *m = &mutations[i];
		struct vhdx_image image = ring();
		uint64_t at = image.log + 0x1000 + m->at;
		int expected = m->valid ? 0 : VHDX_LOG_NO_ENTRY;

		put_two_changes(&image);
		if (m->size == 4)
			sparse_put_le32(image.file, at, (uint32_t)m->value);
		else
			sparse_put_le64(image.file, at, m->value);
		if (m->at != 8 || m->value == 12288)
			vhdx_seal_log(&image, 0x1000);
		cr_expect_eq(read_entry(&image, 0x1000), expected, "%s",
			     m->name);
		vhdx_image_drop(&image);
	}
}

Test(vhdx_log, any_flipped_byte_of_an_entry_is_noticed)
{
	struct vhdx_image image = ring();

	put_two_changes(&image);
	for (uint64_t i = 0x1000; i < 0x3000; i++) {
		uint8_t old = sparse_byte(image.file, image.log + i);

		sparse_fill(image.file, image.log + i, old ^ 0x40, 1);
		cr_expect_eq(find(&image), VHD_E_LOG, "byte %#x", (int)i);
		sparse_fill(image.file, image.log + i, old, 1);
	}
	vhdx_image_drop(&image);
}

/* a ring full of "loge" sectors with long lengths must not be quadratic */
Test(vhdx_log, a_ring_of_false_starts_is_read_once)
{
	struct vhdx_image image = ring();

	for (uint32_t at = 0; at < 0x100000; at += 4096) {
		put_empty(&image, at, 5, at);
		sparse_put_le32(image.file, image.log + at + 8, 0xFF000);
	}
	cr_expect_eq(find(&image), VHD_E_LOG);
	cr_expect_leq(image.file->bytes_read, 3u << 20);
	vhdx_image_drop(&image);
}

Test(vhdx_log, read_errors_are_not_taken_for_an_empty_log)
{
	struct vhdx_image image = ring();

	put_page(&image, 0, 1, 0);
	for (uint64_t n = 1; n <= 256; n += 51) {
		image.file->fail_at = n;
		cr_expect_eq(find(&image), VHD_E_IO, "read %d", (int)n);
	}
	vhdx_image_drop(&image);
}

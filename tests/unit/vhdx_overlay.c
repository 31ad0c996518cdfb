/* SPDX-License-Identifier: BSD-2-Clause */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "core/guid.h"
#include "core/vhdx_overlay.h"
#include "support/vhdx_image.h"

#define FILE_SIZE ((uint64_t)8 << 20)
#define AT        ((uint64_t)5 << 20)

struct replay {
	struct vhdx_image image;
	struct vhd_source source;
	struct vhdx_log log;
	struct vhdx_log_active active;
	struct vhdx_overlay overlay;
	void *memory;
	uint8_t sector[VHDX_LOG_SECTOR];
};

static uint8_t pages[4][4096];

static void prepare(struct replay *r)
{
	r->image = vhdx_image_new(&(struct vhdx_spec){.size = 16u << 20});
	vhdx_put_header(&r->image, 2, 2, vhdx_guid_log);
	sparse_resize(r->image.file, FILE_SIZE);
	for (size_t i = 0; i < 4; i++)
		for (size_t k = 0; k < 4096; k++)
			pages[i][k] = (uint8_t)(k * 7 + i * 64 + 1);
}

static int build(struct replay *r, size_t room)
{
	int rc;

	r->source = sparse_source(r->image.file);
	r->log = (struct vhdx_log){&r->source,
				   r->image.log,
				   r->image.spec.log_length,
				   {{0}},
				   r->sector};
	vhd_guid_parse(vhdx_guid_log, 36, &r->log.guid);
	rc = vhdx_log_find(&r->log, &r->active, NULL);
	if (rc)
		return rc;
	if (!room)
		room = vhdx_overlay_bytes(&r->active);
	r->memory = malloc(room);
	return vhdx_overlay_build(&r->log, &r->active, r->memory, room,
				  &r->overlay, NULL);
}

static void drop(struct replay *r)
{
	free(r->memory);
	vhdx_image_drop(&r->image);
}

static void put(struct replay *r, uint32_t at, uint64_t sequence,
		const struct vhdx_change *changes, size_t count, uint64_t last)
{
	vhdx_put_log(&r->image, at,
		     &(struct vhdx_entry_spec){.sequence = sequence,
					       .tail = 0,
					       .flushed = FILE_SIZE,
					       .last = last,
					       .changes = changes,
					       .count = count});
}

static void expect_bytes(struct replay *r, uint64_t offset, const void *bytes,
			 size_t len)
{
	uint8_t got[8192];

	cr_assert_eq(vhdx_overlay_read(&r->overlay, offset, got, len), 0);
	cr_expect_eq(memcmp(got, bytes, len), 0, "at %#llx",
		     (unsigned long long)offset);
}

/* the first 8 and the last 4 bytes of a page travel in the descriptor */
Test(vhdx_overlay, a_page_is_put_together_at_any_offset)
{
	struct replay r = {0};
	struct vhdx_change change = {AT, pages[0], 0};

	prepare(&r);
	put(&r, 0, 1, &change, 1, FILE_SIZE);
	cr_assert_eq(build(&r, 0), 0);
	for (uint32_t at = 0; at < 4096; at += at < 16 || at > 4080 ? 1 : 509)
		for (uint32_t len = 1; len <= 4096 - at; len += 1 + len / 3)
			expect_bytes(&r, AT + at, pages[0] + at, len);
	drop(&r);
}

Test(vhdx_overlay, the_newest_update_wins)
{
	struct replay r = {0};
	uint8_t zeros[4096] = {0};
	struct vhdx_change first[] = {{AT, pages[0], 0},
				      {AT + 4096, pages[1], 0},
				      {AT + 8192, pages[2], 0}};
	struct vhdx_change second[] = {{AT + 4096, NULL, 8192},
				       {AT + 8192, pages[3], 0}};

	prepare(&r);
	put(&r, 0, 1, first, 3, FILE_SIZE);
	put(&r, 0x4000, 2, second, 2, FILE_SIZE);
	cr_assert_eq(build(&r, 0), 0);
	expect_bytes(&r, AT, pages[0], 4096);
	expect_bytes(&r, AT + 4096, zeros, 4096);
	expect_bytes(&r, AT + 8192, pages[3], 4096);
	drop(&r);
}

Test(vhdx_overlay, the_rest_of_the_file_shows_through)
{
	struct replay r = {0};
	struct vhdx_change change = {AT + 4096, NULL, 4096};
	uint8_t expected[8192];

	prepare(&r);
	sparse_fill(r.image.file, AT, 0x77, 12288);
	put(&r, 0, 1, &change, 1, FILE_SIZE);
	cr_assert_eq(build(&r, 0), 0);
	memset(expected, 0x77, sizeof(expected));
	memset(expected + 2048, 0, 4096);
	expect_bytes(&r, AT + 2048, expected, sizeof(expected));
	drop(&r);
}

Test(vhdx_overlay, the_file_grows_to_what_the_log_says_and_reads_zeros)
{
	struct replay r = {0};
	struct vhdx_change change = {FILE_SIZE + 4096, pages[0], 0};
	uint8_t zeros[4096] = {0};

	prepare(&r);
	put(&r, 0, 1, &change, 1, FILE_SIZE + 5000);
	cr_assert_eq(build(&r, 0), 0);
	cr_expect_eq(r.overlay.size, FILE_SIZE + (1u << 20));
	expect_bytes(&r, FILE_SIZE, zeros, 4096);
	expect_bytes(&r, FILE_SIZE + 4096, pages[0], 4096);
	expect_bytes(&r, FILE_SIZE + 8192, zeros, 4096);
	drop(&r);
}

Test(vhdx_overlay, updates_beyond_the_end_are_refused)
{
	static const struct vhdx_change rows[] = {
		{FILE_SIZE, NULL, 4096},
		{FILE_SIZE - 4096, NULL, 8192},
		{AT, NULL, (uint64_t)1 << 62},
		{(uint64_t)1 << 60, pages[0], 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct replay r = {0};

		prepare(&r);
		put(&r, 0, 1, &rows[i], 1, FILE_SIZE);
		cr_expect_eq(build(&r, 0), VHD_E_CORRUPT, "row %zu", i);
		drop(&r);
	}
}

Test(vhdx_overlay, too_little_memory_is_a_limit)
{
	struct replay r = {0};
	struct vhdx_change change = {AT, pages[0], 0};

	prepare(&r);
	put(&r, 0, 1, &change, 1, FILE_SIZE);
	cr_expect_eq(build(&r, 16), VHD_E_LIMIT);
	drop(&r);
}

Test(vhdx_overlay, clear_ranges_may_be_read_around_it)
{
	struct replay r = {0};
	struct vhdx_change change = {AT, pages[0], 0};

	prepare(&r);
	put(&r, 0, 1, &change, 1, FILE_SIZE + 1);
	cr_assert_eq(build(&r, 0), 0);
	cr_expect(vhdx_overlay_is_clear(&r.overlay, AT - 100, 100));
	cr_expect_not(vhdx_overlay_is_clear(&r.overlay, AT - 100, 101));
	cr_expect_not(vhdx_overlay_is_clear(&r.overlay, AT + 4095, 1));
	cr_expect(vhdx_overlay_is_clear(&r.overlay, AT + 4096, 4096));
	cr_expect(vhdx_overlay_is_clear(&r.overlay, FILE_SIZE - 1, 1));
	cr_expect_not(vhdx_overlay_is_clear(&r.overlay, FILE_SIZE, 1));
	cr_expect_not(vhdx_overlay_is_clear(&r.overlay, FILE_SIZE - 1, 2));
	drop(&r);
}

/* many overlapping updates against a byte-wise replay */
Test(vhdx_overlay, agrees_with_a_replay_byte_by_byte)
{
	static uint8_t model[64 * 4096], got[64 * 4096];
	struct vhdx_change changes[8];
	struct replay r = {0};
	uint32_t at = 0, seed = 12345;

	prepare(&r);
	for (uint64_t n = 1; n <= 40; n++) {
		for (size_t i = 0; i < 8; i++) {
			uint32_t page, span;

			seed = seed * 1103515245 + 12345;
			page = seed >> 16 & 63;
			span = 1 + (seed >> 24 & 7);
			if (page + span > 64)
				span = 64 - page;
			changes[i] = (struct vhdx_change){
				AT + page * 4096,
				seed & 0x800 ? pages[seed >> 12 & 3] : NULL,
				span * 4096};
			if (changes[i].data)
				memcpy(model + page * 4096, changes[i].data,
				       4096);
			else
				memset(model + page * 4096, 0, span * 4096);
		}
		vhdx_put_log(&r.image, at,
			     &(struct vhdx_entry_spec){.sequence = n,
						       .flushed = FILE_SIZE,
						       .last = FILE_SIZE,
						       .changes = changes,
						       .count = 8});
		for (size_t i = 0; i < 8; i++)
			at += changes[i].data ? 4096 : 0;
		at += 4096;
	}
	cr_assert_eq(build(&r, 0), 0);
	cr_expect_eq(r.active.entries, 40);
	cr_assert_eq(vhdx_overlay_read(&r.overlay, AT, got, sizeof(got)), 0);
	cr_expect_eq(memcmp(got, model, sizeof(got)), 0);
	drop(&r);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Undo files that somebody else has made. docs/design.md, Backup of a repair */
#include <criterion/criterion.h>
#include <string.h>

#include <libvhd/error.h>

#include "core/bytes.h"
#include "core/crc32c.h"
#include "file/file.h"
#include "file/undo.h"

#define SIZE 8192u

static uint8_t undo[1 << 16], content[SIZE];
static size_t length;

static void start(void)
{
	le64 size = le64_of(SIZE);
	le32 sum;

	memset(undo, 0, sizeof(undo));
	memset(content, 'n', sizeof(content));
	memcpy(undo, "vhdundo1", 8);
	memcpy(undo + 8, &size, 8);
	sum = le32_of(vhd_crc32c(0, undo, 28));
	memcpy(undo + 28, &sum, 4);
	length = 32;
}

static void add(uint32_t kind, uint64_t offset, uint64_t covers,
		const void *bytes, size_t count)
{
	uint8_t *r = undo + length;
	le64 at = le64_of(offset), n = le64_of(covers);
	le32 k = le32_of(kind), sum;

	memcpy(r, "undo", 4);
	memcpy(r + 8, &at, 8);
	memcpy(r + 16, &n, 8);
	memcpy(r + 24, &k, 4);
	memcpy(r + 32, bytes, count);
	sum = le32_of(vhd_crc32c(0, r + 8, 24 + count));
	memcpy(r + 4, &sum, 4);
	length += 32 + count;
}

/* a sample of `covers` bytes that were all `was` */
static void add_sample(uint64_t offset, uint64_t covers, char was)
{
	static uint8_t bytes[SIZE];
	le32 sum;

	memset(bytes, was, sizeof(bytes));
	sum = le32_of(vhd_crc32c(0, bytes, (size_t)covers));
	add(3, offset, covers, &sum, sizeof(sum));
}

static int restore(void)
{
	struct vhd_file *from, *to;
	int rc;

	cr_assert_eq(vhd_file_open_memory(undo, length, 0, &from), 0);
	cr_assert_eq(vhd_file_open_memory(content, SIZE, VHD_FILE_WRITE, &to),
		     0);
	rc = vhd_undo_restore(from, to, NULL);
	cr_assert_eq(vhd_file_read(to, 0, content, SIZE), 0);
	vhd_file_close(from);
	vhd_file_close(to);
	return rc;
}

static bool unchanged(void)
{
	for (size_t i = 0; i < SIZE; i++)
		if (content[i] != 'n')
			return false;
	return true;
}

Test(undo, a_sample_is_judged_as_it_will_be)
{
	static uint8_t old[4096];

	start();
	add_sample(0, 4096, 'o');
	add_sample(4096, 4096, 'n');
	memset(old, 'o', sizeof(old));
	add(1, 0, 4096, old, sizeof(old));
	cr_expect_eq(restore(), 0);
	cr_expect_eq(content[0], 'o');
	cr_expect_eq(content[4095], 'o');
	cr_expect_eq(content[4096], 'n');
	/* and again, when nothing is left to do */
	cr_expect_eq(restore(), 0);
}

Test(undo, a_sample_of_another_file_stops_it)
{
	start();
	add_sample(4096, 4096, 'x');
	add(1, 0, 4, "old!", 4);
	cr_expect_eq(restore(), VHD_E_MISMATCH);
	cr_expect(unchanged());
}

Test(undo, a_sample_too_long_is_damage)
{
	start();
	add_sample(0, SIZE, 'n');
	cr_expect_eq(restore(), VHD_E_CORRUPT);
}

Test(undo, samples_too_many_are_damage)
{
	start();
	for (int i = 0; i < 65; i++)
		add_sample(0, 512, 'n');
	cr_expect_eq(restore(), VHD_E_CORRUPT);
}

/* its length has no bytes to back it */
Test(undo, a_record_of_an_unknown_kind_is_none)
{
	start();
	add(7, 0, SIZE, "", 0);
	cr_expect_eq(restore(), 0);
	cr_expect(unchanged());
	add(1, 0, 4, "old!", 4);
	cr_expect_eq(restore(), VHD_E_CORRUPT);
	cr_expect(unchanged());
}

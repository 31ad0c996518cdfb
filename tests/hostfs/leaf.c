/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ext4's leaves: what they say is found, and nothing is read behind them. The
 * memory ends where the leaf does, for the address sanitizer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ext4_leaf.h"

#define RANDOM 200000

static int failed;

#define EXPECT(condition)                                                      \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%d: %s\n", __LINE__, #condition);     \
			failed = 1;                                            \
		}                                                              \
	} while (0)

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void put_header(uint8_t *leaf, unsigned magic, unsigned entries,
		       unsigned depth)
{
	put(leaf, magic, 2);
	put(leaf + 2, entries, 2);
	put(leaf + 6, depth, 2);
}

static void put_entry(uint8_t *leaf, unsigned n, uint32_t first,
		      unsigned length, uint64_t start)
{
	uint8_t *e = leaf + 12 + (size_t)n * 12;

	put(e, first, 4);
	put(e + 4, length, 2);
	put(e + 6, start >> 32, 2);
	put(e + 8, start, 4);
}

static bool is_at(const uint8_t *leaf, size_t length, uint64_t block,
		  uint64_t place)
{
	struct ext4_extent e;

	return ext4_leaf_find(leaf, length, block, &e) && block >= e.first &&
	       block - e.first < e.count &&
	       e.start + (block - e.first) == place;
}

static bool is_none(const uint8_t *leaf, size_t length, uint64_t block)
{
	struct ext4_extent e;

	return !ext4_leaf_find(leaf, length, block, &e);
}

static void test_valid(void)
{
	uint8_t *leaf = calloc(1, 1024);

	if (!leaf)
		abort();
	put_header(leaf, 0xF30A, 4, 0);
	put_entry(leaf, 0, 0, 10, 0x123456789ABC);
	put_entry(leaf, 1, 20, 32768, 7);             /* the longest */
	put_entry(leaf, 2, 40000, 32768 + 5, 900);    /* reserved only */
	put_entry(leaf, 3, 0xFFFFFFF0, 15, 0xFFFFFF); /* at the end */
	EXPECT(is_at(leaf, 1024, 0, 0x123456789ABC));
	EXPECT(is_at(leaf, 1024, 9, 0x123456789ABC + 9));
	EXPECT(is_none(leaf, 1024, 10));
	EXPECT(is_none(leaf, 1024, 19));
	EXPECT(is_at(leaf, 1024, 20, 7));
	EXPECT(is_at(leaf, 1024, 20 + 32767, 7 + 32767));
	EXPECT(is_none(leaf, 1024, 40002));
	EXPECT(is_none(leaf, 1024, 40000 + 32768));
	EXPECT(is_at(leaf, 1024, 0xFFFFFFFE, 0xFFFFFF + 14));
	EXPECT(is_none(leaf, 1024, 0xFFFFFFFF));
	EXPECT(is_none(leaf, 1024, (uint64_t)1 << 32));
	free(leaf);
}

static void test_bad(void)
{
	uint8_t *leaf = calloc(1, 12 + 84 * 12);

	if (!leaf)
		abort();
	put_entry(leaf, 0, 0, 10, 100);
	put_header(leaf, 0xF30A, 1, 0);
	EXPECT(is_at(leaf, 24, 5, 105));
	EXPECT(is_none(leaf, 23, 5)); /* its entry does not fit */
	EXPECT(is_none(leaf, 11, 5));
	EXPECT(is_none(leaf, 0, 5));
	put_header(leaf, 0xF30B, 1, 0);
	EXPECT(is_none(leaf, 24, 5));
	put_header(leaf, 0xF30A, 1, 1); /* an index */
	EXPECT(is_none(leaf, 24, 5));
	put_header(leaf, 0xF30A, 0, 0);
	EXPECT(is_none(leaf, 24, 5));
	put_header(leaf, 0xF30A, 0xFFFF, 0);
	EXPECT(is_none(leaf, 12 + 84 * 12, 5));
	free(leaf);
}

/* whatever it is, what is found has the block */
static void test_random(void)
{
	srand(1);
	for (unsigned i = 0; i < RANDOM; i++) {
		size_t length = (size_t)rand() % 200;
		uint8_t *leaf = malloc(length ? length : 1);
		uint64_t block = (uint64_t)rand() % 70000;
		struct ext4_extent e;

		if (!leaf)
			abort();
		for (size_t at = 0; at < length; at++)
			leaf[at] = (uint8_t)(rand() >> 4);
		if (length >= 12 && i % 4)
			put_header(leaf, 0xF30A, (unsigned)rand() % 18, 0);
		if (ext4_leaf_find(leaf, length, block, &e) &&
		    (block < e.first || block - e.first >= e.count))
			failed = 1;
		free(leaf);
	}
}

int main(void)
{
	test_valid();
	test_bad();
	test_random();
	return failed;
}

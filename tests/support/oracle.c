/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"

struct oracle *oracle_new(uint64_t size)
{
	struct oracle *o = calloc(1, sizeof(*o));

	if (!o)
		abort();
	o->size = size;
	o->bytes = calloc(1, (size_t)size);
	o->cells = calloc((size_t)(size / ORACLE_SECTOR), sizeof(*o->cells));
	if (!o->bytes || !o->cells)
		abort();
	oracle_flushed(o);
	return o;
}

void oracle_free(struct oracle *o)
{
	if (!o)
		return;
	free(o->bytes);
	free(o->cells);
	free(o);
}

/* word i of a sector; word 0 tells both numbers */
static uint64_t word_of(uint64_t sector, uint32_t version, uint64_t i)
{
	uint64_t tag = (sector + 1) << 32 | version;

	return tag ^ i * 0x9E3779B97F4A7C15u;
}

static void fill_sector(uint64_t sector, uint32_t version, uint8_t *out)
{
	if (version == ORACLE_ZERO) {
		memset(out, 0, ORACLE_SECTOR);
		return;
	}
	for (uint64_t i = 0; i < ORACLE_SECTOR / 8; i++) {
		uint64_t word = word_of(sector, version, i);

		memcpy(out + i * 8, &word, 8);
	}
}

void oracle_content(uint64_t offset, uint64_t length, uint32_t version,
		    uint8_t *out)
{
	for (uint64_t at = 0; at < length; at += ORACLE_SECTOR)
		fill_sector((offset + at) / ORACLE_SECTOR, version, out + at);
}

static void allow(struct oracle *o, struct oracle_cell *cell, uint32_t version)
{
	for (uint32_t i = 0; i < cell->count; i++)
		if (cell->allowed[i] == version)
			return;
	if (cell->count == ORACLE_ALLOWED)
		abort(); /* the caller did not look at `full` */
	cell->allowed[cell->count++] = version;
	o->full |= cell->count + 1 >= ORACLE_ALLOWED;
}

void oracle_allow(struct oracle *o, uint64_t offset, uint64_t length,
		  uint32_t version)
{
	for (uint64_t at = offset; at < offset + length; at += ORACLE_SECTOR)
		allow(o, &o->cells[at / ORACLE_SECTOR], version);
}

void oracle_set(struct oracle *o, uint64_t offset, uint64_t length,
		uint32_t version)
{
	oracle_content(offset, length, version, o->bytes + offset);
	for (uint64_t at = offset; at < offset + length; at += ORACLE_SECTOR)
		o->cells[at / ORACLE_SECTOR].newest = version;
}

void oracle_flushed(struct oracle *o)
{
	for (uint64_t i = 0; i < o->size / ORACLE_SECTOR; i++) {
		o->cells[i].allowed[0] = o->cells[i].newest;
		o->cells[i].count = 1;
	}
	o->full = false;
}

/* the index of the version a sector shows, or -1 */
static int find_version(const struct oracle *o, uint64_t sector,
			const uint8_t *bytes)
{
	const struct oracle_cell *cell = &o->cells[sector];
	uint8_t want[ORACLE_SECTOR];

	for (uint32_t i = 0; i < cell->count; i++) {
		fill_sector(sector, cell->allowed[i], want);
		if (memcmp(want, bytes, sizeof(want)) == 0)
			return (int)i;
	}
	return -1;
}

uint64_t oracle_check(const struct oracle *o, uint64_t offset,
		      const uint8_t *buf, uint64_t length)
{
	for (uint64_t at = 0; at < length;) {
		uint64_t n = vhd_min(length - at, 65536), end = at + n;

		if (memcmp(o->bytes + offset + at, buf + at, (size_t)n) == 0) {
			at = end;
			continue;
		}
		for (; at < end; at += ORACLE_SECTOR)
			if (memcmp(o->bytes + offset + at, buf + at,
				   ORACLE_SECTOR) &&
			    find_version(o, (offset + at) / ORACLE_SECTOR,
					 buf + at) < 0)
				return offset + at;
	}
	return UINT64_MAX;
}

void oracle_adopt(struct oracle *o, uint64_t offset, const uint8_t *buf,
		  uint64_t length)
{
	for (uint64_t at = 0; at < length; at += ORACLE_SECTOR) {
		uint64_t sector = (offset + at) / ORACLE_SECTOR;
		int i;

		if (memcmp(o->bytes + offset + at, buf + at, ORACLE_SECTOR) ==
		    0)
			continue;
		i = find_version(o, sector, buf + at);
		if (i < 0)
			abort();
		o->cells[sector].newest = o->cells[sector].allowed[i];
	}
	memcpy(o->bytes + offset, buf, (size_t)length);
}

void oracle_explain(const struct oracle *o, uint64_t offset,
		    const uint8_t *sector)
{
	const struct oracle_cell *cell = &o->cells[offset / ORACLE_SECTOR];
	uint64_t word;

	memcpy(&word, sector, 8);
	fprintf(stderr, "sector %" PRIu64 " shows ", offset / ORACLE_SECTOR);
	if (word)
		fprintf(stderr, "version %" PRIu64 " of sector %" PRIu64,
			word & UINT32_MAX, (word >> 32) - 1);
	else
		fprintf(stderr, "zeros");
	fprintf(stderr, "; allowed:");
	for (uint32_t i = 0; i < cell->count; i++)
		fprintf(stderr, " %" PRIu32, cell->allowed[i]);
	fprintf(stderr, "; newest %" PRIu32 "\n", cell->newest);
}

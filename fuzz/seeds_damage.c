/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "damage.h"
#include "input.h"
#include "seeds.h"

#define SECTOR 512u

/* faults_fill() writes runs of one byte, which is never that of a bitmap */
static bool is_payload(const uint8_t *sector)
{
	for (size_t i = 1; i < SECTOR; i++)
		if (sector[i] != sector[0])
			return false;
	return sector[0] != 0xFF;
}

/* all structures, and some of the payload */
static struct sparse *thin(const struct sparse *file)
{
	struct sparse *out = sparse_new(file->size);
	uint64_t start, end, at = 0;
	uint8_t sector[SECTOR];
	int payload = 0;

	for (; sparse_next(file, at, &start, &end); at = end)
		for (at = start; at < end; at += SECTOR) {
			uint64_t rest = file->size - at;
			size_t n = rest < SECTOR ? (size_t)rest : SECTOR;

			sparse_get(file, at, sector, SECTOR);
			if (!is_payload(sector))
				sparse_put(out, at, sector, n);
			else if (payload++ % 256 == 0)
				sparse_put(out, at, sector, n < 64 ? n : 64);
		}
	return out;
}

void seeds_damage(const char *folder)
{
	for (size_t i = 0; i < damage_count; i++) {
		const struct damage *d = &damages[i];
		struct sparse *file, *small;
		uint8_t flags = d->format == VHD_FORMAT_VHDX ? INPUT_VHDX : 0;

		if (strcmp(d->name, "vhdx-too-far") == 0)
			continue; /* too large for a seed */
		file = d->make();
		small = thin(file);
		if (d->size) /* in units of 256 KiB, see fuzz_repair.c */
			flags |= (uint8_t)(2u | (d->size >> 18) << 2);
		seeds_save(folder, "fuzz_repair", d->name, small, flags);
		sparse_free(small);
		sparse_free(file);
	}
}

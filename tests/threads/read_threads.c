/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Eight threads read random ranges of one chain and compare with the raw
 * content. The chain is a VHDX child, its parent with a dirty log and its
 * grandparent; each block comes from another layer, some by sector.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvhd.h>

#include "core/vhdx_bat.h"
#include "support/sparse_file.h"
#include "support/vhdx_image.h"

#define THREADS 8
#define READS   4000
#define BLOCKS  48
#define MIB     ((size_t)1 << 20)
#define DISK    (BLOCKS * MIB)
#define RANGE   65536u

static const char *const guids[] = {
	"00000000-0000-0000-0000-00000000000a",
	"00000000-0000-0000-0000-00000000000b",
	"00000000-0000-0000-0000-00000000000c",
};

static struct vhdx_image images[3]; /* leaf first */
static struct vhd_disk *disk;
static uint8_t *raw;
static atomic_int failed;

/* content that tells where it belongs and who wrote it */
static uint8_t content(unsigned layer, uint64_t offset)
{
	return (uint8_t)(offset / 512 * 7 + offset + layer * 85 + 1);
}

static void write_sectors(unsigned layer, uint64_t at, uint64_t offset,
			  size_t length)
{
	uint8_t sector[512];

	for (size_t done = 0; done < length; done += sizeof(sector)) {
		for (size_t i = 0; i < sizeof(sector); i++)
			sector[i] = content(layer, offset + done + i);
		sparse_put(images[layer].file, at + done, sector,
			   sizeof(sector));
		memcpy(raw + offset + done, sector, sizeof(sector));
	}
}

static void add_full(unsigned layer, uint64_t block)
{
	uint64_t at = vhdx_add_block(&images[layer], block, VHDX_FULLY_PRESENT);

	write_sectors(layer, at, block * MIB, MIB);
}

static void add_partial(unsigned layer, uint64_t block)
{
	uint64_t at =
		vhdx_add_block(&images[layer], block, VHDX_PARTIALLY_PRESENT);

	for (uint32_t s = 0; s < 2048; s += 5) {
		vhdx_set_sectors(&images[layer], block, s, 2);
		write_sectors(layer, at + s * 512, block * MIB + s * 512,
			      s + 2 > 2048 ? 512 : 1024);
	}
}

static void make_image(unsigned layer)
{
	char linkage[64];
	struct vhdx_key key = {"parent_linkage", linkage};
	struct vhdx_spec spec = {.size = DISK, .data_write_guid = guids[layer]};

	if (layer < 2) {
		snprintf(linkage, sizeof(linkage), "{%s}", guids[layer + 1]);
		spec.keys = &key;
		spec.key_count = 1;
	}
	images[layer] = vhdx_image_new(&spec);
	images[layer].spec.keys = NULL;
	if (layer < 2)
		vhdx_add_bitmap(&images[layer], 0);
}

/* moves the BAT page of a layer into its log */
static void make_dirty(unsigned layer)
{
	struct vhdx_image *image = &images[layer];
	uint8_t page[4096];
	struct vhdx_change change = {image->bat, page, 0};

	sparse_get(image->file, image->bat, page, sizeof(page));
	sparse_fill(image->file, image->bat, 0, sizeof(page));
	vhdx_put_header(image, 2, 1, vhdx_guid_log);
	vhdx_put_log(image, 0,
		     &(struct vhdx_entry_spec){.sequence = 1,
					       .flushed = image->next,
					       .last = image->next,
					       .changes = &change,
					       .count = 1});
}

static void make_chain(void)
{
	for (unsigned layer = 3; layer-- > 0;) {
		make_image(layer);
		for (uint64_t b = layer; b < BLOCKS; b += 4)
			add_full(layer, b);
		if (layer == 2)
			continue;
		for (uint64_t b = 2 + layer; b < BLOCKS; b += 7)
			if (b % 4 != layer)
				add_partial(layer, b);
	}
	make_dirty(1);
}

static int find_parent(void *ctx, struct vhd_image *child, unsigned depth,
		       struct vhd_file **file, char *name, size_t size)
{
	(void)ctx;
	(void)child;
	snprintf(name, size, "layer %u", depth + 1);
	*file = sparse_file_new(images[depth + 1].file);
	return 0;
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 24;
}

static void *reader(void *arg)
{
	uint64_t state = (uintptr_t)arg + 1;
	uint8_t *buf = malloc(RANGE);

	for (int i = 0; buf && i < READS && !failed; i++) {
		uint64_t offset = next_random(&state) % DISK;
		size_t length = (size_t)(next_random(&state) % RANGE) + 1;

		if (length > DISK - offset)
			length = DISK - offset;
		if (vhd_disk_read(disk, offset, buf, length, NULL) ||
		    memcmp(buf, raw + offset, length) != 0) {
			fprintf(stderr, "%zu bytes at %llu are wrong\n", length,
				(unsigned long long)offset);
			failed = 1;
		}
	}
	free(buf);
	return NULL;
}

static int open_chain(void)
{
	struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = VHD_FORMAT_VHDX,
		.find_parent = find_parent,
	};
	struct vhd_diag diag = {0};
	int rc = vhd_disk_open_file(sparse_file_new(images[0].file), "layer 0",
				    &options, &disk, &diag);

	if (rc)
		fprintf(stderr, "the chain does not open: %s\n", diag.text);
	return rc;
}

int main(void)
{
	pthread_t threads[THREADS];

	raw = calloc(1, DISK);
	if (!raw)
		return 1;
	make_chain();
	if (open_chain() || vhd_disk_layers(disk) != 3)
		return 1;
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, reader, (void *)i))
			return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	vhd_disk_close(disk);
	for (int i = 0; i < 3; i++)
		vhdx_image_drop(&images[i]);
	free(raw);
	return failed;
}

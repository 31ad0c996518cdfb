/* SPDX-License-Identifier: BSD-2-Clause */
/* Chains of three, in both formats, for fuzz_chain and fuzz_loader. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/vhdx_bat.h"
#include "input.h"
#include "seeds.h"
#include "support/vhd1_image.h"
#include "support/vhdx_image.h"

#define LAYERS 3u

struct chain {
	uint8_t bytes[SEED_MAX];
	size_t length;
};

static void add(struct chain *c, const struct sparse *file, uint8_t flags)
{
	static uint8_t piece[SEED_MAX];
	size_t n = seeds_encode(file, flags, piece);

	if (!n || c->length + 2 + n > sizeof(c->bytes))
		abort();
	c->bytes[c->length++] = (uint8_t)n;
	c->bytes[c->length++] = (uint8_t)(n >> 8);
	memcpy(c->bytes + c->length, piece, n);
	c->length += n;
}

/* layer 0 is the leaf; each stores another block, and sectors of block 1 */
static void add_vhd1(struct chain *c, unsigned layer)
{
	bool base = layer == LAYERS - 1;
	struct vhd1_image image = vhd1_image_new(&(struct vhd1_spec){
		.type = base ? VHD_TYPE_DYNAMIC : VHD_TYPE_DIFFERENCING,
		.size = (5u << 20) - (base ? 1u << 20 : 0),
		.id = (uint8_t)(16 + 32 * layer),
		.parent_id = (uint8_t)(48 + 32 * layer),
		.parent_name = base ? NULL : "./base.vhd",
	});
	uint64_t at = vhd1_add_block(&image, 1);

	sparse_fill(image.file, at + 512 * layer, (uint8_t)(0x21 + layer), 64);
	if (!base)
		vhd1_set_sectors(&image, 1, layer, 1, true);
	at = vhd1_add_block(&image, layer == 1 ? 2 : 0);
	sparse_fill(image.file, at, (uint8_t)(0x31 + layer), 64);
	if (!base)
		vhd1_set_sectors(&image, layer == 1 ? 2 : 0, 0, 3, true);
	add(c, image.file, 0);
	vhd1_image_drop(&image);
}

static void vhdx_guid(char *text, unsigned layer)
{
	snprintf(text, 40, "{01234567-89ab-cdef-0123-4567%08x}", layer);
}

static void add_vhdx(struct chain *c, unsigned layer)
{
	bool base = layer == LAYERS - 1;
	char own[40], parent[40];
	const struct vhdx_key keys[] = {
		{"parent_linkage", parent},
		{"relative_path", ".\\base.vhdx"},
	};
	struct vhdx_image image;
	uint64_t at;

	vhdx_guid(own, layer);
	vhdx_guid(parent, layer + 1);
	image = vhdx_image_new(&(struct vhdx_spec){
		.size = (16u << 20) - (base ? 2u << 20 : 0),
		.keys = base ? NULL : keys,
		.key_count = base ? 0 : 2,
		.data_write_guid = own,
	});
	at = vhdx_add_block(&image, 1,
			    base ? VHDX_FULLY_PRESENT : VHDX_PARTIALLY_PRESENT);
	sparse_fill(image.file, at + 512 * layer, (uint8_t)(0x21 + layer), 64);
	if (!base) {
		vhdx_add_bitmap(&image, 0);
		vhdx_set_sectors(&image, 1, layer, 1);
	}
	at = vhdx_add_block(&image, 2 + layer, VHDX_FULLY_PRESENT);
	sparse_fill(image.file, at, (uint8_t)(0x31 + layer), 64);
	vhdx_put_entry(&image, 6 + layer, VHDX_ZERO);
	add(c, image.file, INPUT_VHDX);
	vhdx_image_drop(&image);
}

static void save(const char *folder, const char *name, uint8_t flags,
		 void (*add_layer)(struct chain *c, unsigned layer),
		 unsigned layers)
{
	static struct chain c;

	c.bytes[0] = flags;
	c.length = 1;
	for (unsigned i = 0; i < layers; i++)
		add_layer(&c, i);
	seeds_save_bytes(folder, "fuzz_chain", name, c.bytes, c.length);
	seeds_save_bytes(folder, "fuzz_loader", name, c.bytes, c.length);
}

void seeds_chain(const char *folder)
{
	save(folder, "vhd", 0x08, add_vhd1, LAYERS);
	save(folder, "vhd-without-base", 0, add_vhd1, LAYERS - 1);
	save(folder, "vhd-loop", 0x05, add_vhd1, LAYERS - 1);
	save(folder, "vhd-itself", 0x06, add_vhd1, 1);
	save(folder, "vhdx", 0x0C, add_vhdx, LAYERS);
	save(folder, "vhdx-verify", 0x18, add_vhdx, LAYERS);
	save(folder, "vhdx-loop", 0x05, add_vhdx, LAYERS - 1);
	save(folder, "vhdx-below-itself", 0x07, add_vhdx, LAYERS - 1);
}

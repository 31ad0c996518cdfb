/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a block table and behind it, at 4 KiB, the start of a sector
 * bitmap. Everything around them is a valid child of 16 MiB, of either format;
 * a quarter of its blocks have space, in case the table names it.
 */
#include "both.h"
#include "core/vhdx_bat.h"
#include "input.h"
#include "support/vhd1_image.h"
#include "support/vhdx_image.h"

#define TABLE 4096u
#define BITS  4096u

static void put(struct sparse *out, uint64_t offset, uint32_t room,
		const struct sparse *in, uint64_t from)
{
	uint8_t bytes[TABLE];

	sparse_get(in, from, bytes, room);
	sparse_put(out, offset, bytes, room);
}

static void try_vhd1(const struct sparse *in)
{
	struct vhd1_image image = vhd1_image_new(&(struct vhd1_spec){
		.type = VHD_TYPE_DIFFERENCING,
		.size = 16u << 20,
		.block_size = 512u << 10,
		.parent_name = "./base.vhd",
	});

	for (uint64_t block = 0; block < 32; block += 4) {
		uint64_t at = vhd1_add_block(&image, block);

		sparse_fill(image.file, at, (uint8_t)(1 + block), 4096);
		put(image.file, at - image.bitmap_bytes, image.bitmap_bytes, in,
		    TABLE + block * 128);
	}
	/* what is not said stays as it was */
	if (in->size)
		put(image.file, image.spec.table, 32 * 4, in, 0);
	both_compare(image.file, VHD_FORMAT_VHD);
	both_look_inside(image.file, VHD_FORMAT_VHD);
	vhd1_image_drop(&image);
}

static void try_vhdx(const struct sparse *in)
{
	static const struct vhdx_key keys[] = {
		{"parent_linkage", "{01234567-89ab-cdef-0123-456789abcdef}"},
	};
	struct vhdx_image image = vhdx_image_new(&(struct vhdx_spec){
		.size = 16u << 20, .keys = keys, .key_count = 1});
	uint64_t bits = vhdx_add_bitmap(&image, 0);

	for (uint64_t block = 0; block < 16; block += 4)
		sparse_fill(
			image.file,
			vhdx_add_block(&image, block, VHDX_PARTIALLY_PRESENT),
			(uint8_t)(1 + block), 4096);
	put(image.file, bits, BITS, in, TABLE);
	if (in->size)
		put(image.file, image.bat, TABLE, in, 0);
	both_compare(image.file, VHD_FORMAT_VHDX);
	both_look_inside(image.file, VHD_FORMAT_VHDX);
	vhdx_image_drop(&image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;

	if (!input_decode(data, size, &in))
		return 0;
	if (in.format == VHD_FORMAT_VHD)
		try_vhd1(in.file);
	else
		try_vhdx(in.file);
	sparse_free(in.file);
	return 0;
}

static void seal(struct input *in)
{
	sparse_resize(in->file, TABLE + BITS);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room,
			       unsigned seed)
{
	return input_mutate(data, size, room, seed, seal);
}

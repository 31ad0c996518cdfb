/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is what lies at the start of a VHDX's metadata region: its table,
 * the items and a parent locator. Everything around it is a valid 16 MiB child
 * with a few blocks.
 */
#include "both.h"
#include "core/vhdx_bat.h"
#include "input.h"
#include "support/vhdx_image.h"

#define REGION ((uint64_t)1 << 20)

static struct vhdx_image base_image(void)
{
	static const struct vhdx_key keys[] = {
		{"parent_linkage", "{01234567-89ab-cdef-0123-456789abcdef}"},
	};
	struct vhdx_image image = vhdx_image_new(&(struct vhdx_spec){
		.size = 16u << 20, .keys = keys, .key_count = 1});

	sparse_fill(image.file, vhdx_add_block(&image, 3, VHDX_FULLY_PRESENT),
		    0xB3, 4096);
	sparse_fill(image.file,
		    vhdx_add_block(&image, 7, VHDX_PARTIALLY_PRESENT), 0xB7,
		    4096);
	vhdx_add_bitmap(&image, 0);
	vhdx_set_sectors(&image, 7, 2, 5);
	sparse_fill(image.file, image.metadata, 0, REGION);
	return image;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vhdx_image image;
	struct input in;

	if (!input_decode(data, size, &in))
		return 0;
	image = base_image();
	sparse_lay(image.file, image.metadata, in.file, REGION);
	both_compare(image.file, VHD_FORMAT_VHDX);
	both_look_inside(image.file, VHD_FORMAT_VHDX);
	vhdx_image_drop(&image);
	sparse_free(in.file);
	return 0;
}

/* no sums here; but a whole region */
static void seal(struct input *in)
{
	sparse_resize(in->file, REGION);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room,
			       unsigned seed)
{
	return input_mutate(data, size, room, seed, seal);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is the content of a 1 MiB log ring. Everything around it is a
 * valid 16 MiB disk with a few blocks, whose headers name the log.
 */
#include "both.h"
#include "core/vhdx_bat.h"
#include "input.h"
#include "support/vhdx_image.h"

static struct vhdx_image base_image(void)
{
	struct vhdx_image image =
		vhdx_image_new(&(struct vhdx_spec){.size = 16u << 20});

	for (uint64_t block = 0; block < 16; block += 5)
		sparse_fill(image.file,
			    vhdx_add_block(&image, block, VHDX_FULLY_PRESENT),
			    (uint8_t)(0xB0 + block), 8192);
	vhdx_put_header(&image, 1, 1, vhdx_guid_log);
	vhdx_put_header(&image, 2, 2, vhdx_guid_log);
	return image;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vhdx_image image;
	struct input in;

	if (!input_decode(data, size, &in))
		return 0;
	image = base_image();
	sparse_lay(image.file, image.log, in.file, image.spec.log_length);
	both_compare(image.file, VHD_FORMAT_VHDX);
	both_look_inside(image.file, VHD_FORMAT_VHDX);
	vhdx_image_drop(&image);
	sparse_free(in.file);
	return 0;
}

static void seal(struct input *in)
{
	sparse_resize(in->file, 1u << 20);
	input_seal_log(in->file, 0, 1u << 20);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room,
			       unsigned seed)
{
	return input_mutate(data, size, room, seed, seal);
}

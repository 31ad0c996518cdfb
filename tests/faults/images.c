/* SPDX-License-Identifier: BSD-2-Clause */
#include "images.h"

#include "core/vhd1_batmap.h"
#include "core/vhd1_footer.h"
#include "core/vhdx_bat.h"

void faults_fill(struct sparse *f, uint64_t offset, unsigned block,
		 uint64_t length)
{
	for (uint64_t at = 0; at < length; at += 4096)
		sparse_fill(f, offset + at,
			    (uint8_t)(1 + 50 * block + at / 4096 % 50), 4096);
}

static const struct vhd1_spec vhd_spec = {
	.size = (2u << 20) + (256u << 10),
	.block_size = 512u << 10,
};

static void add_blocks(struct vhd1_image *image)
{
	bool child = image->spec.type == VHD_TYPE_DIFFERENCING;

	for (unsigned b = 0; b <= 4; b += 2) {
		uint64_t data = vhd1_add_block(image, b);

		faults_fill(image->file, data, b,
			    child    ? 100 * 512
			    : b == 4 ? 256u << 10
				     : 512u << 10);
		if (child)
			vhd1_set_sectors(image, b, 0, 100, true);
	}
}

struct vhd1_image faults_vhd(uint32_t type, const char *creator,
			     uint32_t creator_version)
{
	struct vhd1_spec spec = vhd_spec;
	struct vhd1_image image;

	spec.type = type;
	spec.creator = creator;
	spec.creator_version = creator_version;
	if (type == VHD_TYPE_DIFFERENCING)
		spec.parent_name = "parent.vhd";
	image = vhd1_image_new(&spec);
	if (type == VHD_TYPE_FIXED)
		faults_fill(image.file, 0, 0, 1u << 20);
	else
		add_blocks(&image);
	return image;
}

/* the batmap lies between the table and the first block */
struct vhd1_image faults_tap(void)
{
	struct vhd1_spec spec = vhd_spec;
	struct vhd1_image image;
	uint64_t at = 2048;
	uint8_t footer[VHD1_FOOTER_SIZE];

	spec.type = VHD_TYPE_DYNAMIC;
	spec.creator = "tap";
	spec.creator_version = 0x00010003;
	image = vhd1_image_new(&spec);
	sparse_get(image.file, image.footer, footer, sizeof(footer));
	sparse_fill(image.file, at, 0, 1024);
	sparse_put(image.file, at, "tdbatmap", 8);
	sparse_put_be64(image.file, at + 8, at + 512);
	sparse_put_be32(image.file, at + 16, 1);
	sparse_put_be32(image.file, at + 20, 0x00010002);
	sparse_put_be32(image.file, at + 24, ~0xA8u);
	sparse_fill(image.file, at + 512, 0xA8, 1); /* blocks 0, 2 and 4 */
	image.footer = at + 1024;
	sparse_put(image.file, image.footer, footer, sizeof(footer));
	add_blocks(&image);
	return image;
}

static const struct vhdx_spec vhdx_spec = {.size = (6u << 20) + (512u << 10)};

struct vhdx_image faults_vhdx(void)
{
	struct vhdx_image image = vhdx_image_new(&vhdx_spec);

	for (unsigned b = 0; b <= 6; b += b ? 4 : 2)
		faults_fill(image.file,
			    vhdx_add_block(&image, b, VHDX_FULLY_PRESENT), b,
			    b == 6 ? 512u << 10 : 1u << 20);
	return image;
}

struct vhdx_image faults_vhdx_child(void)
{
	static const struct vhdx_key keys[] = {
		{"parent_linkage", "{01234567-89ab-cdef-0123-456789abcdef}"},
		{"relative_path", ".\\parent.vhdx"},
	};
	struct vhdx_spec spec = vhdx_spec;
	struct vhdx_image image;

	spec.keys = keys;
	spec.key_count = 2;
	image = vhdx_image_new(&spec);
	vhdx_add_bitmap(&image, 0);
	for (unsigned b = 0; b <= 6; b += b ? 4 : 2) {
		unsigned state =
			b == 6 ? VHDX_FULLY_PRESENT : VHDX_PARTIALLY_PRESENT;
		uint64_t data = vhdx_add_block(&image, b, state);

		faults_fill(image.file, data, b,
			    b == 6 ? 512u << 10 : 100 * 512);
		if (b != 6)
			vhdx_set_sectors(&image, b, 0, 100);
	}
	return image;
}

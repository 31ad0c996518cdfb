/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/vhd1_image.h"

#include <string.h>

#include "core/checked.h"
#include "core/geometry.h"
#include "core/vhd1_footer.h"
#include "core/vhd1_header.h"
#include "core/vhd1_locator.h"
#include "support/utf16.h"

static struct vhd1_spec with_defaults(const struct vhd1_spec *spec)
{
	struct vhd1_spec s = *spec;

	if (!s.block_size)
		s.block_size = 2u << 20;
	if (!s.max_entries)
		s.max_entries =
			(uint32_t)((s.size + s.block_size - 1) / s.block_size);
	if (!s.table)
		s.table = VHD1_FOOTER_SIZE + VHD1_HEADER_SIZE;
	if (!s.creator)
		s.creator = "lvhd";
	if (!s.id)
		s.id = 16;
	if (!s.parent_id)
		s.parent_id = 48;
	return s;
}

static void put_id(struct sparse *f, uint64_t offset, uint8_t first)
{
	for (uint8_t i = 0; i < 16; i++)
		sparse_fill(f, offset + i, (uint8_t)(first + i), 1);
}

static void put_footer(struct sparse *f, uint64_t at, const struct vhd1_spec *s)
{
	struct vhd_geometry g = vhd_geometry_of(s->size / VHD1_SECTOR);
	uint8_t chs[4] = {(uint8_t)(g.cylinders >> 8), (uint8_t)g.cylinders,
			  g.heads, g.sectors};

	sparse_fill(f, at, 0, VHD1_FOOTER_SIZE);
	sparse_put(f, at, "conectix", 8);
	sparse_put_be32(f, at + 8, 2);
	sparse_put_be32(f, at + 12, 0x00010000);
	sparse_put_be64(f, at + 16,
			s->type == VHD_TYPE_FIXED ? UINT64_MAX
						  : VHD1_FOOTER_SIZE);
	sparse_put(f, at + 28, s->creator, 4);
	sparse_put_be32(f, at + 32, s->creator_version);
	sparse_put(f, at + 36, "Wi2k", 4);
	sparse_put_be64(f, at + 40, s->size);
	sparse_put_be64(f, at + 48, s->size);
	sparse_put(f, at + 56, chs, 4);
	sparse_put_be32(f, at + 60, s->type);
	put_id(f, at + 68, s->id);
}

static void put_header(struct vhd1_image *image)
{
	const struct vhd1_spec *s = &image->spec;
	struct sparse *f = image->file;
	uint64_t at = image->header;

	sparse_fill(f, at, 0, VHD1_HEADER_SIZE);
	sparse_put(f, at, "cxsparse", 8);
	sparse_put_be64(f, at + 8, UINT64_MAX);
	sparse_put_be64(f, at + 16, s->table);
	sparse_put_be32(f, at + 24, 0x00010000);
	sparse_put_be32(f, at + 28, s->max_entries);
	sparse_put_be32(f, at + 32, s->block_size);
	if (s->type != VHD_TYPE_DIFFERENCING)
		return;
	put_id(f, at + 40, s->parent_id);
}

static void put_parent(struct vhd1_image *image)
{
	uint8_t text[512];
	uint32_t bytes;

	if (!image->spec.parent_name)
		return;
	bytes = (uint32_t)utf16_be(image->spec.parent_name, text, sizeof(text));
	sparse_put(image->file, image->header + 64, text, bytes);
	bytes = (uint32_t)utf16_le(image->spec.parent_name, text, sizeof(text));
	vhd1_put_locator(image, 0, VHD1_LOCATOR_W2RU, text, bytes);
}

void vhd1_seal_at(struct sparse *file, uint64_t offset, uint32_t size,
		  uint32_t field)
{
	uint8_t bytes[VHD1_HEADER_SIZE];

	sparse_get(file, offset, bytes, size);
	sparse_put_be32(file, offset + field,
			vhd1_checksum(bytes, size, field));
}

void vhd1_seal(struct vhd1_image *image)
{
	uint32_t field = offsetof(struct vhd1_footer_disk, checksum);

	vhd1_seal_at(image->file, image->footer, VHD1_FOOTER_SIZE, field);
	if (image->spec.type == VHD_TYPE_FIXED)
		return;
	vhd1_seal_at(image->file, 0, VHD1_FOOTER_SIZE, field);
	vhd1_seal_at(image->file, image->header, VHD1_HEADER_SIZE,
		     offsetof(struct vhd1_header_disk, checksum));
}

static void build_sparse(struct vhd1_image *image)
{
	const struct vhd1_spec *s = &image->spec;
	uint64_t table_bytes =
		vhd_round_up((uint64_t)s->max_entries * 4, VHD1_SECTOR);

	image->header = VHD1_FOOTER_SIZE;
	image->footer = s->table + table_bytes;
	put_footer(image->file, 0, s);
	put_header(image);
	sparse_fill(image->file, s->table, 0xFF, (size_t)table_bytes);
}

struct vhd1_image vhd1_image_new(const struct vhd1_spec *spec)
{
	struct vhd1_image image = {
		.file = sparse_new(0),
		.spec = with_defaults(spec),
	};

	image.bitmap_bytes = vhd1_bitmap_bytes(image.spec.block_size);
	if (spec->type == VHD_TYPE_FIXED)
		image.footer = spec->size;
	else
		build_sparse(&image);
	put_footer(image.file, image.footer, &image.spec);
	put_parent(&image);
	vhd1_seal(&image);
	return image;
}

void vhd1_image_drop(struct vhd1_image *image)
{
	sparse_free(image->file);
	image->file = NULL;
}

uint64_t vhd1_entry_at(const struct vhd1_image *image, uint64_t block)
{
	return image->spec.table + 4 * block;
}

/* moves the footer `bytes` on and returns where it was */
static uint64_t make_room(struct vhd1_image *image, uint64_t bytes)
{
	uint64_t at = image->footer;
	uint8_t footer[VHD1_FOOTER_SIZE];

	sparse_get(image->file, at, footer, sizeof(footer));
	sparse_fill(image->file, at, 0, sizeof(footer));
	image->footer = at + vhd_round_up(bytes, VHD1_SECTOR);
	sparse_put(image->file, image->footer, footer, sizeof(footer));
	return at;
}

uint64_t vhd1_add_block(struct vhd1_image *image, uint64_t block)
{
	bool full = image->spec.type != VHD_TYPE_DIFFERENCING;
	uint64_t at =
		make_room(image, image->bitmap_bytes + image->spec.block_size);

	sparse_put_be32(image->file, vhd1_entry_at(image, block),
			(uint32_t)(at / VHD1_SECTOR));
	sparse_fill(image->file, at, full ? 0xFF : 0, image->bitmap_bytes);
	return at + image->bitmap_bytes;
}

static uint64_t bitmap_of(const struct vhd1_image *image, uint64_t block)
{
	be32 entry;

	sparse_get(image->file, vhd1_entry_at(image, block), &entry,
		   sizeof(entry));
	return (uint64_t)be32_get(entry) * VHD1_SECTOR;
}

void vhd1_set_sectors(struct vhd1_image *image, uint64_t block, uint32_t first,
		      uint32_t count, bool present)
{
	uint64_t bitmap = bitmap_of(image, block);

	for (uint32_t i = first; i < first + count; i++) {
		uint8_t byte = sparse_byte(image->file, bitmap + i / 8);
		uint8_t mask = (uint8_t)(0x80 >> (i % 8));

		byte = present ? byte | mask : byte & (uint8_t)~mask;
		sparse_fill(image->file, bitmap + i / 8, byte, 1);
	}
}

void vhd1_put_locator(struct vhd1_image *image, unsigned slot, uint32_t code,
		      const void *data, uint32_t length)
{
	uint64_t at = image->header +
		      offsetof(struct vhd1_header_disk, locators) +
		      slot * sizeof(struct vhd1_locator_disk);
	uint32_t space = (uint32_t)vhd_round_up(length, VHD1_SECTOR);
	uint64_t place = make_room(image, space);

	sparse_put(image->file, place, data, length);
	sparse_put_be32(image->file, at, code);
	sparse_put_be32(image->file, at + 4, space);
	sparse_put_be32(image->file, at + 8, length);
	sparse_put_be64(image->file, at + 16, place);
	vhd1_seal(image);
}

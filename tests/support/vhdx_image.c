/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/vhdx_image.h"

#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "core/crc32c.h"
#include "core/guid.h"
#include "core/vhdx_bat.h"
#include "core/vhdx_header.h"
#include "core/vhdx_log.h"
#include "core/vhdx_metadata.h"
#include "core/vhdx_region.h"
#include "support/utf16.h"

const char vhdx_guid_file[] = "11111111-2222-3333-4444-555555555555";
const char vhdx_guid_data[] = "01234567-89ab-cdef-0123-456789abcdef";
const char vhdx_guid_disk[] = "deadbeef-0000-1111-2222-333344445555";
const char vhdx_guid_log[] = "a0a1a2a3-b0b1-c0c1-d0d1-e0e1e2e3e4e5";

/* the table of vhdx.md 6.3; offsets inside the region */
static const struct {
	const char *id;
	uint32_t offset;
	uint32_t length;
	uint32_t flags;
} items[] = {
	[VHDX_PLACE_PARAMETERS] = {"caa16737-fa36-4d43-b3b6-33f0aa44e76b",
				   0x10000, 8, 4},
	[VHDX_PLACE_SIZE] = {"2fa54224-cd1b-4876-b211-5dbed83bf4b8", 0x10008, 8,
			     6},
	[VHDX_PLACE_LOGICAL] = {"8141bf1d-a96f-4709-ba47-f233a8faab5f", 0x10010,
				4, 6},
	[VHDX_PLACE_PHYSICAL] = {"cda348c7-445d-4471-9cc9-e9885251c556",
				 0x10014, 4, 6},
	[VHDX_PLACE_ID] = {"beca12ab-b2e6-4523-93ef-c309e000c746", 0x10018, 16,
			   6},
	[VHDX_PLACE_LOCATOR] = {"a8d35f2d-b30b-454d-abf7-d3d84834ab0c", 0x10028,
				0, 4},
};

static void put_guid(struct sparse *f, uint64_t at, const char *text)
{
	struct vhd_guid guid = {{0}};

	if (text && !vhd_guid_parse(text, strlen(text), &guid))
		abort();
	sparse_put(f, at, guid.b, 16);
}

static struct vhdx_spec with_defaults(const struct vhdx_spec *spec)
{
	struct vhdx_spec s = *spec;

	if (!s.block_size)
		s.block_size = 1u << 20;
	if (!s.logical_sector)
		s.logical_sector = 512;
	if (!s.physical_sector)
		s.physical_sector = 512;
	if (!s.log_length)
		s.log_length = 1u << 20;
	if (!s.data_write_guid)
		s.data_write_guid = vhdx_guid_data;
	return s;
}

/* checksum at bytes 4 to 7 of a structure of `size` bytes */
static void seal_at(struct sparse *f, uint64_t at, uint32_t size)
{
	uint8_t *bytes = malloc(size);

	if (!bytes)
		abort();
	sparse_put_le32(f, at + 4, 0);
	sparse_get(f, at, bytes, size);
	sparse_put_le32(f, at + 4, vhd_crc32c(0, bytes, size));
	free(bytes);
}

void vhdx_seal(struct sparse *f)
{
	for (int i = 1; i <= 2; i++) {
		seal_at(f, VHDX_HEADER_AT(i), VHDX_HEADER_SIZE);
		seal_at(f, VHDX_REGIONS_AT(i), VHDX_REGION_TABLE_SIZE);
	}
}

void vhdx_put_header(struct vhdx_image *image, int slot, uint64_t sequence,
		     const char *log_guid)
{
	struct sparse *f = image->file;
	uint64_t at = VHDX_HEADER_AT(slot);

	sparse_fill(f, at, 0, VHDX_HEADER_SIZE);
	sparse_put(f, at, "head", 4);
	sparse_put_le64(f, at + 8, sequence);
	put_guid(f, at + 16, vhdx_guid_file);
	put_guid(f, at + 32, image->spec.data_write_guid);
	put_guid(f, at + 48, log_guid);
	sparse_put_le16(f, at + 66, 1);
	sparse_put_le32(f, at + 68, image->spec.log_length);
	sparse_put_le64(f, at + 72, image->log);
	seal_at(f, at, VHDX_HEADER_SIZE);
}

static void put_region(struct sparse *f, uint64_t at,
		       const struct vhd_guid *guid, uint64_t offset,
		       uint32_t length)
{
	sparse_put(f, at, guid->b, 16);
	sparse_put_le64(f, at + 16, offset);
	sparse_put_le32(f, at + 24, length);
	sparse_put_le32(f, at + 28, 1);
}

static void put_regions(struct vhdx_image *image, int copy)
{
	struct sparse *f = image->file;
	uint64_t at = VHDX_REGIONS_AT(copy);

	sparse_put(f, at, "regi", 4);
	sparse_put_le32(f, at + 8, 2);
	put_region(f, at + 16, &vhdx_region_bat, image->bat, image->bat_length);
	put_region(f, at + 48, &vhdx_region_metadata, image->metadata,
		   1u << 20);
	seal_at(f, at, VHDX_REGION_TABLE_SIZE);
}

uint64_t vhdx_item_entry(const struct vhdx_image *image, enum vhdx_place item)
{
	return image->metadata + 32 + 32 * (uint64_t)item;
}

uint64_t vhdx_item_value(const struct vhdx_image *image, enum vhdx_place item)
{
	return image->metadata + items[item].offset;
}

static void put_item_entry(struct vhdx_image *image, enum vhdx_place item,
			   uint32_t length)
{
	uint64_t at = vhdx_item_entry(image, item);

	put_guid(image->file, at, items[item].id);
	sparse_put_le32(image->file, at + 16, items[item].offset);
	sparse_put_le32(image->file, at + 20, length);
	sparse_put_le32(image->file, at + 24, items[item].flags);
}

uint32_t vhdx_locator_build(const struct vhdx_key *keys, size_t count,
			    uint8_t *out, size_t room)
{
	struct sparse *f = sparse_new(0);
	uint32_t at = (uint32_t)(20 + 12 * count);
	uint8_t text[1024];

	put_guid(f, 0, "b04aefb7-d19e-4a81-b789-25b8e9445913");
	sparse_put_le16(f, 18, (uint16_t)count);
	for (size_t i = 0; i < 2 * count; i++) {
		const char *string =
			i & 1 ? keys[i / 2].value : keys[i / 2].key;
		uint16_t bytes = (uint16_t)utf16_le(string, text, sizeof(text));
		uint64_t entry = 20 + 12 * (i / 2);

		sparse_put_le32(f, entry + 4 * (i & 1), at);
		sparse_put_le16(f, entry + 8 + 2 * (i & 1), bytes);
		sparse_put(f, at, text, bytes);
		at += bytes;
	}
	if (at > room)
		abort();
	sparse_get(f, 0, out, at);
	sparse_free(f);
	return at;
}

static void put_locator(struct vhdx_image *image)
{
	uint8_t item[8192];
	uint32_t length = vhdx_locator_build(
		image->spec.keys, image->spec.key_count, item, sizeof(item));

	sparse_put_le16(image->file, image->metadata + 10, 6);
	put_item_entry(image, VHDX_PLACE_LOCATOR, length);
	sparse_put(image->file, vhdx_item_value(image, VHDX_PLACE_LOCATOR),
		   item, length);
}

static void put_metadata(struct vhdx_image *image)
{
	const struct vhdx_spec *s = &image->spec;
	struct sparse *f = image->file;
	uint64_t at = image->metadata + items[VHDX_PLACE_PARAMETERS].offset;

	sparse_put(f, image->metadata, "metadata", 8);
	sparse_put_le16(f, image->metadata + 10, 5);
	for (enum vhdx_place i = VHDX_PLACE_PARAMETERS; i <= VHDX_PLACE_ID; i++)
		put_item_entry(image, i, items[i].length);
	sparse_put_le32(f, at, s->block_size);
	sparse_put_le32(f, at + 4, s->key_count ? 2 : 0);
	sparse_put_le64(f, at + 8, s->size);
	sparse_put_le32(f, at + 16, s->logical_sector);
	sparse_put_le32(f, at + 20, s->physical_sector);
	put_guid(f, at + 24, vhdx_guid_disk);
	if (s->key_count)
		put_locator(image);
}

static void lay_out(struct vhdx_image *image)
{
	const struct vhdx_spec *s = &image->spec;
	uint8_t block = vhd_shift_of(s->block_size);
	uint64_t blocks = vhd_shift_up(s->size, block), entries;

	image->chunk_shift =
		vhdx_chunk_shift(block, vhd_shift_of(s->logical_sector));
	entries =
		vhdx_bat_entries(blocks, image->chunk_shift, s->key_count != 0);
	image->bat_length = (uint32_t)vhd_round_up(entries * 8, VHD_MIB);
	image->log = VHD_MIB;
	image->metadata = image->log + s->log_length;
	image->bat = image->metadata + VHD_MIB;
	image->next = image->bat + image->bat_length;
}

struct vhdx_image vhdx_image_new(const struct vhdx_spec *spec)
{
	struct vhdx_image image = {
		.file = sparse_new(0),
		.spec = with_defaults(spec),
	};

	lay_out(&image);
	sparse_put(image.file, 0, "vhdxfile", 8);
	for (int i = 1; i <= 2; i++) {
		vhdx_put_header(&image, i, (uint64_t)i - 1, NULL);
		put_regions(&image, i);
	}
	put_metadata(&image);
	sparse_resize(image.file, image.next);
	return image;
}

void vhdx_image_drop(struct vhdx_image *image)
{
	sparse_free(image->file);
	image->file = NULL;
}

uint64_t vhdx_entry_at(const struct vhdx_image *image, uint64_t block)
{
	return image->bat + 8 * vhdx_payload_index(block, image->chunk_shift);
}

uint64_t vhdx_bitmap_entry_at(const struct vhdx_image *image, uint64_t chunk)
{
	return image->bat + 8 * vhdx_bitmap_index(chunk, image->chunk_shift);
}

void vhdx_put_entry(struct vhdx_image *image, uint64_t block, uint64_t value)
{
	sparse_put_le64(image->file, vhdx_entry_at(image, block), value);
}

static uint64_t take_space(struct vhdx_image *image, uint64_t bytes)
{
	uint64_t at = image->next;

	image->next += bytes;
	sparse_resize(image->file, image->next);
	return at;
}

uint64_t vhdx_add_block(struct vhdx_image *image, uint64_t block,
			unsigned state)
{
	uint64_t at = take_space(image, image->spec.block_size);

	vhdx_put_entry(image, block, at | state);
	return at;
}

uint64_t vhdx_add_bitmap(struct vhdx_image *image, uint64_t chunk)
{
	uint64_t at = take_space(image, VHDX_BITMAP_BLOCK);

	sparse_put_le64(image->file, vhdx_bitmap_entry_at(image, chunk),
			at | VHDX_BITMAP_PRESENT);
	return at;
}

void vhdx_set_sectors(struct vhdx_image *image, uint64_t block, uint32_t first,
		      uint32_t count)
{
	uint64_t chunk = block >> image->chunk_shift, bit;
	uint64_t in_chunk = block & (((uint64_t)1 << image->chunk_shift) - 1);
	uint32_t sectors = image->spec.block_size / image->spec.logical_sector;
	le64 entry;

	sparse_get(image->file, vhdx_bitmap_entry_at(image, chunk), &entry, 8);
	bit = in_chunk * sectors + first;
	for (; count--; bit++) {
		uint64_t at = vhdx_entry_offset(le64_get(entry)) + bit / 8;
		uint8_t byte = sparse_byte(image->file, at);

		byte = (uint8_t)(byte | 1u << (bit % 8));
		sparse_fill(image->file, at, byte, 1);
	}
}

static size_t table_sectors(size_t descriptors)
{
	return (VHDX_LOG_ENTRY_HEADER + descriptors * VHDX_LOG_DESCRIPTOR +
		VHDX_LOG_SECTOR - 1) /
	       VHDX_LOG_SECTOR;
}

uint32_t vhdx_entry_length(size_t data, size_t zero)
{
	return (uint32_t)((table_sectors(data + zero) + data) *
			  VHDX_LOG_SECTOR);
}

static void put_descriptor(struct sparse *f, size_t index,
			   const struct vhdx_change *c, uint64_t sequence)
{
	uint64_t at = VHDX_LOG_ENTRY_HEADER + index * VHDX_LOG_DESCRIPTOR;

	if (c->data) {
		sparse_put(f, at, "desc", 4);
		sparse_put(f, at + 4, c->data + 4092, 4);
		sparse_put(f, at + 8, c->data, 8);
	} else {
		sparse_put(f, at, "zero", 4);
		sparse_put_le64(f, at + 8, c->zeros);
	}
	sparse_put_le64(f, at + 16, c->offset);
	sparse_put_le64(f, at + 24, sequence);
}

static void put_data(struct sparse *f, uint64_t at, const uint8_t *data,
		     uint64_t sequence)
{
	sparse_put(f, at, "data", 4);
	sparse_put_le32(f, at + 4, (uint32_t)(sequence >> 32));
	sparse_put(f, at + 8, data + 8, 4084);
	sparse_put_le32(f, at + 4092, (uint32_t)sequence);
}

/* the entry as one piece, as if the ring did not end */
static struct sparse *build_entry(const struct vhdx_entry_spec *e)
{
	struct sparse *f = sparse_new(0);
	uint64_t data = table_sectors(e->count) * VHDX_LOG_SECTOR;

	for (size_t i = 0; i < e->count; i++) {
		put_descriptor(f, i, &e->changes[i], e->sequence);
		if (!e->changes[i].data)
			continue;
		put_data(f, data, e->changes[i].data, e->sequence);
		data += VHDX_LOG_SECTOR;
	}
	sparse_resize(f, data);
	sparse_put(f, 0, "loge", 4);
	sparse_put_le32(f, 8, (uint32_t)data);
	sparse_put_le32(f, 12, e->tail);
	sparse_put_le64(f, 16, e->sequence);
	sparse_put_le32(f, 24, (uint32_t)e->count);
	put_guid(f, 32, e->guid ? e->guid : vhdx_guid_log);
	sparse_put_le64(f, 48, e->flushed);
	sparse_put_le64(f, 56, e->last);
	seal_at(f, 0, (uint32_t)data);
	return f;
}

/* sector `i` of an entry at log offset `at`: its place in the file */
static uint64_t ring_place(const struct vhdx_image *image, uint32_t at,
			   uint64_t i)
{
	return image->log + (at + i * VHDX_LOG_SECTOR) % image->spec.log_length;
}

uint32_t vhdx_put_log(struct vhdx_image *image, uint32_t at,
		      const struct vhdx_entry_spec *e)
{
	struct sparse *entry = build_entry(e);
	uint32_t length = (uint32_t)entry->size;
	uint8_t sector[VHDX_LOG_SECTOR];

	for (uint64_t i = 0; i < length / VHDX_LOG_SECTOR; i++) {
		sparse_get(entry, i * VHDX_LOG_SECTOR, sector, sizeof(sector));
		sparse_put(image->file, ring_place(image, at, i), sector,
			   sizeof(sector));
	}
	sparse_free(entry);
	return length;
}

void vhdx_seal_log(struct vhdx_image *image, uint32_t at)
{
	uint8_t sector[VHDX_LOG_SECTOR];
	uint64_t first = ring_place(image, at, 0);
	uint32_t crc = 0;
	le32 length;

	sparse_get(image->file, first + 8, &length, 4);
	sparse_put_le32(image->file, first + 4, 0);
	for (uint32_t i = 0; i < le32_get(length) / VHDX_LOG_SECTOR; i++) {
		sparse_get(image->file, ring_place(image, at, i), sector,
			   sizeof(sector));
		crc = vhd_crc32c(crc, sector, sizeof(sector));
	}
	sparse_put_le32(image->file, first + 4, crc);
}

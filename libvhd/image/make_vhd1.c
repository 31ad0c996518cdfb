/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new VHD. Dynamic and differencing: copy, header, BAT at 1536, locators
 * behind it, then the footer. The footer follows the last object directly (see
 * vhd1_write.c for why); the data of each block lie on 4 KiB.
 */
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/checked.h"
#include "core/utf16.h"
#include "core/vhd1_locator.h"
#include "core/vhd1_open.h"
#include "make.h"

#include <libvhd/version.h>

#define HEADER_OFFSET 512u
#define TABLE_OFFSET  1536u
#define LOCATORS_USED 3
#define TABLE_PIECE   65536u /* entries written at once */
#define LOCATOR_ROOM  4096u

static uint32_t timestamp_of(int64_t unix_time)
{
	int64_t t = unix_time - VHD1_EPOCH;

	return t < 0 ? 0 : t > UINT32_MAX ? UINT32_MAX : (uint32_t)t;
}

static void make_footer(const struct vhd_make *m, uint8_t *bytes)
{
	bool fixed = m->type == VHD_TYPE_FIXED;
	struct vhd1_footer footer = {
		.data_offset = fixed ? UINT64_MAX : HEADER_OFFSET,
		.original_size = m->size,
		.current_size = m->size,
		.features = VHD1_FEATURE_RESERVED,
		.version = 0x00010000,
		.timestamp = timestamp_of(m->timestamp),
		.creator_version =
			(uint32_t)(m->azure ? 10 << 16
					    : VHD_VERSION_MAJOR << 16 |
						      VHD_VERSION_MINOR),
		.type = (uint32_t)m->type,
		.geometry = vhd_geometry_stored(m->size, m->azure),
		.id = m->id,
	};

	memcpy(footer.creator, m->azure ? "win " : "lvhd", 4);
	memcpy(footer.creator_os, "Wi2k", 4);
	memset(bytes, 0, VHD1_FOOTER_SIZE);
	vhd1_footer_encode(&footer, bytes);
}

static uint64_t table_entries(const struct vhd_make *m)
{
	return vhd_shift_up(vhd_max(m->size, m->reserve),
			    vhd_shift_of(m->block_size));
}

static uint64_t table_end(const struct vhd_make *m)
{
	return vhd_round_up(TABLE_OFFSET + table_entries(m) * 4, VHD1_SECTOR);
}

static uint64_t metadata_end(const struct vhd_make *m)
{
	uint64_t end = table_end(m);

	if (m->type == VHD_TYPE_DIFFERENCING)
		end += LOCATORS_USED * LOCATOR_ROOM;
	return end;
}

/* data of a block on 4 KiB, its bitmap in front */
static uint64_t next_block(const struct vhd_make *m, uint64_t end)
{
	uint32_t bitmap = vhd1_bitmap_bytes(m->block_size);

	return vhd_round_up(end + bitmap, 4096) - bitmap;
}

static uint64_t stride(const struct vhd_make *m)
{
	return m->block_size +
	       vhd_round_up(vhd1_bitmap_bytes(m->block_size), 4096);
}

uint64_t vhd1_make_size(const struct vhd_make *m, uint64_t blocks)
{
	uint64_t end = metadata_end(m);

	if (m->type == VHD_TYPE_FIXED)
		return m->size + VHD1_FOOTER_SIZE;
	if (blocks)
		end = next_block(m, end) + vhd1_bitmap_bytes(m->block_size) +
		      (blocks - 1) * stride(m) + m->block_size;
	return end + VHD1_FOOTER_SIZE;
}

/* ".\dir\name" for Windows, "file://./dir/name" for XenServer */
static size_t locator_text(uint32_t code, const char *name, uint8_t *out)
{
	char text[2048];
	const char *prefix = code == VHD1_LOCATOR_MACX ? "file://./" : ".\\";
	size_t n = strlen(prefix);

	if (strlen(name) + n >= sizeof(text))
		return 0;
	memcpy(text, prefix, n);
	for (const char *p = name; *p; p++)
		text[n++] = *p == '/' && code != VHD1_LOCATOR_MACX ? '\\' : *p;
	text[n] = '\0';
	if (code != VHD1_LOCATOR_MACX)
		return vhd_utf16_encode(text, VHD_UTF16_LE, out, LOCATOR_ROOM);
	memcpy(out, text, n);
	return n;
}

static int make_locators(struct vhd_file *file, const struct vhd_make *m,
			 struct vhd1_header *header)
{
	static const uint32_t codes[LOCATORS_USED] = {
		VHD1_LOCATOR_MACX,
		VHD1_LOCATOR_W2KU,
		VHD1_LOCATOR_W2RU,
	};
	uint64_t at = table_end(m);
	int rc = 0;

	for (int i = 0; i < LOCATORS_USED && !rc; i++, at += LOCATOR_ROOM) {
		uint8_t data[LOCATOR_ROOM] = {0};
		size_t length = locator_text(codes[i], m->parent_name, data);

		if (!length)
			return VHD_E_INVALID;
		header->locators[i] = (struct vhd1_locator){
			codes[i], LOCATOR_ROOM, (uint32_t)length, at};
		rc = vhd_file_write(file, at, data, sizeof(data));
	}
	return rc;
}

static int name_parent(struct vhd_file *file, const struct vhd_make *m,
		       struct vhd1_header *header)
{
	const char *slash = strrchr(m->parent_name, '/');

	header->parent_id = m->parent_link;
	header->parent_timestamp = timestamp_of(m->parent_timestamp);
	if (!vhd_utf16_encode(slash ? slash + 1 : m->parent_name, VHD_UTF16_BE,
			      header->parent_name,
			      sizeof(header->parent_name) - 2))
		return VHD_E_INVALID;
	return make_locators(file, m, header);
}

static int make_header(struct vhd_file *file, const struct vhd_make *m)
{
	struct vhd1_header *header = calloc(1, sizeof(*header));
	uint8_t bytes[VHD1_HEADER_SIZE] = {0};
	int rc = 0;

	if (!header)
		return VHD_E_NOMEM;
	header->table_offset = TABLE_OFFSET;
	header->max_entries = (uint32_t)table_entries(m);
	header->block_size = m->block_size;
	if (m->type == VHD_TYPE_DIFFERENCING)
		rc = name_parent(file, m, header);
	vhd1_header_encode(header, bytes);
	free(header);
	return rc ? rc
		  : vhd_file_write(file, HEADER_OFFSET, bytes, sizeof(bytes));
}

/* entries of blocks from `from` on: those that are there, FF for the rest */
static void fill_entries(const struct vhd_make *m, uint64_t blocks,
			 uint64_t from, be32 *piece, size_t n)
{
	uint64_t at = next_block(m, metadata_end(m)) + from * stride(m);
	size_t there = from < blocks ? (size_t)vhd_min(n, blocks - from) : 0;

	for (size_t i = 0; i < there; i++, at += stride(m))
		piece[i] = be32_of((uint32_t)(at / VHD1_SECTOR));
	memset(piece + there, 0xFF, (n - there) * sizeof(*piece));
}

/* with its padding to a whole sector; 4 MiB for the largest disk */
static int make_table(struct vhd_file *file, const struct vhd_make *m,
		      uint64_t blocks)
{
	uint64_t entries = (table_end(m) - TABLE_OFFSET) / sizeof(be32);
	size_t most = (size_t)vhd_min(entries, TABLE_PIECE);
	be32 *piece = malloc(most * sizeof(*piece));
	int rc = piece ? 0 : VHD_E_NOMEM;

	for (uint64_t from = 0; from < entries && !rc; from += most) {
		size_t n = (size_t)vhd_min(most, entries - from);

		if (!from || from < blocks + most) /* else it is all FF */
			fill_entries(m, blocks, from, piece, n);
		rc = vhd_file_write(file, TABLE_OFFSET + from * sizeof(*piece),
				    piece, n * sizeof(*piece));
	}
	free(piece);
	return rc;
}

static int make_bitmaps(struct vhd_file *file, const struct vhd_make *m,
			uint64_t blocks)
{
	uint32_t bytes = vhd1_bitmap_bytes(m->block_size);
	uint64_t at = next_block(m, metadata_end(m));
	uint8_t *bitmap = calloc(1, bytes);
	int rc = bitmap ? 0 : VHD_E_NOMEM;

	if (bitmap)
		memset(bitmap, 0xFF, m->block_size / VHD1_SECTOR / 8);
	for (uint64_t b = 0; b < blocks && !rc; b++, at += stride(m))
		rc = vhd_file_write(file, at, bitmap, bytes);
	free(bitmap);
	return rc;
}

static int make_sparse(struct vhd_file *file, const struct vhd_make *m,
		       const uint8_t *footer)
{
	uint64_t blocks =
		m->preallocate && m->type == VHD_TYPE_DYNAMIC
			? vhd_shift_up(m->size, vhd_shift_of(m->block_size))
			: 0;
	int rc = make_header(file, m);

	if (!rc)
		rc = make_table(file, m, blocks);
	if (!rc)
		rc = make_bitmaps(file, m, blocks);
	if (!rc)
		rc = vhd_file_write(
			file, vhd1_make_size(m, blocks) - VHD1_FOOTER_SIZE,
			footer, VHD1_FOOTER_SIZE);
	return rc ? rc : vhd_file_write(file, 0, footer, VHD1_FOOTER_SIZE);
}

int vhd1_make(struct vhd_file *file, const struct vhd_make *m)
{
	uint8_t footer[VHD1_FOOTER_SIZE];

	make_footer(m, footer);
	if (m->type == VHD_TYPE_FIXED)
		return vhd_file_write(file, m->size, footer, sizeof(footer));
	return make_sparse(file, m, footer);
}

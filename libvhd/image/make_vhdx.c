/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A new VHDX, laid out as Windows does it: log at 1 MiB, metadata at 2 MiB, BAT
 * at 3 MiB, blocks behind it. Untouched entries of the BAT are NOT_PRESENT and
 * stay a hole of the host file, so that 64 TiB cost nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "core/bytes.h"
#include "core/checked.h"
#include "core/utf16.h"
#include "core/vhdx_bat.h"
#include "core/vhdx_open.h"
#include "locator.h"
#include "make.h"

#include <libvhd/version.h>

#define LOG_OFFSET      VHDX_ALIGN
#define LOG_LENGTH      ((uint32_t)VHDX_ALIGN)
#define METADATA_OFFSET (2 * VHDX_ALIGN)
#define BAT_OFFSET      (3 * VHDX_ALIGN)

static uint64_t entries(const struct vhd_make *m, uint64_t size)
{
	uint8_t block = vhd_shift_of(m->block_size);
	uint8_t chunk =
		vhdx_chunk_shift(block, vhd_shift_of(m->logical_sector_size));

	return vhdx_bat_entries(vhd_shift_up(size, block), chunk,
				m->type == VHD_TYPE_DIFFERENCING);
}

static uint64_t bat_length(const struct vhd_make *m)
{
	return vhd_round_up(entries(m, vhd_max(m->size, m->reserve)) *
				    VHDX_BAT_ENTRY_SIZE,
			    VHDX_ALIGN);
}

uint64_t vhdx_make_size(const struct vhd_make *m, uint64_t blocks)
{
	return BAT_OFFSET + bat_length(m) + blocks * m->block_size;
}

static int make_identifier(struct vhd_file *file)
{
	uint8_t bytes[VHDX_IDENTIFIER_SIZE] = "vhdxfile";

	vhd_utf16_encode("libvhd " VHD_VERSION_STRING, VHD_UTF16_LE, bytes + 8,
			 VHDX_CREATOR_BYTES);
	return vhd_file_write(file, 0, bytes, sizeof(bytes));
}

static int make_headers(struct vhd_file *file, const struct vhd_make *m)
{
	struct vhdx_header header = {
		.version = 1,
		.log_offset = LOG_OFFSET,
		.log_length = LOG_LENGTH,
		.file_write_guid = m->write_guids[0],
		.data_write_guid = m->write_guids[1],
	};
	uint8_t bytes[VHDX_HEADER_SIZE];
	int rc;

	header.sequence = 1;
	vhdx_header_encode(&header, bytes);
	rc = vhd_file_write(file, VHDX_HEADER1_OFFSET, bytes, sizeof(bytes));
	if (rc)
		return rc;
	header.sequence = 2;
	vhdx_header_encode(&header, bytes);
	return vhd_file_write(file, VHDX_HEADER2_OFFSET, bytes, sizeof(bytes));
}

static int make_regions(struct vhd_file *file, const struct vhd_make *m,
			uint8_t *scratch)
{
	const struct vhdx_regions regions = {
		.bat = {.offset = BAT_OFFSET,
			.length = (uint32_t)bat_length(m)},
		.metadata = {.offset = METADATA_OFFSET,
			     .length = (uint32_t)VHDX_ALIGN},
	};
	int rc;

	vhdx_regions_encode(&regions, scratch);
	rc = vhd_file_write(file, VHDX_REGION_TABLE1, scratch,
			    VHDX_REGION_TABLE_SIZE);
	if (rc)
		return rc;
	return vhd_file_write(file, VHDX_REGION_TABLE2, scratch,
			      VHDX_REGION_TABLE_SIZE);
}

static int make_metadata(struct vhd_file *file, const struct vhd_make *m,
			 uint8_t *scratch)
{
	struct vhdx_metadata metadata = {
		.disk_size = m->size,
		.block_size = m->block_size,
		.logical_sector = m->logical_sector_size,
		.physical_sector = m->physical_sector_size,
		.leave_allocated = m->type == VHD_TYPE_FIXED,
		.has_parent = m->type == VHD_TYPE_DIFFERENCING,
		.disk_id = m->id,
	};
	const struct vhdx_linkage linkage = {.first = m->parent_link};
	uint8_t items[40];
	int rc = 0;

	if (metadata.has_parent) {
		metadata.locator_length = vhdx_name_parent(
			&linkage, m->parent_name, NULL, scratch, VHDX_SCRATCH);
		if (!metadata.locator_length)
			return VHD_E_INVALID;
		rc = vhd_file_write(file,
				    METADATA_OFFSET + VHDX_METADATA_LOCATOR,
				    scratch, metadata.locator_length);
	}
	if (rc)
		return rc;
	vhdx_metadata_encode(&metadata, scratch, items);
	rc = vhd_file_write(file, METADATA_OFFSET, scratch,
			    VHDX_METADATA_TABLE_SIZE);
	if (rc)
		return rc;
	return vhd_file_write(file, METADATA_OFFSET + VHDX_METADATA_ITEMS,
			      items, sizeof(items));
}

/* every block present, one behind the other */
static int make_bat(struct vhd_file *file, const struct vhd_make *m,
		    uint8_t *scratch)
{
	uint8_t block = vhd_shift_of(m->block_size);
	uint8_t chunk =
		vhdx_chunk_shift(block, vhd_shift_of(m->logical_sector_size));
	uint64_t blocks = vhd_shift_up(m->size, block), used = 0;
	uint64_t at = BAT_OFFSET, first = BAT_OFFSET + bat_length(m);
	int rc = 0;

	memset(scratch, 0, VHDX_SCRATCH);
	for (uint64_t b = 0; b < blocks && !rc; b++) {
		uint64_t index = vhdx_payload_index(b, chunk);
		uint64_t place = BAT_OFFSET + index * VHDX_BAT_ENTRY_SIZE;
		le64 entry =
			le64_of((first + (b << block)) | VHDX_FULLY_PRESENT);

		if (place - at + sizeof(entry) > VHDX_SCRATCH) {
			rc = vhd_file_write(file, at, scratch, (size_t)used);
			memset(scratch, 0, VHDX_SCRATCH);
			at = place;
		}
		memcpy(scratch + (place - at), &entry, sizeof(entry));
		used = place - at + sizeof(entry);
	}
	return rc ? rc : vhd_file_write(file, at, scratch, (size_t)used);
}

static int make_all(struct vhd_file *file, const struct vhd_make *m,
		    uint8_t *scratch)
{
	bool full = m->type == VHD_TYPE_FIXED || m->preallocate;
	uint64_t blocks =
		full ? vhd_shift_up(m->size, vhd_shift_of(m->block_size)) : 0;
	int rc = vhd_file_resize(file, vhdx_make_size(m, blocks));

	if (!rc)
		rc = make_regions(file, m, scratch);
	if (!rc)
		rc = make_metadata(file, m, scratch);
	if (!rc && full)
		rc = make_bat(file, m, scratch);
	if (!rc)
		rc = make_headers(file, m);
	return rc ? rc : make_identifier(file);
}

int vhdx_make(struct vhd_file *file, const struct vhd_make *m)
{
	uint8_t *scratch = malloc(VHDX_SCRATCH);
	int rc = scratch ? make_all(file, m, scratch) : VHD_E_NOMEM;

	free(scratch);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing but identifier, headers and log is looked at before the log is
 * replayed: region tables, metadata and BAT may all be stale at home.
 */
#include "vhdx_open.h"

#include "checked.h"
#include "diag.h"
#include "mem.h"
#include "vhdx_bat.h"

int vhdx_open_headers(const struct vhd_source *source, uint8_t *scratch,
		      struct vhdx_meta *meta, struct vhd_diag *diag)
{
	int rc;

	memset(meta, 0, sizeof(*meta));
	rc = vhdx_identifier_read(source, scratch, meta->creator, diag);
	if (!rc)
		rc = vhdx_header_choose(source, scratch, &meta->headers, diag);
	if (!rc && !meta->headers.other_is_valid)
		meta->conditions |= VHD_COND_HEADER_BAD;
	return rc;
}

static int make_map(const struct vhdx_meta *meta, uint64_t file_size,
		    struct vhd_map *map, struct vhd_diag *diag)
{
	const struct vhdx_metadata *md = &meta->metadata;
	const struct vhdx_region *bat = &meta->regions.bat;
	uint8_t block = vhd_shift_of(md->block_size);
	uint8_t sector = vhd_shift_of(md->logical_sector);
	uint64_t entries;

	*map = (struct vhd_map){
		.kind = VHD_MAP_VHDX,
		.size = md->disk_size,
		.blocks = vhd_shift_up(md->disk_size, block),
		.bat_offset = bat->offset,
		.limit = file_size,
		.sector_shift = sector,
		.block_shift = block,
		.chunk_shift = vhdx_chunk_shift(block, sector),
		.has_parent = md->has_parent,
	};
	entries =
		vhdx_bat_entries(map->blocks, map->chunk_shift, md->has_parent);
	if (entries > bat->length / VHDX_BAT_ENTRY_SIZE)
		return vhd_fail_value(diag, VHD_E_CORRUPT, "VHDX BAT region",
				      bat->offset,
				      "the region is too small for the % "
				      "entries the disk needs",
				      entries);
	return 0;
}

static void reserve_metadata(const struct vhdx_meta *meta, struct vhd_map *map)
{
	const struct vhdx_header *h = &meta->headers.current;
	const struct vhdx_regions *r = &meta->regions;

	vhd_map_reserve(map, 0, VHDX_ALIGN);
	if (h->log_length)
		vhd_map_reserve(map, h->log_offset, h->log_length);
	vhd_map_reserve(map, r->bat.offset, r->bat.length);
	vhd_map_reserve(map, r->metadata.offset, r->metadata.length);
	for (uint32_t i = 0; i < r->other_count; i++)
		vhd_map_reserve(map, r->other[i].offset, r->other[i].length);
}

static int read_linkage(const struct vhd_source *source, uint8_t *scratch,
			struct vhdx_meta *meta, struct vhd_diag *diag)
{
	struct vhdx_locator locator;
	int rc;

	if (!meta->metadata.has_parent)
		return 0;
	rc = vhdx_locator_read(source, &meta->metadata, scratch, VHDX_SCRATCH,
			       &locator, diag);
	if (rc)
		return rc;
	return vhdx_locator_linkage(&locator, &meta->linkage,
				    meta->metadata.locator_offset, diag);
}

int vhdx_open_body(const struct vhd_source *source, uint8_t *scratch,
		   struct vhdx_meta *meta, struct vhd_map *map,
		   struct vhd_diag *diag)
{
	int rc = vhdx_regions_read(source, &meta->headers.current, scratch,
				   &meta->regions, diag);

	if (!rc)
		rc = vhdx_metadata_read(source, &meta->regions.metadata,
					scratch, &meta->metadata, diag);
	if (!rc)
		rc = make_map(meta, source->size, map, diag);
	if (!rc)
		rc = read_linkage(source, scratch, meta, diag);
	if (rc)
		return rc;
	reserve_metadata(meta, map);
	if (meta->regions.first_bad)
		meta->conditions |= VHD_COND_REGION_BAD;
	if (meta->metadata.odd_flags)
		meta->conditions |= VHD_COND_ITEM_FLAGS;
	return 0;
}

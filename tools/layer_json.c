/* SPDX-License-Identifier: BSD-2-Clause */
/* A layer as `info --json` shows it. Keys are a contract with scripts. */
#include "layer.h"

#include <stdio.h>
#include <stdlib.h>

#include "format.h"
#include "memory.h"

#define DIRTY (VHD_COND_LOG_DIRTY | VHD_COND_LOG_INVALID)

static void put_optional_text(json_t *out, const char *key, const char *text)
{
	json_put(out, key, json_new_optional_text(text));
}

/* null where the number means "there is none" */
static void put_nonzero(json_t *out, const char *key, uint64_t value)
{
	json_put(out, key, value ? json_new_size(value) : json_null());
}

static void put_sizes(json_t *out, const struct vhd_image_info *info)
{
	json_put_size(out, "virtual-size", info->virtual_size);
	json_put_size(out, "actual-size", info->allocated_size);
	json_put_size(out, "file-size", info->file_size);
	put_nonzero(out, "block-size", info->block_size);
	if (info->block_size) /* what qemu-img calls it */
		json_put_size(out, "cluster-size", info->block_size);
	json_put_size(out, "logical-sector-size", info->logical_sector_size);
	json_put_size(out, "physical-sector-size", info->physical_sector_size);
	put_nonzero(out, "total-blocks", info->total_blocks);
}

static void put_usage(json_t *out, const struct layer *layer)
{
	static const struct {
		const char *key;
		size_t offset;
	} fields[] = {
		{"allocated-blocks",
		 offsetof(struct vhd_image_usage, allocated_blocks)},
		{"partial-blocks",
		 offsetof(struct vhd_image_usage, partial_blocks)},
		{"zero-blocks", offsetof(struct vhd_image_usage, zero_blocks)},
		{"aligned-blocks",
		 offsetof(struct vhd_image_usage, aligned_blocks)},
		{"image-end-offset", offsetof(struct vhd_image_usage, end)},
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const void *field =
			(const char *)&layer->usage + fields[i].offset;

		json_put(out, fields[i].key,
			 layer->usage_known
				 ? json_new_size(*(const uint64_t *)field)
				 : json_null());
	}
}

static json_t *creator_version(const struct vhd_image_info *info)
{
	char text[24];

	if (info->format != VHD_FORMAT_VHD)
		return json_null();
	snprintf(text, sizeof(text), "%u.%u", info->creator_version >> 16,
		 info->creator_version & 0xffff);
	return json_new_text(text);
}

static void put_identity(json_t *out, const struct vhd_image_info *info)
{
	put_optional_text(out, "id", info->id_text);
	put_optional_text(out, "link-id", info->link_id_text);
	put_optional_text(out, "creator", info->creator);
	put_optional_text(out, "creator-name", info->creator_name);
	json_put(out, "creator-version", creator_version(info));
	put_nonzero(out, "timestamp",
		    info->timestamp > 0 ? (uint64_t)info->timestamp : 0);
}

static json_t *geometry_json(const struct vhd_image_info *info)
{
	json_t *out;

	if (info->format != VHD_FORMAT_VHD)
		return json_null();
	out = json_new_object();
	json_put_size(out, "cylinders", info->cylinders);
	json_put_size(out, "heads", info->heads);
	json_put_size(out, "sectors", info->sectors);
	return out;
}

static json_t *log_json(const struct vhd_image_info *info)
{
	json_t *out;

	if (info->format != VHD_FORMAT_VHDX)
		return json_null();
	out = json_new_object();
	json_put_size(out, "offset", info->log_offset);
	json_put_size(out, "length", info->log_length);
	put_optional_text(out, "id", info->log_id_text);
	json_put_text(out, "state",
		      info->conditions & VHD_COND_LOG_INVALID ? "invalid"
		      : info->conditions & VHD_COND_LOG_DIRTY ? "dirty"
							      : "clean");
	return out;
}

static void put_structure(json_t *out, const struct vhd_image_info *info)
{
	put_nonzero(out, "bat-offset", info->bat_offset);
	json_put(out, "geometry", geometry_json(info));
	json_put(out, "log", log_json(info));
	put_nonzero(out, "header-sequence", info->header_sequence);
	put_optional_text(out, "file-write-id", info->file_write_id_text);
	json_put_bool(out, "saved-state", info->saved_state);
	json_put_bool(out, "hidden", info->hidden);
}

static json_t *host_json(const struct layer *layer)
{
	json_t *out = json_new_object();

	json_put_bool(out, "sparse",
		      layer->info.allocated_size < layer->info.file_size);
	json_put_bool(out, "compressed", layer->compressed);
	return out;
}

static json_t *conditions_json(uint32_t conditions)
{
	json_t *out = json_new_array();

	for (uint32_t bit = 1; bit; bit <<= 1) {
		const char *code = NULL, *structure = NULL, *text;
		json_t *entry;

		text = vhd_condition_text(bit, &code, &structure);
		if (!(conditions & bit) || !text)
			continue;
		entry = json_new_object();
		json_put_text(entry, "code", code);
		json_put_text(entry, "structure", structure);
		json_put_text(entry, "message", text);
		json_add(out, entry);
	}
	return out;
}

static json_t *locators_json(const struct layer *layer)
{
	struct vhd_parent_hint *hint = tool_zalloc(sizeof(*hint));
	json_t *out = json_new_array();
	int rc = 0;

	for (unsigned i = 0; rc == 0 || rc == VHD_E_NOENT; i++) {
		json_t *entry;

		rc = vhd_image_parent_hint(layer->image, i, hint);
		if (rc)
			continue;
		entry = json_new_object();
		json_put_text(entry, "key", hint->key);
		json_put_text(entry, "stored", hint->stored);
		put_optional_text(entry, "path", hint->path);
		json_put_bool(entry, "relative", hint->relative);
		json_add(out, entry);
	}
	layer_warn(layer, "the parent locators", rc);
	free(hint);
	return out;
}

static json_t *metadata_json(struct vhd_image *image)
{
	json_t *out = json_new_array();
	struct vhd_metadata_item item;

	for (unsigned i = 0; !vhd_image_metadata(image, i, &item); i++) {
		json_t *entry;

		if (!item.user)
			continue;
		entry = json_new_object();
		json_put_text(entry, "id", item.id_text);
		json_put_size(entry, "length", item.length);
		json_put_bool(entry, "virtual-disk", item.virtual_disk);
		json_add(out, entry);
	}
	return out;
}

/* The parent once more, as qemu-img says it of its own formats. */
static void put_backing(json_t *out, const struct layer *layer)
{
	char *recorded;

	if (layer->link.verdict == CHAIN_BASE)
		return;
	recorded = chain_recorded_path(layer->image);
	json_put_text(out, "backing-filename", recorded);
	free(recorded);
	if (layer->link.verdict == CHAIN_MATCH)
		json_put_text(out, "full-backing-filename", layer->link.path);
	json_put_text(out, "backing-filename-format",
		      format_name(layer->info.format));
}

json_t *layer_parent_json(const struct layer *layer)
{
	const struct chain_link *link = &layer->link;
	json_t *out;

	if (link->verdict == CHAIN_BASE)
		return json_null();
	out = json_new_object();
	put_optional_text(out, "path", link->path);
	put_optional_text(out, "id", layer->info.parent_id_text);
	json_put_bool(out, "resolved", link->verdict == CHAIN_MATCH);
	put_optional_text(out, "reason",
			  link->verdict == CHAIN_MATCH ? "" : link->why.text);
	return out;
}

json_t *layer_json(const struct layer *layer)
{
	const struct vhd_image_info *info = &layer->info;
	json_t *out = json_new_object();

	json_put_text(out, "filename", layer->path);
	json_put_text(out, "format", format_name(info->format));
	json_put_text(out, "type", format_type_name(info->type));
	put_sizes(out, info);
	put_usage(out, layer);
	put_identity(out, info);
	json_put_bool(out, "dirty-flag", info->conditions & DIRTY);
	json_put(out, "parent", layer_parent_json(layer));
	put_backing(out, layer);
	json_put_size(out, "chain-length", layer->chain_length);
	json_put(out, "parent-locators", locators_json(layer));
	json_put(out, "user-metadata", metadata_json(layer->image));
	put_structure(out, info);
	json_put(out, "host-file", host_json(layer));
	json_put(out, "conditions", conditions_json(info->conditions));
	return out;
}

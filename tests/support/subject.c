/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checked.h"
#include "core/vhdx_bat.h"
#include "support/vhd1_image.h"
#include "support/vhdx_image.h"

#define MIB ((uint32_t)1 << 20)
#define KIB ((uint32_t)1 << 10)

const struct subject subjects[] = {
	{"vhdx-dynamic", VHD_FORMAT_VHDX, VHD_TYPE_DYNAMIC, MIB, 512,
	 4 * MIB + 512 * KIB},
	{"vhdx-dynamic-2m", VHD_FORMAT_VHDX, VHD_TYPE_DYNAMIC, 2 * MIB, 512,
	 7 * MIB - 4096},
	{"vhdx-dynamic-4k", VHD_FORMAT_VHDX, VHD_TYPE_DYNAMIC, MIB, 4096,
	 3 * MIB + 64 * KIB},
	{"vhdx-differencing", VHD_FORMAT_VHDX, VHD_TYPE_DIFFERENCING, MIB, 512,
	 4 * MIB + 512 * KIB},
	{"vhdx-differencing-4k", VHD_FORMAT_VHDX, VHD_TYPE_DIFFERENCING, MIB,
	 4096, 3 * MIB + 64 * KIB},
	{"vhdx-fixed", VHD_FORMAT_VHDX, VHD_TYPE_FIXED, MIB, 512, 3 * MIB},
	{"vhd-dynamic", VHD_FORMAT_VHD, VHD_TYPE_DYNAMIC, 512 * KIB, 512,
	 4 * MIB + 128 * KIB},
	{"vhd-dynamic-2m", VHD_FORMAT_VHD, VHD_TYPE_DYNAMIC, 2 * MIB, 512,
	 5 * MIB},
	{"vhd-dynamic-64k", VHD_FORMAT_VHD, VHD_TYPE_DYNAMIC, 64 * KIB, 512,
	 3 * MIB + 512},
	{"vhd-differencing-64k", VHD_FORMAT_VHD, VHD_TYPE_DIFFERENCING,
	 64 * KIB, 512, 3 * MIB + 512},
	{"vhd-differencing", VHD_FORMAT_VHD, VHD_TYPE_DIFFERENCING, 512 * KIB,
	 512, 4 * MIB + 128 * KIB},
	{"vhdx-dynamic-36m", VHD_FORMAT_VHDX, VHD_TYPE_DYNAMIC, MIB, 512,
	 36 * MIB},
	{"vhd-fixed", VHD_FORMAT_VHD, VHD_TYPE_FIXED, 0, 512, 2 * MIB},
	{"raw", VHD_FORMAT_RAW, VHD_TYPE_FIXED, 0, 512, 2 * MIB},
};
const size_t subject_count = sizeof(subjects) / sizeof(subjects[0]);

static const char parent_guid[] = "0badcafe-0000-0000-0000-00000000000b";

const struct subject *subject_find(const char *name)
{
	for (size_t i = 0; i < subject_count; i++)
		if (strcmp(subjects[i].name, name) == 0)
			return &subjects[i];
	return NULL;
}

static struct cow *taken(struct sparse *file)
{
	struct cow *c = cow_of_sparse(file);

	sparse_free(file);
	return c;
}

static struct vhdx_image make_vhdx(const struct subject *s, bool child)
{
	static const char linkage[] = "{0badcafe-0000-0000-0000-00000000000b}";
	static const struct vhdx_key keys[] = {
		{"parent_linkage", linkage},
		{"relative_path", ".\\parent.vhdx"},
	};
	struct vhdx_spec spec = {
		.size = s->size,
		.block_size = s->block,
		.logical_sector = s->sector,
		.physical_sector = s->sector,
		.keys = child ? keys : NULL,
		.key_count = child ? 2 : 0,
		.data_write_guid = child ? NULL : parent_guid,
	};
	struct vhdx_image image = vhdx_image_new(&spec);

	if (s->type != VHD_TYPE_FIXED)
		return image;
	for (uint64_t b = 0; b < s->size / s->block; b++)
		vhdx_add_block(&image, b, VHDX_FULLY_PRESENT);
	sparse_put_le32(image.file,
			vhdx_item_value(&image, VHDX_PLACE_PARAMETERS) + 4, 1);
	return image;
}

static struct vhd1_image make_vhd1(const struct subject *s, int type,
				   uint8_t id, uint8_t parent)
{
	struct vhd1_spec spec = {
		.type = (uint32_t)type,
		.size = s->size,
		.block_size = s->block,
		.id = id,
		.parent_id = parent,
		.parent_name = parent ? "parent.vhd" : NULL,
	};

	return vhd1_image_new(&spec);
}

static struct cow *make_image(const struct subject *s)
{
	bool child = s->type == VHD_TYPE_DIFFERENCING;

	if (s->format == VHD_FORMAT_VHDX)
		return taken(make_vhdx(s, child).file);
	if (s->format == VHD_FORMAT_VHD)
		return taken(make_vhd1(s, s->type, 16, child ? 77 : 0).file);
	return taken(sparse_new(s->size));
}

/* three of every eight KiB, and no block but the first two and the last */
bool subject_parent_holds(const struct subject *s, uint64_t offset)
{
	uint64_t block = offset / s->block, last = (s->size - 1) / s->block;

	return (block < 2 || block == last) && offset / 1024 % 8 < 3;
}

static void fill_parent(const struct subject *s, struct sparse *file,
			uint64_t block, uint64_t data)
{
	uint64_t start = block * s->block;
	uint64_t end = vhd_min(start + s->block, s->size);
	uint8_t sector[ORACLE_SECTOR];

	for (uint64_t at = start; at < end; at += sizeof(sector)) {
		if (!subject_parent_holds(s, at))
			continue;
		oracle_content(at, sizeof(sector), ORACLE_PARENT, sector);
		sparse_put(file, data + at - start, sector, sizeof(sector));
	}
}

static struct cow *make_parent(const struct subject *s)
{
	struct vhdx_image vhdx = {0};
	struct vhd1_image vhd1 = {0};
	bool is_vhdx = s->format == VHD_FORMAT_VHDX;

	if (is_vhdx)
		vhdx = make_vhdx(s, false);
	else
		vhd1 = make_vhd1(s, VHD_TYPE_DYNAMIC, 77, 0);
	for (uint64_t b = 0; b * s->block < s->size; b++) {
		if (!subject_parent_holds(s, b * s->block))
			continue;
		if (is_vhdx)
			fill_parent(
				s, vhdx.file, b,
				vhdx_add_block(&vhdx, b, VHDX_FULLY_PRESENT));
		else
			fill_parent(s, vhd1.file, b, vhd1_add_block(&vhd1, b));
	}
	return taken(is_vhdx ? vhdx.file : vhd1.file);
}

/* Images are made once, as tests need them thousands of times. */
#define SUBJECTS (sizeof(subjects) / sizeof(subjects[0]))
static struct cow *images[SUBJECTS];
static struct cow *parents[SUBJECTS];

struct cow *subject_make(const struct subject *s)
{
	struct cow **slot = &images[s - subjects];

	if (!*slot)
		*slot = make_image(s);
	return cow_copy(*slot);
}

struct cow *subject_parent(const struct subject *s)
{
	struct cow **slot = &parents[s - subjects];

	if (s->type != VHD_TYPE_DIFFERENCING)
		return NULL;
	if (!*slot)
		*slot = make_parent(s);
	return cow_copy(*slot);
}

struct oracle *subject_oracle(const struct subject *s)
{
	struct oracle *o = oracle_new(s->size);

	o->version = ORACLE_PARENT;
	if (s->type != VHD_TYPE_DIFFERENCING)
		return o;
	for (uint64_t at = 0; at < s->size; at += ORACLE_SECTOR)
		if (subject_parent_holds(s, at))
			oracle_set(o, at, ORACLE_SECTOR, ORACLE_PARENT);
	oracle_flushed(o);
	return o;
}

static int find_parent(void *ctx, struct vhd_image *child, unsigned depth,
		       struct vhd_file **file, char *name, size_t size)
{
	(void)child;
	if (depth || !ctx)
		return VHD_E_PARENT;
	snprintf(name, size, "parent");
	return cow_file_new(ctx, false, file);
}

int subject_open(const struct subject *s, struct vhd_file *file,
		 struct cow *parent, bool writable, struct vhd_disk **out,
		 struct vhd_diag *diag)
{
	struct vhd_disk_options options = {
		.size = sizeof(options),
		.format = s->format,
		.flags = writable ? VHD_DISK_WRITE : VHD_DISK_VERIFY,
		.find_parent = find_parent,
		.find_parent_ctx = parent,
	};

	return vhd_disk_open_file(file, s->name, &options, out, diag);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The metadata table. User items live in a name space of their own: a known
 * GUID with IsUser set is not that system item.
 */
#include "vhdx_metadata.h"

#include "checked.h"
#include "diag.h"
#include "guid.h"
#include "mem.h"

#define PAGE      4096u
#define NOT_FOUND UINT32_MAX

static const char structure[] = "VHDX metadata table";

/* length 0 means variable */
struct known_item {
	struct vhd_guid id;
	const char *name;
	uint32_t length;
	uint32_t flags;
	bool mandatory;
};

/* clang-format off */
static const struct known_item known[VHDX_ITEM_COUNT] = {
	[VHDX_ITEM_FILE_PARAMETERS] = {
		{{0x37, 0x67, 0xA1, 0xCA, 0x36, 0xFA, 0x43, 0x4D,
		  0xB3, 0xB6, 0x33, 0xF0, 0xAA, 0x44, 0xE7, 0x6B}},
		"File Parameters", 8, 4, true},
	[VHDX_ITEM_DISK_SIZE] = {
		{{0x24, 0x42, 0xA5, 0x2F, 0x1B, 0xCD, 0x76, 0x48,
		  0xB2, 0x11, 0x5D, 0xBE, 0xD8, 0x3B, 0xF4, 0xB8}},
		"Virtual Disk Size", 8, 6, true},
	[VHDX_ITEM_DISK_ID] = {
		{{0xAB, 0x12, 0xCA, 0xBE, 0xE6, 0xB2, 0x23, 0x45,
		  0x93, 0xEF, 0xC3, 0x09, 0xE0, 0x00, 0xC7, 0x46}},
		"Virtual Disk ID", 16, 6, true},
	[VHDX_ITEM_LOGICAL_SECTOR] = {
		{{0x1D, 0xBF, 0x41, 0x81, 0x6F, 0xA9, 0x09, 0x47,
		  0xBA, 0x47, 0xF2, 0x33, 0xA8, 0xFA, 0xAB, 0x5F}},
		"Logical Sector Size", 4, 6, true},
	[VHDX_ITEM_PHYSICAL_SECTOR] = {
		{{0xC7, 0x48, 0xA3, 0xCD, 0x5D, 0x44, 0x71, 0x44,
		  0x9C, 0xC9, 0xE9, 0x88, 0x52, 0x51, 0xC5, 0x56}},
		"Physical Sector Size", 4, 6, true},
	[VHDX_ITEM_PARENT_LOCATOR] = {
		{{0x2D, 0x5F, 0xD3, 0xA8, 0x0B, 0xB3, 0x4D, 0x45,
		  0xAB, 0xF7, 0xD3, 0xD8, 0x48, 0x34, 0xAB, 0x0C}},
		"Parent Locator", 0, 4, false},
	[VHDX_ITEM_CHS] = {
		{{0xBC, 0xD7, 0x02, 0xDA, 0x3A, 0x3D, 0x3C, 0x42,
		  0xAC, 0x88, 0x2A, 0x36, 0xAB, 0x21, 0x47, 0x9B}},
		"CHS parameters", 0, 0, false},
	[VHDX_ITEM_INCOMPLETE] = {
		{{0xF0, 0x85, 0xCC, 0x71, 0x69, 0x1B, 0x28, 0x4E,
		  0x95, 0x58, 0xC3, 0xBF, 0x83, 0xAE, 0x75, 0xD3}},
		"Incomplete File", 0, 4, false},
	[VHDX_ITEM_PMEM_LABEL] = {
		{{0x8A, 0xAE, 0xE1, 0x10, 0x7E, 0x4B, 0x69, 0x41,
		  0xA4, 0x0F, 0xCD, 0x70, 0xDE, 0x92, 0x83, 0x93}},
		"PMEM label storage", 0, 0, false},
};
/* clang-format on */

/* what the steps below share; slot[i] is the table index of known item i */
struct reading {
	const struct vhd_source *source;
	const struct vhdx_region *region;
	uint8_t *table;
	uint32_t count;
	uint32_t slot[VHDX_ITEM_COUNT];
	struct vhd_diag *diag;
};

static uint32_t find_known(const struct vhd_guid *id)
{
	for (uint32_t i = 0; i < VHDX_ITEM_COUNT; i++)
		if (vhd_guid_equal(&known[i].id, id))
			return i;
	return NOT_FOUND;
}

const char *vhdx_item_name(const struct vhd_guid *id)
{
	uint32_t i = find_known(id);

	return i == NOT_FOUND ? NULL : known[i].name;
}

const struct vhd_guid *vhdx_item_id(enum vhdx_item item, uint32_t *flags)
{
	*flags = known[item].flags;
	return &known[item].id;
}

struct vhdx_metadata_entry vhdx_metadata_entry(const uint8_t *table,
					       uint32_t index)
{
	const struct vhdx_metadata_entry_disk *disk =
		(const void *)(table + sizeof(struct vhdx_metadata_table_disk) +
			       index * sizeof(struct vhdx_metadata_entry_disk));
	struct vhdx_metadata_entry entry = {
		.offset = le32_get(disk->offset),
		.length = le32_get(disk->length),
		.flags = le32_get(disk->flags),
	};

	memcpy(entry.id.b, disk->id, 16);
	return entry;
}

static uint64_t entry_at(const struct reading *r, uint32_t index)
{
	return r->region->offset + sizeof(struct vhdx_metadata_table_disk) +
	       index * sizeof(struct vhdx_metadata_entry_disk);
}

static int fail_entry(const struct reading *r, uint32_t index, int error,
		      const char *text)
{
	return vhd_fail(r->diag, error, structure, entry_at(r, index), text);
}

/* the first page, then the rest if the count says there is more */
static int read_table(struct reading *r)
{
	const struct vhdx_metadata_table_disk *disk = (const void *)r->table;
	uint64_t at = r->region->offset, bytes;
	int rc = vhd_source_read(r->source, at, r->table, PAGE);

	if (rc)
		return vhd_fail(r->diag, rc, structure, at, "cannot be read");
	if (memcmp(disk->signature, "metadata", 8) != 0)
		return vhd_fail(r->diag, VHD_E_CORRUPT, structure, at,
				"the signature 'metadata' is missing");
	r->count = le16_get(disk->count);
	if (r->count > VHDX_METADATA_COUNT_MAX)
		return vhd_fail_value(r->diag, VHD_E_CORRUPT, structure, at,
				      "% entries are more than the limit of "
				      "2047",
				      r->count);
	bytes = vhd_round_up(
		(r->count + 1) * sizeof(struct vhdx_metadata_entry_disk), PAGE);
	if (bytes <= PAGE)
		return 0;
	rc = vhd_source_read(r->source, at + PAGE, r->table + PAGE,
			     (size_t)bytes - PAGE);
	if (rc)
		return vhd_fail(r->diag, rc, structure, at, "cannot be read");
	return 0;
}

/* MD-2, MD-6, MD-7, MD-8 */
static int check_entry(const struct reading *r, uint32_t index)
{
	struct vhdx_metadata_entry e = vhdx_metadata_entry(r->table, index);

	if (vhd_guid_is_null(&e.id))
		return fail_entry(r, index, VHD_E_CORRUPT,
				  "an item has a null id");
	if (e.flags > 7)
		return fail_entry(r, index, VHD_E_CORRUPT,
				  "reserved flags are set");
	if ((e.flags & VHDX_ITEM_USER) && (e.flags & VHDX_ITEM_REQUIRED))
		return fail_entry(r, index, VHD_E_CORRUPT,
				  "a user item is marked as required");
	if (e.length > VHDX_METADATA_ITEM_MAX ||
	    (e.length == 0 && e.offset != 0) ||
	    (e.length != 0 &&
	     (e.offset < VHDX_METADATA_TABLE_SIZE ||
	      !vhd_inside(e.offset, e.length, r->region->length))))
		return fail_entry(r, index, VHD_E_CORRUPT,
				  "an item lies outside the metadata region");
	return 0;
}

/* MD-3, MD-4; 2047 entries at most, so pairs are cheap enough */
static int check_pairs(const struct reading *r, uint32_t index)
{
	struct vhdx_metadata_entry e = vhdx_metadata_entry(r->table, index);

	for (uint32_t i = 0; i < index; i++) {
		struct vhdx_metadata_entry o = vhdx_metadata_entry(r->table, i);

		if (vhd_guid_equal(&e.id, &o.id) &&
		    !((e.flags ^ o.flags) & VHDX_ITEM_USER))
			return fail_entry(r, index, VHD_E_CORRUPT,
					  "an item is listed twice");
		if (vhd_overlap(e.offset, (uint64_t)e.offset + e.length,
				o.offset, (uint64_t)o.offset + o.length))
			return fail_entry(r, index, VHD_E_CORRUPT,
					  "two items overlap");
	}
	return 0;
}

/* MD-5, MD-10 */
static int check_totals(const struct reading *r)
{
	uint64_t bytes[2] = {0, 0};
	uint32_t users = 0;

	for (uint32_t i = 0; i < r->count; i++) {
		struct vhdx_metadata_entry e = vhdx_metadata_entry(r->table, i);

		users += e.flags & VHDX_ITEM_USER;
		bytes[e.flags & VHDX_ITEM_USER] += e.length;
	}
	if (users > VHDX_METADATA_USER_MAX ||
	    r->count - users >= VHDX_METADATA_USER_MAX)
		return vhd_fail(r->diag, VHD_E_CORRUPT, structure,
				r->region->offset, "too many items");
	if (bytes[0] > VHDX_METADATA_BYTES_MAX ||
	    bytes[1] > VHDX_METADATA_BYTES_MAX ||
	    r->region->length > VHDX_METADATA_REGION_MAX)
		return vhd_fail(r->diag, VHD_E_LIMIT, structure,
				r->region->offset,
				"more metadata than this program handles");
	return 0;
}

/* MD-9, MD-11: remembers where the known items are */
static int note_known(struct reading *r, uint32_t index, bool *odd_flags)
{
	struct vhdx_metadata_entry e = vhdx_metadata_entry(r->table, index);
	uint32_t item = find_known(&e.id);

	if (e.flags & VHDX_ITEM_USER)
		return 0;
	if (item == NOT_FOUND)
		return e.flags & VHDX_ITEM_REQUIRED
			       ? fail_entry(r, index, VHD_E_UNSUPPORTED,
					    "a required item is of an unknown "
					    "kind")
			       : 0;
	if (item == VHDX_ITEM_INCOMPLETE)
		return fail_entry(r, index, VHD_E_UNSUPPORTED,
				  "the file is incomplete: the program that "
				  "made it did not finish");
	if (known[item].length && e.length != known[item].length)
		return fail_entry(r, index, VHD_E_CORRUPT,
				  "a known item has the wrong length");
	if (known[item].flags && e.flags != known[item].flags)
		*odd_flags = true;
	r->slot[item] = index;
	return 0;
}

static int check_table(struct reading *r, bool *odd_flags)
{
	int rc = check_totals(r);

	for (uint32_t i = 0; i < r->count && !rc; i++) {
		rc = check_entry(r, i);
		if (!rc)
			rc = check_pairs(r, i);
		if (!rc)
			rc = note_known(r, i, odd_flags);
	}
	for (uint32_t i = 0; i < VHDX_ITEM_COUNT && !rc; i++)
		if (known[i].mandatory && r->slot[i] == NOT_FOUND)
			rc = vhd_fail(r->diag, VHD_E_CORRUPT, structure,
				      r->region->offset,
				      "a mandatory item is missing");
	return rc;
}

static int read_item(const struct reading *r, enum vhdx_item item, void *buf)
{
	struct vhdx_metadata_entry e =
		vhdx_metadata_entry(r->table, r->slot[item]);
	uint64_t at = r->region->offset + e.offset;
	int rc = vhd_source_read(r->source, at, buf, e.length);

	if (rc)
		return vhd_fail(r->diag, rc, known[item].name, at,
				"cannot be read");
	return 0;
}

static int fail_item(const struct reading *r, enum vhdx_item item,
		     const char *text, uint64_t value)
{
	struct vhdx_metadata_entry e =
		vhdx_metadata_entry(r->table, r->slot[item]);

	return vhd_fail_value(r->diag, VHD_E_CORRUPT, known[item].name,
			      r->region->offset + e.offset, text, value);
}

static int read_sectors(const struct reading *r, struct vhdx_metadata *out)
{
	le32 logical, physical;
	int rc = read_item(r, VHDX_ITEM_LOGICAL_SECTOR, &logical);

	if (!rc)
		rc = read_item(r, VHDX_ITEM_PHYSICAL_SECTOR, &physical);
	if (rc)
		return rc;
	out->logical_sector = le32_get(logical);
	out->physical_sector = le32_get(physical);
	if (out->logical_sector != 512 && out->logical_sector != 4096)
		return fail_item(r, VHDX_ITEM_LOGICAL_SECTOR,
				 "a logical sector of % bytes; only 512 and "
				 "4096 exist",
				 out->logical_sector);
	if (out->physical_sector != 512 && out->physical_sector != 4096)
		return fail_item(r, VHDX_ITEM_PHYSICAL_SECTOR,
				 "a physical sector of % bytes; only 512 and "
				 "4096 exist",
				 out->physical_sector);
	return 0;
}

static int read_parameters(const struct reading *r, struct vhdx_metadata *out)
{
	struct {
		le32 block_size;
		le32 bits;
	} disk;
	int rc = read_item(r, VHDX_ITEM_FILE_PARAMETERS, &disk);

	if (rc)
		return rc;
	out->block_size = le32_get(disk.block_size);
	out->leave_allocated = le32_get(disk.bits) & 1;
	out->has_parent = le32_get(disk.bits) & 2;
	if (!vhd_is_pow2(out->block_size) || out->block_size < VHDX_BLOCK_MIN ||
	    out->block_size > VHDX_BLOCK_MAX)
		return fail_item(r, VHDX_ITEM_FILE_PARAMETERS,
				 "block size % is no power of two from 1 MiB "
				 "to 256 MiB",
				 out->block_size);
	return 0;
}

static int read_size(const struct reading *r, struct vhdx_metadata *out)
{
	le64 disk;
	int rc = read_item(r, VHDX_ITEM_DISK_SIZE, &disk);

	if (rc)
		return rc;
	out->disk_size = le64_get(disk);
	if (!out->disk_size || out->disk_size > VHDX_DISK_MAX)
		return fail_item(r, VHDX_ITEM_DISK_SIZE,
				 "a disk of % bytes; 1 sector to 64 TiB is "
				 "possible",
				 out->disk_size);
	if (!vhd_is_aligned(out->disk_size, out->logical_sector))
		return fail_item(r, VHDX_ITEM_DISK_SIZE,
				 "% bytes are no whole number of sectors",
				 out->disk_size);
	return 0;
}

static int find_locator(const struct reading *r, struct vhdx_metadata *out)
{
	struct vhdx_metadata_entry e;

	if (!out->has_parent)
		return 0;
	if (r->slot[VHDX_ITEM_PARENT_LOCATOR] == NOT_FOUND)
		return vhd_fail(r->diag, VHD_E_CORRUPT, structure,
				r->region->offset,
				"the disk has a parent but no parent locator");
	e = vhdx_metadata_entry(r->table, r->slot[VHDX_ITEM_PARENT_LOCATOR]);
	out->locator_offset = r->region->offset + e.offset;
	out->locator_length = e.length;
	return 0;
}

int vhdx_metadata_read(const struct vhd_source *source,
		       const struct vhdx_region *region,
		       uint8_t scratch[VHDX_METADATA_TABLE_SIZE],
		       struct vhdx_metadata *out, struct vhd_diag *diag)
{
	struct reading r = {source, region, scratch, 0, {0}, diag};
	int rc;

	*out = (struct vhdx_metadata){0};
	for (uint32_t i = 0; i < VHDX_ITEM_COUNT; i++)
		r.slot[i] = NOT_FOUND;
	rc = read_table(&r);
	if (!rc)
		rc = check_table(&r, &out->odd_flags);
	if (!rc)
		rc = read_sectors(&r, out);
	if (!rc)
		rc = read_parameters(&r, out);
	if (!rc)
		rc = read_size(&r, out);
	if (!rc)
		rc = read_item(&r, VHDX_ITEM_DISK_ID, out->disk_id.b);
	if (!rc)
		rc = find_locator(&r, out);
	return rc;
}

uint32_t vhdx_metadata_count(const uint8_t *table)
{
	const struct vhdx_metadata_table_disk *disk = (const void *)table;

	return le16_get(disk->count);
}

uint32_t vhdx_metadata_usual_flags(uint8_t *table, uint32_t index)
{
	struct vhdx_metadata_entry e = vhdx_metadata_entry(table, index);
	uint32_t item = find_known(&e.id);
	uint32_t offset =
		(uint32_t)(sizeof(struct vhdx_metadata_table_disk) +
			   index * sizeof(struct vhdx_metadata_entry_disk) +
			   offsetof(struct vhdx_metadata_entry_disk, flags));
	le32 flags;

	if ((e.flags & VHDX_ITEM_USER) || item == NOT_FOUND ||
	    !known[item].flags || known[item].flags == e.flags)
		return 0;
	flags = le32_of(known[item].flags);
	memcpy(table + offset, &flags, sizeof(flags));
	return offset;
}

static void encode_entry(uint8_t *table, uint32_t index, enum vhdx_item item,
			 uint32_t offset, uint32_t length)
{
	struct vhdx_metadata_entry_disk *disk =
		(void *)(table + sizeof(struct vhdx_metadata_table_disk) +
			 index * sizeof(struct vhdx_metadata_entry_disk));

	memcpy(disk->id, known[item].id.b, 16);
	disk->offset = le32_of(offset);
	disk->length = le32_of(length);
	disk->flags = le32_of(known[item].flags);
}

static void encode_items(const struct vhdx_metadata *m, uint8_t items[40])
{
	le32 block = le32_of(m->block_size);
	le32 bits = le32_of((uint32_t)(m->leave_allocated ? 1 : 0) |
			    (m->has_parent ? 2 : 0));
	le64 size = le64_of(m->disk_size);
	le32 logical = le32_of(m->logical_sector);
	le32 physical = le32_of(m->physical_sector);

	memcpy(items, &block, 4);
	memcpy(items + 4, &bits, 4);
	memcpy(items + 8, &size, 8);
	memcpy(items + 16, &logical, 4);
	memcpy(items + 20, &physical, 4);
	memcpy(items + 24, m->disk_id.b, 16);
}

void vhdx_metadata_encode(const struct vhdx_metadata *m,
			  uint8_t table[VHDX_METADATA_TABLE_SIZE],
			  uint8_t items[40])
{
	struct vhdx_metadata_table_disk *disk = (void *)table;
	uint32_t at = VHDX_METADATA_ITEMS;

	memset(table, 0, VHDX_METADATA_TABLE_SIZE);
	memcpy(disk->signature, "metadata", 8);
	disk->count = le16_of(m->has_parent ? 6 : 5);
	encode_entry(table, 0, VHDX_ITEM_FILE_PARAMETERS, at, 8);
	encode_entry(table, 1, VHDX_ITEM_DISK_SIZE, at + 8, 8);
	encode_entry(table, 2, VHDX_ITEM_LOGICAL_SECTOR, at + 16, 4);
	encode_entry(table, 3, VHDX_ITEM_PHYSICAL_SECTOR, at + 20, 4);
	encode_entry(table, 4, VHDX_ITEM_DISK_ID, at + 24, 16);
	if (m->has_parent)
		encode_entry(table, 5, VHDX_ITEM_PARENT_LOCATOR,
			     VHDX_METADATA_LOCATOR, m->locator_length);
	encode_items(m, items);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * FAT12, FAT16 and FAT32, after Microsoft's "FAT32 File System Specification":
 * the first sector, and names in directories.
 *
 * A long name stands in front of its short entry, in pieces of 13 units, the
 * last piece first; it counts if the pieces are all there and carry the
 * checksum of that short name.
 */
#include "core/bytes.h"
#include "core/checked.h"
#include "core/diag.h"
#include "core/mem.h"
#include "parts.h"

#define DIRECTORY_MAX (2u << 20) /* bytes */
#define DELETED       0xe5
#define READ_ONLY_ETC 0x0f /* the attributes of a piece of a long name */
#define VOLUME_LABEL  0x08
#define SUBDIRECTORY  0x10
#define LAST_PIECE    0x40
#define PIECE_UNITS   13u

struct fat_boot {
	uint8_t jump[3];
	uint8_t oem[8];
	le16 sector_size;
	uint8_t cluster_sectors;
	le16 reserved;
	uint8_t fats;
	le16 root_entries;
	le16 sectors16;
	uint8_t media;
	le16 fat_sectors16;
	uint8_t geometry[8];
	le32 sectors32;
	union {
		struct {
			uint8_t drive[3];
			le32 serial;
		} old;
		struct {
			le32 fat_sectors;
			le16 flags;
			le16 version;
			le32 root;
			uint8_t unused[19];
			le32 serial;
		} fat32;
	} u;
};

struct fat_entry {
	uint8_t name[11];
	uint8_t attributes;
	uint8_t times[8];
	le16 cluster_high;
	uint8_t modified[4];
	le16 cluster_low;
	le32 size;
};

_Static_assert(sizeof(struct fat_boot) == 71, "layout");
_Static_assert(sizeof(struct fat_entry) == HOSTFS_ENTRY, "layout");

/* -- the first sector --------------------------------------------------------
 */

static int bad(struct vhd_diag *diag, const char *text)
{
	return vhd_fail(diag, VHD_E_CORRUPT, "FAT boot sector", 0, text);
}

/* how many clusters the table has entries for */
static uint64_t table_holds(enum hostfs_kind kind, uint64_t bytes)
{
	uint64_t units = bytes;

	if (kind == HOSTFS_FAT12) /* at most 4085 clusters: 6 KiB */
		units = (uint32_t)vhd_min(bytes, 8192) * 2 / 3;
	else
		units = kind == HOSTFS_FAT16 ? bytes / 2 : bytes / 4;
	return units > 2 ? units - 2 : 0;
}

/* FAT32 is told by its 32-bit length of the table, the others by their size */
static enum hostfs_kind kind_of(const struct fat_boot *b, uint64_t clusters)
{
	if (!le16_get(b->fat_sectors16))
		return HOSTFS_FAT32;
	return clusters < 4085 ? HOSTFS_FAT12 : HOSTFS_FAT16;
}

/* which copy of the table counts, or -1 */
static int active_fat(const struct fat_boot *b)
{
	uint16_t flags = le16_get(b->u.fat32.flags);

	if (le16_get(b->fat_sectors16) || !(flags & 0x80))
		return 0;
	return (flags & 15) < b->fats ? flags & 15 : -1;
}

static bool is_sound(const struct fat_boot *b)
{
	uint16_t size = le16_get(b->sector_size);

	return size >= HOSTFS_SECTOR_MIN && size <= HOSTFS_PAGE &&
	       vhd_is_pow2(size) && vhd_is_pow2(b->cluster_sectors) &&
	       le16_get(b->reserved) && b->fats && active_fat(b) >= 0;
}

/* sectors, turned into places; `shift` is that of a sector */
static int lay_out(struct hostfs *fs, const struct fat_boot *b, uint8_t shift,
		   struct vhd_diag *diag)
{
	uint64_t table = le16_get(b->fat_sectors16);
	uint64_t total = le16_get(b->sectors16);
	uint64_t root = (uint64_t)le16_get(b->root_entries) * HOSTFS_ENTRY;
	uint64_t start, clusters;

	if (!table)
		table = le32_get(b->u.fat32.fat_sectors);
	if (!total)
		total = le32_get(b->sectors32);
	start = le16_get(b->reserved) + table * b->fats;
	fs->root_offset = start << shift;
	fs->root_bytes = (uint32_t)root;
	start += vhd_shift_up(root, shift);
	if (!table || total <= start || total > fs->volume.size >> shift)
		return bad(diag, "the volume is smaller than it says");
	clusters = (total - start) >> vhd_shift_of(b->cluster_sectors);
	fs->kind = kind_of(b, clusters);
	fs->fat_offset =
		(le16_get(b->reserved) + table * (uint64_t)active_fat(b))
		<< shift;
	fs->heap_offset = start << shift;
	clusters = vhd_min(clusters, table_holds(fs->kind, table << shift));
	fs->clusters = (uint32_t)vhd_min(clusters, 0x0ffffff4);
	if (fs->kind == HOSTFS_FAT16 && fs->clusters >= 65525)
		return bad(diag, "there are too many clusters for FAT16");
	return 0;
}

int hostfs_fat_open(struct hostfs *fs, const uint8_t *sector,
		    struct vhd_diag *diag)
{
	struct fat_boot b;
	uint8_t shift;
	int rc;

	memcpy(&b, sector, sizeof(b));
	if (!is_sound(&b))
		return bad(diag, "a field has an impossible value");
	shift = vhd_shift_of(le16_get(b.sector_size));
	fs->cluster_shift = (uint8_t)(shift + vhd_shift_of(b.cluster_sectors));
	rc = lay_out(fs, &b, shift, diag);
	if (rc)
		return rc;
	fs->serial = le32_get(b.u.old.serial);
	if (fs->kind != HOSTFS_FAT32)
		return 0;
	fs->serial = le32_get(b.u.fat32.serial);
	fs->root_cluster = le32_get(b.u.fat32.root);
	if (!hostfs_is_cluster(fs, fs->root_cluster))
		return bad(diag, "the root directory is not on the volume");
	return 0;
}

/* -- names -------------------------------------------------------------------
 */

struct long_name {
	uint8_t left; /* pieces that are missing; 0 when complete */
	uint8_t sum;
	bool same; /* all seen so far is as in fs->name */
};

static uint8_t checksum(const uint8_t *name)
{
	uint8_t sum = 0;

	for (int i = 0; i < 11; i++)
		sum = (uint8_t)((uint8_t)(sum << 7 | sum >> 1) + name[i]);
	return sum;
}

/* unit `i` of a piece: they lie in three groups */
static uint16_t piece_unit(const uint8_t *piece, uint32_t i)
{
	uint32_t at = i < 5    ? 1 + 2 * i
		      : i < 11 ? 14 + 2 * (i - 5)
			       : 28 + 2 * (i - 11);

	return (uint16_t)(piece[at] | piece[at + 1] << 8);
}

static bool piece_same(const struct hostfs *fs, const uint8_t *piece,
		       uint32_t first)
{
	for (uint32_t i = 0; i < PIECE_UNITS && first + i <= fs->name_units;
	     i++)
		if (hostfs_fold(piece_unit(piece, i)) !=
		    hostfs_name_unit(fs, first + i))
			return false;
	return first < fs->name_units;
}

static void take_piece(const struct hostfs *fs, const uint8_t *piece,
		       struct long_name *name)
{
	uint8_t number = piece[0] & 0x3f;

	if (piece[0] & LAST_PIECE)
		*name = (struct long_name){number, piece[13], true};
	if (!number || name->left != number || name->sum != piece[13]) {
		*name = (struct long_name){0};
		return;
	}
	if (!piece_same(fs, piece, (number - 1u) * PIECE_UNITS))
		name->same = false;
	if (piece[0] & LAST_PIECE && number * PIECE_UNITS < fs->name_units)
		name->same = false;
	name->left--;
}

/* "NAME    EXT" as NAME.EXT; at least 13 bytes, returns the length */
static uint32_t short_text(const uint8_t *raw, char *out)
{
	uint32_t n = 0, end = 8;

	while (end && raw[end - 1] == ' ')
		end--;
	for (uint32_t i = 0; i < end; i++)
		out[n++] = (char)raw[i];
	for (end = 11; end > 8 && raw[end - 1] == ' ';)
		end--;
	if (end > 8)
		out[n++] = '.';
	for (uint32_t i = 8; i < end; i++)
		out[n++] = (char)raw[i];
	return n;
}

/* characters beyond ASCII are in a code page nobody knows: no match */
static bool short_same(const struct hostfs *fs, const uint8_t *raw)
{
	char text[13];
	uint32_t n = short_text(raw, text);

	if (n != fs->name_units)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)text[i];

		if (c >= 0x80 || hostfs_fold(c) != hostfs_name_unit(fs, i))
			return false;
	}
	return true;
}

static bool is_named(const struct hostfs *fs, const struct fat_entry *e,
		     const struct long_name *name)
{
	if (name->same && !name->left && name->sum == checksum(e->name))
		return true;
	return short_same(fs, e->name);
}

static int node_of(const struct hostfs *fs, const struct fat_entry *e,
		   struct hostfs_node *out)
{
	uint32_t high =
		fs->kind == HOSTFS_FAT32 ? le16_get(e->cluster_high) : 0;
	struct hostfs_node node = {
		.directory = e->attributes & SUBDIRECTORY,
		.cluster = high << 16 | le16_get(e->cluster_low),
		.size = le32_get(e->size),
	};

	if (node.directory)
		node.size = DIRECTORY_MAX;
	if (node.directory && !hostfs_is_cluster(fs, node.cluster))
		return VHD_E_CORRUPT;
	node.valid = node.size;
	*out = node;
	return 0;
}

int hostfs_fat_lookup(struct hostfs *fs, const struct hostfs_node *dir,
		      struct hostfs_node *out)
{
	struct long_name name = {0};
	struct hostfs_dir d;
	const uint8_t *raw;
	int rc;

	hostfs_dir_start(fs, dir, &d);
	while ((rc = hostfs_dir_next(fs, &d, &raw)) > 0 && raw[0]) {
		struct fat_entry e;

		memcpy(&e, raw, sizeof(e));
		if (raw[0] != DELETED && e.attributes == READ_ONLY_ETC) {
			take_piece(fs, raw, &name);
			continue;
		}
		if (raw[0] != DELETED && !(e.attributes & VOLUME_LABEL) &&
		    is_named(fs, &e, &name))
			return node_of(fs, &e, out);
		name = (struct long_name){0};
	}
	return rc < 0 ? rc : VHD_E_NOENT;
}

/* -- the label ---------------------------------------------------------------
 */

/* padded with blanks */
static int take_label(const uint8_t *raw, char out[HOSTFS_LABEL])
{
	uint32_t n = 11;

	while (n && raw[n - 1] == ' ')
		n--;
	for (uint32_t i = 0; i < n; i++)
		if (raw[i] < ' ' || raw[i] >= 0x80)
			return VHD_E_NOENT;
	memcpy(out, raw, n);
	out[n] = '\0';
	return 0;
}

int hostfs_fat_label(struct hostfs *fs, const struct hostfs_node *root,
		     char out[HOSTFS_LABEL])
{
	struct hostfs_dir d;
	const uint8_t *raw;
	int rc;

	hostfs_dir_start(fs, root, &d);
	while ((rc = hostfs_dir_next(fs, &d, &raw)) > 0 && raw[0]) {
		struct fat_entry e;

		memcpy(&e, raw, sizeof(e));
		if (raw[0] != DELETED && e.attributes != READ_ONLY_ETC &&
		    (e.attributes & (VOLUME_LABEL | SUBDIRECTORY)) ==
			    VOLUME_LABEL)
			return take_label(e.name, out);
	}
	return rc < 0 ? rc : VHD_E_NOENT;
}

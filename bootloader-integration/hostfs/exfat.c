/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exFAT, after Microsoft's "exFAT file system specification": the first sector
 * (section 3.1), and sets of entries in directories (sections 6 and 7): a file
 * entry, a stream extension, and the name in pieces of 15 units.
 */
#include "core/bytes.h"
#include "core/checked.h"
#include "core/diag.h"
#include "core/mem.h"
#include "core/utf16.h"
#include "parts.h"

#define DIRECTORY_MAX ((uint64_t)256 << 20) /* 7.4.8 */
#define LABEL_ENTRY   0x83
#define LABEL_UNITS   11u
#define FILE_ENTRY    0x85
#define STREAM        0xc0
#define NAME_PIECE    0xc1
#define PIECE_UNITS   15u
#define SUBDIRECTORY  0x10
#define ALLOCATED     0x01
#define NO_FAT_CHAIN  0x02

struct exfat_boot {
	uint8_t jump[3];
	uint8_t name[8];
	uint8_t zero[53];
	le64 partition_offset;
	le64 sectors;
	le32 fat_sector;
	le32 fat_sectors;
	le32 heap_sector;
	le32 clusters;
	le32 root;
	le32 serial;
	le16 revision;
	le16 flags;
	uint8_t sector_shift;
	uint8_t cluster_sectors_shift;
	uint8_t fats;
};

struct exfat_file {
	uint8_t type;
	uint8_t secondary;
	le16 checksum;
	le16 attributes;
	uint8_t rest[26];
};

struct exfat_stream {
	uint8_t type;
	uint8_t flags;
	uint8_t reserved1;
	uint8_t name_units;
	le16 hash;
	le16 reserved2;
	le64 valid;
	le32 reserved3;
	le32 cluster;
	le64 size;
};

struct exfat_label {
	uint8_t type;
	uint8_t units;
	uint8_t text[2 * LABEL_UNITS];
	uint8_t reserved[8];
};

_Static_assert(sizeof(struct exfat_label) == HOSTFS_ENTRY, "layout");
_Static_assert(sizeof(struct exfat_boot) == 111, "layout");
_Static_assert(sizeof(struct exfat_file) == HOSTFS_ENTRY, "layout");
_Static_assert(sizeof(struct exfat_stream) == HOSTFS_ENTRY, "layout");

/* -- the first sector --------------------------------------------------------
 */

static int bad(struct vhd_diag *diag, const char *text)
{
	return vhd_fail(diag, VHD_E_CORRUPT, "exFAT boot sector", 0, text);
}

static bool is_sound(const struct exfat_boot *b)
{
	for (size_t i = 0; i < sizeof(b->zero); i++)
		if (b->zero[i])
			return false;
	return b->sector_shift >= 9 && b->sector_shift <= 12 &&
	       b->cluster_sectors_shift <= 25 - b->sector_shift &&
	       le16_get(b->revision) >> 8 == 1 &&
	       (b->fats == 1 || b->fats == 2);
}

static int lay_out(struct hostfs *fs, const struct exfat_boot *b,
		   struct vhd_diag *diag)
{
	uint8_t shift = b->sector_shift;
	uint64_t table = (uint64_t)le32_get(b->fat_sectors) << shift;
	uint64_t size = vhd_min(le64_get(b->sectors), fs->volume.size >> shift)
			<< shift;
	uint32_t second = b->fats == 2 && le16_get(b->flags) & 1;

	fs->clusters = le32_get(b->clusters);
	fs->fat_offset = ((uint64_t)le32_get(b->fat_sector) << shift) +
			 (second ? table : 0);
	fs->heap_offset = (uint64_t)le32_get(b->heap_sector) << shift;
	if (fs->clusters > UINT32_MAX - 10 ||
	    table / 4 < (uint64_t)fs->clusters + 2 ||
	    !vhd_inside(fs->fat_offset, table, fs->heap_offset))
		return bad(diag, "the table of clusters has no room");
	if (fs->heap_offset > size ||
	    fs->clusters > (size - fs->heap_offset) >> fs->cluster_shift)
		return bad(diag, "the volume is smaller than it says");
	return 0;
}

int hostfs_exfat_open(struct hostfs *fs, const uint8_t *sector,
		      struct vhd_diag *diag)
{
	struct exfat_boot b;
	int rc;

	memcpy(&b, sector, sizeof(b));
	if (!is_sound(&b))
		return bad(diag, "a field has an impossible value");
	fs->kind = HOSTFS_EXFAT;
	fs->cluster_shift = (uint8_t)(b.sector_shift + b.cluster_sectors_shift);
	fs->serial = le32_get(b.serial);
	fs->root_cluster = le32_get(b.root);
	rc = lay_out(fs, &b, diag);
	if (!rc && !hostfs_is_cluster(fs, fs->root_cluster))
		rc = bad(diag, "the root directory is not on the volume");
	return rc;
}

/* -- names -------------------------------------------------------------------
 */

/* a set of entries, as far as it was seen */
struct set {
	uint8_t left; /* secondary entries to come */
	bool stream;  /* it has come; then the name comes */
	bool same;    /* all seen so far is as in fs->name */
	uint32_t units;
	struct hostfs_node node;
};

static void take_file(struct set *set, const uint8_t *raw)
{
	struct exfat_file e;

	memcpy(&e, raw, sizeof(e));
	*set = (struct set){
		.left = e.secondary,
		.same = true,
		.node.directory = le16_get(e.attributes) & SUBDIRECTORY,
	};
}

static void take_stream(const struct hostfs *fs, struct set *set,
			const uint8_t *raw)
{
	struct exfat_stream e;

	memcpy(&e, raw, sizeof(e));
	if (set->stream || e.name_units != fs->name_units)
		set->same = false;
	set->stream = true;
	set->node.contiguous = e.flags & NO_FAT_CHAIN;
	set->node.size = le64_get(e.size);
	set->node.valid = le64_get(e.valid);
	set->node.cluster = e.flags & ALLOCATED ? le32_get(e.cluster) : 0;
}

static void take_name(const struct hostfs *fs, struct set *set,
		      const uint8_t *raw)
{
	if (!set->stream)
		set->same = false;
	for (uint32_t i = 0; i < PIECE_UNITS && set->units < fs->name_units;
	     i++, set->units++) {
		uint16_t unit =
			(uint16_t)(raw[2 + 2 * i] | raw[3 + 2 * i] << 8);

		if (hostfs_fold(unit) != hostfs_name_unit(fs, set->units))
			set->same = false;
	}
}

static void take_entry(const struct hostfs *fs, struct set *set,
		       const uint8_t *raw)
{
	if (raw[0] == FILE_ENTRY) {
		take_file(set, raw);
		return;
	}
	if (!set->left) {
		set->same = false;
		return;
	}
	set->left--;
	if (raw[0] == STREAM)
		take_stream(fs, set, raw);
	else if (raw[0] == NAME_PIECE)
		take_name(fs, set, raw);
	else
		set->same = false;
}

static int node_of(const struct hostfs *fs, const struct hostfs_node *node,
		   struct hostfs_node *out)
{
	if (node->directory && (!hostfs_is_cluster(fs, node->cluster) ||
				node->size > DIRECTORY_MAX))
		return VHD_E_CORRUPT;
	*out = *node;
	return 0;
}

int hostfs_exfat_lookup(struct hostfs *fs, const struct hostfs_node *dir,
			struct hostfs_node *out)
{
	struct set set = {0};
	struct hostfs_dir d;
	const uint8_t *raw;
	int rc;

	hostfs_dir_start(fs, dir, &d);
	while ((rc = hostfs_dir_next(fs, &d, &raw)) > 0 && raw[0]) {
		take_entry(fs, &set, raw);
		if (set.same && set.stream && set.units == fs->name_units)
			return node_of(fs, &set.node, out);
	}
	return rc < 0 ? rc : VHD_E_NOENT;
}

int hostfs_exfat_label(struct hostfs *fs, const struct hostfs_node *root,
		       char out[HOSTFS_LABEL])
{
	struct hostfs_dir d;
	const uint8_t *raw;
	int rc;

	hostfs_dir_start(fs, root, &d);
	while ((rc = hostfs_dir_next(fs, &d, &raw)) > 0 && raw[0]) {
		struct exfat_label e;

		memcpy(&e, raw, sizeof(e));
		if (e.type != LABEL_ENTRY)
			continue;
		if (e.units > LABEL_UNITS ||
		    !vhd_utf16_strict(e.text, 2u * e.units, VHD_UTF16_LE, out,
				      HOSTFS_LABEL))
			return VHD_E_CORRUPT;
		return 0;
	}
	return rc < 0 ? rc : VHD_E_NOENT;
}

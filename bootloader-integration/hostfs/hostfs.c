/* SPDX-License-Identifier: BSD-2-Clause */
#include "hostfs.h"

#include "core/diag.h"
#include "core/mem.h"
#include "parts.h"

#define SECTOR HOSTFS_SECTOR_MIN

/* -- which file system -------------------------------------------------------
 */

/* those that people keep images on, by their first sector */
static const char *other_system(const uint8_t *sector)
{
	if (!memcmp(sector + 3, "NTFS    ", 8))
		return "the file system is NTFS, not FAT or exFAT";
	if (!memcmp(sector + 3, "-FVE-FS-", 8))
		return "the volume is encrypted by BitLocker, not FAT or exFAT";
	if (!memcmp(sector, "LUKS\xba\xbe", 6))
		return "the volume is encrypted by LUKS, not FAT or exFAT";
	return "the file system is not FAT or exFAT";
}

/* a FAT volume begins with a jump over its parameters */
static bool may_be_fat(const uint8_t *sector)
{
	return sector[510] == 0x55 && sector[511] == 0xaa &&
	       (sector[0] == 0xe9 ||
		(sector[0] == 0xeb && sector[2] == 0x90)) &&
	       memcmp(sector + 3, "NTFS    ", 8) &&
	       memcmp(sector + 3, "-FVE-FS-", 8);
}

int hostfs_open(struct hostfs *fs, const struct vhd_source *volume,
		struct vhd_diag *diag)
{
	const uint8_t *sector;
	int rc;

	memset(fs, 0, sizeof(*fs));
	fs->volume = *volume;
	fs->page_number = UINT64_MAX;
	rc = hostfs_view(fs, 0, SECTOR, &sector);
	if (rc)
		return vhd_fail(diag, rc, "volume", 0,
				"the first sector cannot be read");
	if (!may_be_fat(sector))
		return vhd_fail(diag, VHD_E_FORMAT, "volume", 0,
				other_system(sector));
	if (!memcmp(sector + 3, "EXFAT   ", 8))
		return hostfs_exfat_open(fs, sector, diag);
	return hostfs_fat_open(fs, sector, diag);
}

/* -- paths -------------------------------------------------------------------
 */

/* an exFAT directory without a size of its own has at most 256 MiB */
static struct hostfs_node root_of(const struct hostfs *fs)
{
	return (struct hostfs_node){
		.directory = true,
		.cluster = fs->root_cluster,
		.size = (uint64_t)256 << 20,
	};
}

int hostfs_label(struct hostfs *fs, char out[HOSTFS_LABEL])
{
	const struct hostfs_node root = root_of(fs);
	int rc;

	out[0] = '\0';
	rc = fs->kind == HOSTFS_EXFAT ? hostfs_exfat_label(fs, &root, out)
				      : hostfs_fat_label(fs, &root, out);
	return rc == VHD_E_NOENT ? 0 : rc;
}

static int lookup(struct hostfs *fs, struct hostfs_node *node)
{
	const struct hostfs_node dir = *node;

	if (!dir.directory)
		return VHD_E_NOENT;
	if (fs->kind == HOSTFS_EXFAT)
		return hostfs_exfat_lookup(fs, &dir, node);
	return hostfs_fat_lookup(fs, &dir, node);
}

static int explain(struct vhd_diag *diag, int rc)
{
	const char *text = "the volume cannot be read";

	if (rc == VHD_E_NOENT)
		text = "no such file";
	else if (rc == VHD_E_INVALID)
		text = "this is no path from the root of a volume";
	else if (rc == VHD_E_CORRUPT)
		text = "a directory is damaged";
	return vhd_fail(diag, rc, "file system", VHD_NO_OFFSET, text);
}

int hostfs_find(struct hostfs *fs, const char *path, struct hostfs_file *file,
		struct vhd_diag *diag)
{
	struct hostfs_node node = root_of(fs);
	int rc;

	while ((rc = hostfs_name_next(fs, &path)) > 0) {
		rc = lookup(fs, &node);
		if (rc)
			return explain(diag, rc);
	}
	if (!rc && node.directory)
		rc = VHD_E_NOENT;
	if (rc)
		return explain(diag, rc);
	return hostfs_map(fs, &node, file, diag);
}

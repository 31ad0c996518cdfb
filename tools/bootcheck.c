/* SPDX-License-Identifier: BSD-2-Clause */
#include "bootcheck.h"

#include <linux/fs.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "bootfiles.h"
#include "bootinside.h"
#include "command.h"
#include "diag.h"
#include "fsmap_client.h"
#include "memory.h"

#define LOADER_INSIDE "/EFI/BOOT/BOOTX64.EFI"

#define WAY(w) (1u << (w))
#define ALL    (WAY(BOOT_WAYS) - 1)

static const struct {
	unsigned long magic;
	const char *name;
} hosts[] = {
	{0x4d44, "fat"},         {0x2011bab0, "exfat"}, {0xef53, "ext"},
	{0x58465342, "xfs"},     {0x9123683e, "btrfs"}, {0x5346544e, "ntfs"},
	{0x7366746e, "ntfs"},    {0x65735546, "fuse"},  {0x01021994, "tmpfs"},
	{0x794c7630, "overlay"},
};

const char *boot_way_name(enum boot_way way)
{
	static const char *const names[] = {"uefi", "grub", "linux", "windows"};

	return names[way];
}

__attribute__((format(printf, 3, 4))) static void
refuse(struct boot_check *check, unsigned ways, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	text = tool_must(text);
	for (unsigned way = 0; way < BOOT_WAYS; way++) {
		struct boot_reasons *r = &check->reasons[way];

		if (!(ways & WAY(way)))
			continue;
		r->items = tool_resize(r->items,
				       (r->count + 1) * sizeof(*r->items));
		r->items[r->count++] = tool_must(strdup(text));
	}
	free(text);
}

static const char *host_of(int fd)
{
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs))
		return "unknown";
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		if (hosts[i].magic == (unsigned long)fs.f_type)
			return hosts[i].name;
	}
	return "unknown";
}

static bool is_fat(const char *host)
{
	return strcmp(host, "fat") == 0 || strcmp(host, "exfat") == 0;
}

/* The place of the leaf; parents lie on the same volume. */
static void check_host(struct boot_check *check, struct vhd_disk *disk)
{
	struct vhd_file *file = vhd_image_file(vhd_disk_image(disk, 0));
	uint64_t size = 0;

	check->host = host_of(vhd_file_fd(file));
	if (is_fat(check->host)) {
		refuse(check, WAY(BOOT_WINDOWS),
		       "it lies on %s; Windows starts images from NTFS",
		       check->host);
		return;
	}
	refuse(check, WAY(BOOT_UEFI),
	       "it lies on a file system (%s) that is not FAT or exFAT",
	       check->host);
	if (!vhd_file_size(file, &size) && size > UINT32_MAX)
		refuse(check, WAY(BOOT_UEFI),
		       "it is larger than a file on FAT32 can be (4 GiB - 1); "
		       "exFAT would hold it");
}

static void check_layer(struct boot_check *check, struct vhd_disk *disk,
			unsigned layer)
{
	struct vhd_image *image = vhd_disk_image(disk, layer);
	int fd = vhd_file_fd(vhd_image_file(image)), flags = 0;

	if (vhd_image_conditions(image) & VHD_COND_LOG_DIRTY)
		check->log_dirty = true;
	if (vhd_image_conditions(image) & VHD_COND_ENCRYPTED)
		refuse(check, ALL, "layer %u is encrypted inside", layer);
	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return;
	if (flags & FS_COMPR_FL)
		refuse(check, WAY(BOOT_LINUX) | WAY(BOOT_WINDOWS),
		       "the host's file system compresses layer %u", layer);
	if (flags & FS_ENCRYPT_FL)
		refuse(check, ALL, "the host's file system encrypts layer %u",
		       layer);
}

static bool check_parents(struct boot_check *check, const struct chain *chain)
{
	bool good = true;

	for (unsigned i = 0; i < check->layers; i++) {
		struct chain_link link;

		chain_get_link(chain, i, &link);
		if (link.verdict >= CHAIN_MISMATCH) {
			refuse(check, ALL, "parent \"%s\": %s", link.path,
			       link.why.text);
			good = false;
		}
		chain_link_free(&link);
	}
	return good;
}

static bool is_linux(const char *type)
{
	static const char *const types[] = {
		"ext2",  "ext3",     "ext4",        "xfs",
		"btrfs", "f2fs",     "LVM2_member", "crypto_LUKS",
		"erofs", "squashfs", NULL,
	};

	for (size_t i = 0; types[i]; i++) {
		if (strcmp(type, types[i]) == 0)
			return true;
	}
	return false;
}

static void add_system(struct boot_check *check, const struct fsmap *map,
		       const struct fsmap_fs *fs)
{
	static const char *const types[] = {"ext2",  "ext3", "ext4",    "xfs",
					    "btrfs", "f2fs", "squashfs"};
	const char *table =
		strcmp(map->table, "dos") == 0 ? "msdos" : map->table;
	struct boot_system *system;
	size_t i = 0;

	while (i < sizeof(types) / sizeof(*types) &&
	       strcmp(types[i], fs->type) != 0)
		i++;
	if (i == sizeof(types) / sizeof(*types))
		return;
	check->systems =
		tool_resize(check->systems, (check->system_count + 1) *
						    sizeof(*check->systems));
	system = &check->systems[check->system_count++];
	system->type = boot_text("%s", fs->type);
	system->partition = fs->number ? boot_text("%s%u", table, fs->number)
				       : boot_text("%s", "");
}

static void look_at(struct boot_check *check, struct vhd_disk *disk,
		    const struct fsmap *map)
{
	for (size_t i = 0; i < map->fs_count; i++) {
		if (is_linux(map->fs[i].type))
			check->linux_inside = true;
		if (strcmp(map->fs[i].type, "ntfs") == 0)
			check->windows_inside = true;
		add_system(check, map, &map->fs[i]);
	}
	check->efi_loader = boot_inside_has(disk, map, LOADER_INSIDE);
	if (!check->efi_loader)
		refuse(check, WAY(BOOT_UEFI),
		       "no \\EFI\\BOOT\\BOOTX64.EFI on a FAT file system "
		       "inside");
	if (!check->linux_inside)
		refuse(check, WAY(BOOT_GRUB) | WAY(BOOT_LINUX),
		       "no file system inside that a Linux could have as root");
	if (!check->windows_inside)
		refuse(check, WAY(BOOT_WINDOWS), "no NTFS inside");
}

static int check_inside(struct boot_check *check, struct vhd_disk *disk,
			const char *path, const struct open_options *options)
{
	struct fsmap map;
	int rc = fsmap_list(disk, 0, path, options, &map);

	if (rc)
		return rc;
	look_at(check, disk, &map);
	fsmap_free(&map);
	return TOOL_DONE;
}

static void check_format(struct boot_check *check)
{
	if (check->format == VHD_FORMAT_RAW)
		refuse(check, ALL, "it is neither VHD nor VHDX");
	else if (check->format != VHD_FORMAT_VHDX)
		refuse(check, WAY(BOOT_WINDOWS), "Windows needs a VHDX");
	if (check->type == VHD_TYPE_DIFFERENCING)
		refuse(check, WAY(BOOT_WINDOWS),
		       "Windows needs a fixed or dynamic image");
}

int boot_check(const char *path, const struct open_options *options,
	       struct boot_check *out)
{
	struct vhd_image_info info;
	struct chain chain;
	int rc = chain_open(path, options, &chain);

	if (rc)
		return rc;
	vhd_image_get_info(vhd_disk_image(chain.disk, 0), &info);
	*out = (struct boot_check){
		.format = info.format,
		.type = info.type,
		.sector_size = vhd_disk_sector_size(chain.disk),
		.size = vhd_disk_size(chain.disk),
		.layers = vhd_disk_layers(chain.disk),
	};
	check_format(out);
	for (unsigned i = 0; i < out->layers; i++)
		check_layer(out, chain.disk, i);
	check_host(out, chain.disk);
	if (check_parents(out, &chain))
		rc = check_inside(out, chain.disk, path, options);
	chain_close(&chain);
	if (rc)
		boot_check_free(out);
	return rc;
}

void boot_check_free(struct boot_check *check)
{
	for (unsigned way = 0; way < BOOT_WAYS; way++) {
		for (size_t i = 0; i < check->reasons[way].count; i++)
			free(check->reasons[way].items[i]);
		free(check->reasons[way].items);
	}
	for (size_t i = 0; i < check->system_count; i++) {
		free(check->systems[i].partition);
		free(check->systems[i].type);
	}
	free(check->systems);
}

/* SPDX-License-Identifier: BSD-2-Clause */
#include "umount.h"

#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "memory.h"

struct list {
	char **folders;
	size_t count;
};

static bool is_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && (!path[n] || path[n] == '/');
}

static struct list read_mounts(const char *folder)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	struct list list = {0};
	struct mntent *e;

	while (mounts && (e = getmntent(mounts))) {
		if (!is_below(e->mnt_dir, folder))
			continue;
		list.folders = tool_resize(
			list.folders, (list.count + 1) * sizeof(*list.folders));
		list.folders[list.count++] = tool_must(strdup(e->mnt_dir));
	}
	if (mounts)
		endmntent(mounts);
	return list;
}

static void free_list(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->folders[i]);
	free(list->folders);
}

/* One round: how many are left, and whether any went. */
static size_t try_all(const char *folder, bool *moved)
{
	struct list list = read_mounts(folder);
	size_t left = list.count;

	*moved = false;
	for (size_t i = list.count; i-- > 0;) {
		if (umount2(list.folders[i], UMOUNT_NOFOLLOW) == 0) {
			*moved = true;
			left--;
		}
	}
	free_list(&list);
	return left;
}

/* All but `folder` itself leave the tree, used or not. */
static void detach_children(const char *folder)
{
	struct list list = read_mounts(folder);

	for (size_t i = list.count; i-- > 0;)
		if (strcmp(list.folders[i], folder) != 0)
			umount2(list.folders[i], MNT_DETACH | UMOUNT_NOFOLLOW);
	free_list(&list);
}

static bool try_hard(const char *folder)
{
	bool moved = true;
	size_t left = 1;

	while (left && moved)
		left = try_all(folder, &moved);
	return !left;
}

bool umount_below(const char *folder)
{
	if (try_hard(folder))
		return true;
	detach_children(folder);
	if (try_hard(folder))
		return true;
	mount(NULL, folder, NULL, MS_REMOUNT | MS_RDONLY, NULL);
	return false;
}

static bool ends_with(const char *path, const char *tail)
{
	size_t n = strlen(path), m = strlen(tail);

	return n >= m && strcmp(path + n - m, tail) == 0;
}

bool umount_source(const char *folder, char *source, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	bool found = false;
	struct mntent *e;

	while (mounts && (e = getmntent(mounts))) {
		if (!ends_with(e->mnt_dir, folder))
			continue;
		snprintf(source, size, "%s", e->mnt_fsname);
		found = true;
	}
	if (mounts)
		endmntent(mounts);
	return found;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The partitions are found by vhd-fsmap, which looks at the disk without any
 * rights, when the disk is mounted; a table that is changed later is seen by
 * the next mount. Names come from the disk: a '/' or what else a file name
 * cannot hold becomes '_'.
 */
#include "partitions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "contents.h"
#include "diag.h"
#include "fsmap_client.h"

struct folders {
	size_t partitions;
	size_t by_label;
	size_t by_uuid;
	size_t by_type;
};

/* a name that is taken gets a number: "ext4", then "ext4-2" */
static void add_link(struct mount *m, size_t folder, const char *wanted,
		     unsigned number)
{
	char name[256], target[32];
	size_t n = 0;

	if (!wanted[0] || strcmp(wanted, ".") == 0 || strcmp(wanted, "..") == 0)
		return;
	for (; wanted[n] && n < 200; n++)
		name[n] = wanted[n] == '/' ? '_' : wanted[n];
	name[n] = '\0';
	for (unsigned i = 2; tree_find(&m->tree, folder, name) != TREE_NONE;
	     i++)
		snprintf(name + n, sizeof(name) - n, "-%u", i);
	snprintf(target, sizeof(target), "../%u", number);
	tree_add_link(&m->tree, folder, name, target);
}

static void add_partition(struct mount *m, const struct folders *f,
			  const struct fsmap_fs *fs)
{
	char name[16];

	snprintf(name, sizeof(name), "%u", fs->number);
	if (tree_find(&m->tree, f->partitions, name) != TREE_NONE ||
	    !fs->length)
		return;
	contents_add_view(m, f->partitions, name,
			  (struct view){
				  .disk = m->disk,
				  .start = fs->start,
				  .length = fs->length,
				  .writable = vhd_disk_is_writable(m->disk),
			  });
	add_link(m, f->by_label, fs->label[0] ? fs->label : fs->name,
		 fs->number);
	add_link(m, f->by_uuid, fs->uuid, fs->number);
	add_link(m, f->by_type, fs->type, fs->number);
}

/* an overlay that is new is empty: what is on the disk is in the image */
static int list(const struct mount *m, const struct cmdline *options,
		struct fsmap *out)
{
	struct open_options open = options->open;
	const char *path = options->image;

	if (options->overlay && options->keep) {
		path = options->keep;
		open.parent = options->image;
		open_need_format(options->image, open.format, &open.format);
	}
	return fsmap_list(m->disk, options->overlay && !options->keep, path,
			  &open, out);
}

void partitions_add(struct mount *m, const struct cmdline *options)
{
	struct tree *t = &m->tree;
	struct folders f;
	struct fsmap map;

	f.partitions = tree_add(t, TREE_ROOT, "partitions", NODE_FOLDER);
	f.by_label = tree_add(t, f.partitions, "by-label", NODE_FOLDER);
	f.by_uuid = tree_add(t, f.partitions, "by-uuid", NODE_FOLDER);
	f.by_type = tree_add(t, f.partitions, "by-type", NODE_FOLDER);
	if (list(m, options, &map))
		return; /* said why; the disk itself is there */
	for (size_t i = 0; i < map.fs_count; i++)
		if (map.fs[i].number)
			add_partition(m, &f, &map.fs[i]);
	fsmap_free(&map);
}

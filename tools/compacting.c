/* SPDX-License-Identifier: BSD-2-Clause */
#include "compacting.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "diag.h"
#include "escape.h"
#include "fsmap_client.h"
#include "json.h"
#include "memory.h"
#include "size.h"

/* the library's ranges, from the helper's; free() them */
static struct vhd_disk_range *unused_of(const struct fsmap_ranges *from)
{
	struct vhd_disk_range *out =
		tool_resize(NULL, (from->count + 1) * sizeof(*out));

	for (size_t i = 0; i < from->count; i++)
		out[i] = (struct vhd_disk_range){from->items[i].start,
						 from->items[i].length};
	return out;
}

/* which file systems were left alone, and why */
static void say_left_alone(const char *path, const struct fsmap *map)
{
	for (size_t i = 0; i < map->fs_count; i++) {
		const char *why = fsmap_state_text(map->fs[i].state);
		char *name;

		if (!why[0])
			continue;
		name = fsmap_fs_text(&map->fs[i]);
		diag_warning(path, "%s %s: its free space is left alone", name,
			     why);
		free(name);
	}
}

static void say_blocks(uint64_t count, const char *what)
{
	if (count)
		printf("  %" PRIu64 " block%s %s\n", count,
		       count == 1 ? "" : "s", what);
}

static int print_text(const char *path, const struct vhd_compact_result *r,
		      bool dry_run)
{
	char before[SIZE_TEXT_SIZE], after[SIZE_TEXT_SIZE];
	char *name = escape(path);

	printf("%s: %s%s -> %s, on the host ", name, dry_run ? "would go " : "",
	       size_text(r->file_before, before),
	       size_text(r->file_after, after));
	printf("%s -> %s\n", size_text(r->host_before, before),
	       size_text(r->host_after, after));
	say_blocks(r->zero_blocks, "of zeros");
	say_blocks(r->parent_blocks, "that equal the parent's");
	say_blocks(r->unused_blocks, "that no file system uses");
	say_blocks(r->moved_blocks, "moved to the front");
	say_blocks(r->held_blocks,
		   "kept, but emptied: XenServer's batmap forbids more");
	free(name);
	return TOOL_DONE;
}

static int print_json(const char *path, const struct vhd_compact_result *r)
{
	json_t *out = json_new_object();

	json_put_text(out, "filename", path);
	json_put_size(out, "file-size-before", r->file_before);
	json_put_size(out, "file-size", r->file_after);
	json_put_size(out, "actual-size-before", r->host_before);
	json_put_size(out, "actual-size", r->host_after);
	json_put_size(out, "zero-blocks", r->zero_blocks);
	json_put_size(out, "parent-blocks", r->parent_blocks);
	json_put_size(out, "unused-blocks", r->unused_blocks);
	json_put_size(out, "held-blocks", r->held_blocks);
	json_put_size(out, "punched-bytes", r->punched_bytes);
	json_put_size(out, "moved-blocks", r->moved_blocks);
	json_put_size(out, "moved-bytes", r->moved_bytes);
	return json_print(out);
}

static int compact(struct vhd_disk *disk, const char *path,
		   const struct compacting_options *o,
		   const struct vhd_compact_options *options, const char *what)
{
	struct progress *progress = progress_start(&o->progress, what);
	struct vhd_compact_result result = {0};
	struct vhd_diag diag = {0};
	int rc = vhd_compact_disk(disk, options, &result,
				  progress_job(progress), &diag);

	progress_stop(progress);
	if (rc)
		return diag_failure(path, rc, &diag);
	return o->json ? print_json(path, &result)
		       : print_text(path, &result, o->dry_run);
}

static int compact_free_space(struct vhd_disk *disk, const char *path,
			      const struct compacting_options *o,
			      struct vhd_compact_options *options,
			      const char *what)
{
	struct vhd_disk_range *unused;
	struct fsmap map;
	int rc = fsmap_get(disk, path, &o->open, 0, &map);

	if (rc)
		return rc;
	say_left_alone(path, &map);
	unused = unused_of(&map.unused);
	options->unused = unused;
	options->unused_count = map.unused.count;
	fsmap_free(&map);
	rc = compact(disk, path, o, options, what);
	free(unused);
	return rc;
}

static bool is_fixed(struct vhd_disk *disk, struct vhd_image_info *info)
{
	vhd_image_get_info(vhd_disk_image(disk, 0), info);
	return info->type == VHD_TYPE_FIXED;
}

/* nothing to trim is no failure */
static int say_fixed(const char *path, const struct compacting_options *o,
		     const struct vhd_image_info *info)
{
	const struct vhd_compact_result same = {
		.file_before = info->file_size,
		.file_after = info->file_size,
		.host_before = info->allocated_size,
		.host_after = info->allocated_size,
	};
	char *name;

	if (o->json)
		return print_json(path, &same);
	name = escape(path);
	printf("%s: has a fixed size, nothing is given back\n", name);
	free(name);
	return TOOL_DONE;
}

int compacting_run(const char *path, const struct compacting_options *o,
		   uint32_t flags, const char *what)
{
	struct vhd_compact_options options = {
		.size = sizeof(options),
		.flags = flags | VHD_COMPACT_ZEROES,
	};
	struct vhd_image_info info;
	struct vhd_disk *disk;
	int rc;

	if (!o->zeroes)
		options.flags |= VHD_COMPACT_PARENT_EQUAL;
	if (o->dry_run)
		options.flags |= VHD_COMPACT_DRY_RUN;
	if (o->open.ignore_children)
		options.flags |= VHD_COMPACT_IGNORE_CHILDREN;
	rc = open_disk(path, &o->open,
		       o->dry_run ? VHD_DISK_VERIFY
				  : VHD_DISK_WRITE | VHD_DISK_SAME_CONTENT,
		       &disk);
	if (rc)
		return rc;
	if ((flags & VHD_COMPACT_NO_MOVE) && is_fixed(disk, &info))
		rc = say_fixed(path, o, &info);
	else
		rc = o->free_space
			     ? compact_free_space(disk, path, o, &options, what)
			     : compact(disk, path, o, &options, what);
	vhd_disk_close(disk);
	return rc;
}

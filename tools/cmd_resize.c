/* SPDX-License-Identifier: BSD-2-Clause */
/* vhdtool resize: another size for the disk, in place. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "diag.h"
#include "escape.h"
#include "fsmap_client.h"
#include "gpt.h"
#include "range.h"
#include "size.h"

static struct {
	struct open_options open;
	struct progress_options progress;
	bool force;
	bool fix_gpt;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "force",
	 .kind = OPTION_FLAG,
	 .target = &opt.force,
	 .help = "shrink even if data or partitions are cut off"},
	{.name = "fix-gpt",
	 .kind = OPTION_FLAG,
	 .target = &opt.fix_gpt,
	 .help = "move the backup partition table (GPT) to the new end"},
	OPEN_CHAIN_OPTIONS(opt.open),
	OPEN_CHILDREN_OPTION(opt.open),
	PROGRESS_OPTIONS(opt.progress),
	{0},
};

/* A resize under way. */
struct work {
	const char *path;
	struct vhd_disk *disk;
	struct gpt *gpt; /* NULL: no valid one */
	uint64_t before;
	uint64_t after;
};

/* -- SIZE
 * ----------------------------------------------------------------------
 */

/* "8G", "+1G", "-512M" */
struct wish {
	char sign; /* 0: absolute */
	uint64_t bytes;
};

static int parse_wish(const char *text, struct wish *out)
{
	bool relative = *text == '+' || *text == '-';
	const char *wrong = size_parse(text + relative, &out->bytes);

	if (wrong)
		return diag_usage("resize: %s: %s", text, wrong);
	out->sign = relative ? *text : '\0';
	return TOOL_DONE;
}

static int apply_wish(struct work *w, const struct wish *wish)
{
	uint32_t sector = vhd_disk_sector_size(w->disk);

	w->after = wish->bytes;
	if (wish->sign == '+') {
		if (wish->bytes > UINT64_MAX - w->before)
			return diag_error(w->path, "no disk is so large");
		w->after = w->before + wish->bytes;
	} else if (wish->sign == '-') {
		if (wish->bytes >= w->before)
			return diag_error(w->path,
					  "the disk has only %" PRIu64 " bytes",
					  w->before);
		w->after = w->before - wish->bytes;
	}
	if (w->after % sector)
		return diag_error(w->path,
				  "%" PRIu64 " bytes are no whole number of "
				  "sectors of %u",
				  w->after, sector);
	if (!w->after)
		return diag_error(w->path, "a disk has at least one sector");
	return TOOL_DONE;
}

/* -- what is in the way
 * ---------------------------------------------------------
 */

/* partitions, and the backup table unless it is moved */
static int check_gpt(const struct work *w)
{
	uint64_t usable = w->after, backup, least;
	char *name, *safe;
	unsigned number;

	if (!w->gpt)
		return TOOL_DONE;
	least = gpt_least(w->gpt);
	if (opt.fix_gpt && w->after < least)
		usable = 0;
	number = gpt_beyond(w->gpt, w->after, &name);
	if (number) {
		safe = escape(name);
		diag_error(w->path,
			   "partition %u%s%s%s reaches behind byte %" PRIu64,
			   number, *safe ? " (\"" : "", safe,
			   *safe ? "\")" : "", w->after);
		free(safe);
		free(name);
	} else if (!usable) {
		diag_error(w->path, "the backup partition table (GPT) has no "
				    "room behind the last partition");
	} else if (!opt.fix_gpt &&
		   !gpt_backup_start(w->gpt, w->disk, &backup) &&
		   backup < w->before && w->after < w->before) {
		diag_error(w->path, "the backup partition table (GPT) at the "
				    "end of the disk would be cut off");
		diag_hint("--fix-gpt moves it");
		return TOOL_FAILED;
	} else {
		return TOOL_DONE;
	}
	diag_hint("the least size is %" PRIu64, least);
	return TOOL_FAILED;
}

static int check_data(const struct work *w, struct vhd_job *job)
{
	uint64_t to = w->before, end;
	struct vhd_diag diag = {0};
	int rc = 0;

	if (w->gpt && opt.fix_gpt)
		rc = gpt_backup_start(w->gpt, w->disk, &to);
	to = to > w->after ? to : w->after;
	if (!rc)
		rc = vhd_used_end(w->disk, w->after, to, &end, job, &diag);
	if (rc)
		return diag_failure(w->path, rc, &diag);
	if (end == w->after)
		return TOOL_DONE;
	diag_error(w->path,
		   "the disk holds data up to byte %" PRIu64 ", which would be "
		   "cut off",
		   end);
	diag_hint("shrink what is inside first; --force cuts it off");
	return TOOL_FAILED;
}

/* where a partition, or the file system of a disk without any, ends; 0 if that
 * is not known */
static uint64_t end_of(const struct fsmap_fs *fs)
{
	if (fs->number)
		return fs->start + fs->length;
	return fs->size ? fs->start + fs->size : 0;
}

static int refuse_fs(const struct work *w, const struct fsmap_fs *fs)
{
	char *name = fsmap_fs_text(fs);

	diag_error(w->path, "%s%s ends at byte %" PRIu64,
		   fs->number ? "" : "the file system of ", name, end_of(fs));
	diag_hint("shrink it first; --force cuts it off");
	free(name);
	return TOOL_FAILED;
}

/* MBR partitions, and file systems of disks without a table */
static int check_inside(const struct work *w)
{
	struct fsmap map;
	int rc = TOOL_DONE;

	if (!fsmap_is_there()) {
		diag_warning(w->path, "partitions and file systems inside are "
				      "not looked at: vhd-fsmap is not "
				      "installed");
		return TOOL_DONE;
	}
	/* no range is that long: the sizes of file systems are what counts */
	if (fsmap_get(w->disk, w->path, &opt.open, UINT64_MAX, &map))
		return TOOL_FAILED;
	for (size_t i = 0; i < map.fs_count && !rc; i++)
		if (map.fs[i].state != FSMAP_CONTAINER &&
		    end_of(&map.fs[i]) > w->after)
			rc = refuse_fs(w, &map.fs[i]);
	fsmap_free(&map);
	return rc;
}

static int check_loss(const struct work *w, struct vhd_job *job)
{
	int rc;

	if (w->after >= w->before || opt.force)
		return TOOL_DONE;
	rc = check_gpt(w);
	if (!rc)
		rc = check_inside(w);
	return rc ? rc : check_data(w, job);
}

/* -- the work
 * --------------------------------------------------------------------
 */

/* before it shrinks, after it grew; a disk of the right size may need it, too
 */
static int move_backup(const struct work *w)
{
	struct vhd_diag diag = {0};
	int rc;

	if (!opt.fix_gpt || !w->gpt || gpt_fits(w->gpt, w->after))
		return TOOL_DONE;
	if (w->after < gpt_least(w->gpt))
		return diag_error(w->path,
				  "the backup partition table (GPT) has no "
				  "room behind the last partition");
	rc = gpt_move(w->gpt, w->disk, w->after, &diag);
	return rc ? diag_failure(w->path, rc, &diag) : TOOL_DONE;
}

static int change_size(const struct work *w, struct vhd_job *job)
{
	const struct vhd_resize_options force = {
		.size = sizeof(force),
		.flags = VHD_RESIZE_FORCE, /* check_loss() has looked */
	};
	struct vhd_diag diag = {0};
	int rc = vhd_resize(w->disk, w->after, &force, job, &diag);

	return rc ? diag_failure(w->path, rc, &diag) : TOOL_DONE;
}

static int work(const struct work *w, struct vhd_job *job)
{
	bool shrinks = w->after < w->before;
	int rc = check_loss(w, job);

	if (!rc && shrinks)
		rc = move_backup(w);
	if (!rc)
		rc = change_size(w, job);
	if (!rc && !shrinks)
		rc = move_backup(w);
	return rc;
}

static void report(const struct work *w)
{
	char before[SIZE_TEXT_SIZE], after[SIZE_TEXT_SIZE];
	char *path = escape(w->path);

	printf("%s: %s -> %s\n", path, size_text(w->before, before),
	       size_text(w->after, after));
	free(path);
	if (!w->gpt || gpt_fits(w->gpt, w->after))
		return;
	diag_warning(w->path,
		     "the backup partition table (GPT) is not at the end of "
		     "the disk");
	diag_hint("--fix-gpt moves it");
}

static int start(struct work *w)
{
	struct vhd_diag diag = {0};
	int rc = gpt_read(w->disk, &w->gpt, &diag);

	if (rc)
		return diag_failure(w->path, rc, &diag);
	if (opt.fix_gpt && !w->gpt)
		return diag_error(w->path, "there is no valid partition table "
					   "(GPT) in the disk");
	return TOOL_DONE;
}

static int run(const char *const *arguments)
{
	struct work w = {.path = arguments[0]};
	struct progress *progress;
	struct wish wish;
	int rc = parse_wish(arguments[1], &wish);

	if (rc)
		return rc;
	rc = open_disk(w.path, &opt.open, VHD_DISK_WRITE, &w.disk);
	if (rc)
		return rc;
	w.before = vhd_disk_size(w.disk);
	rc = apply_wish(&w, &wish);
	if (!rc)
		rc = start(&w);
	if (!rc) {
		progress = progress_start(&opt.progress, "resizing");
		rc = work(&w, progress_job(progress));
		progress_stop(progress);
	}
	rc = range_close(w.disk, w.path, rc);
	if (!rc)
		report(&w);
	gpt_free(w.gpt);
	return rc;
}

const struct command resize_command = {
	.name = "resize",
	.arguments = "PATH SIZE",
	.argument_count = 2,
	.summary = "give the disk another size, in place",
	.description =
		"Grows or shrinks the disk in an image without copying it. "
		"SIZE is the new size, or what to add (+SIZE) or take away "
		"(-SIZE). What is new reads as zeros; partitions and file "
		"systems inside stay as they are. Shrinking is refused where "
		"it would cut off data or a part of a partition. If it is "
		"interrupted, the disk has the old or the new size and "
		"nothing is lost; the same command again finishes it. The "
		"disk keeps its id.",
	.options = options,
	.examples = "  vhdtool resize disk.vhdx 64G\n"
		    "  vhdtool resize --fix-gpt disk.vhd +10G\n"
		    "  vhdtool resize disk.vhdx -512M",
	.exits = "  0  done\n"
		 "  1  refused: data would be cut off, the format does not "
		 "allow the size,\n"
		 "     the image is in use or has children; or it failed\n"
		 "  2  wrong usage",
	.run = run,
};

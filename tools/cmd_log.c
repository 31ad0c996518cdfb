/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool log: the log of a VHDX, entry by entry, and what it means for the
 * image. Entries come in the order they lie in the file.
 */
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "confine_image.h"
#include "diag.h"
#include "json.h"
#include "open.h"
#include "size.h"

static struct {
	struct open_options open;
	bool json;
	bool replay;
} opt;

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "json",
	 .kind = OPTION_FLAG,
	 .target = &opt.json,
	 .help = "one JSON document"},
	{.name = "replay",
	 .kind = OPTION_FLAG,
	 .target = &opt.replay,
	 .help = "apply a dirty log to the image and empty it"},
	{.name = "force-share",
	 .kind = OPTION_FLAG,
	 .target = &opt.open.force_share,
	 .help = "read even if another program writes the image"},
	{0},
};

static const char *verdict_text(const struct vhd_log_info *info)
{
	if (info->verdict)
		return "invalid";
	return info->id_text[0] ? "dirty" : "clean";
}

static void add_entry(void *ctx, const struct vhd_log_entry *entry)
{
	json_t *entries = ctx, *out = json_new_object();

	json_put_size(out, "offset", entry->offset);
	json_put_size(out, "length", entry->length);
	json_put_size(out, "sequence", entry->sequence);
	json_put_size(out, "tail", entry->tail);
	json_put_size(out, "descriptors", entry->descriptors);
	json_put_size(out, "data-sectors", entry->data_sectors);
	json_put_size(out, "flushed-file-offset", entry->flushed_file_offset);
	json_put_size(out, "last-file-offset", entry->last_file_offset);
	json_put_bool(out, "valid", entry->valid);
	json_put_bool(out, "active", entry->active);
	json_put(out, "why",
		 entry->why ? json_new_text(entry->why) : json_null());
	json_add(entries, out);
}

static int print_json(const char *path, const struct vhd_log_info *info,
		      json_t *entries)
{
	json_t *out = json_new_object();

	json_put_text(out, "filename", path);
	json_put_size(out, "offset", info->offset);
	json_put_size(out, "length", info->length);
	json_put(out, "id", json_new_optional_text(info->id_text));
	json_put_text(out, "verdict", verdict_text(info));
	json_put_size(out, "active-entries", info->active_entries);
	json_put_size(out, "active-descriptors", info->active_descriptors);
	json_put_size(out, "tail-sequence", info->tail_sequence);
	json_put_size(out, "head-sequence", info->head_sequence);
	json_put(out, "entries", entries);
	return json_print(out);
}

static int show_json(struct vhd_file *file, const char *path)
{
	json_t *entries = json_new_array();
	struct vhd_log_info info = {0};
	struct vhd_diag diag = {0};
	int rc = vhd_image_log(file, add_entry, entries, &info, &diag);

	if (!rc)
		return print_json(path, &info, entries);
	json_decref(entries);
	return diag_failure(path, rc, &diag);
}

static void print_entry(void *ctx, const struct vhd_log_entry *entry)
{
	bool *begun = ctx;

	if (!*begun)
		printf("%12s %9s %20s %11s %12s  state\n", "offset", "length",
		       "sequence", "descriptors", "data sectors");
	*begun = true;
	printf("%12" PRIu64 " %9" PRIu64 " %20" PRIu64 " %11u %12u  %s%s%s\n",
	       entry->offset, entry->length, entry->sequence,
	       entry->descriptors, entry->data_sectors,
	       !entry->valid   ? "invalid"
	       : entry->active ? "to be replayed"
			       : "old",
	       entry->why ? ": " : "", entry->why ? entry->why : "");
}

static void print_info(const struct vhd_log_info *info, bool begun)
{
	char size[SIZE_TEXT_SIZE];

	printf("%slog: %s at byte %" PRIu64 "\n", begun ? "\n" : "",
	       size_text(info->length, size), info->offset);
	if (!info->id_text[0]) {
		printf("verdict: clean, nothing to replay\n");
		return;
	}
	printf("id: %s\n", info->id_text);
	if (info->verdict) {
		printf("verdict: invalid: %s\n", vhd_strerror(info->verdict));
		return;
	}
	printf("verdict: dirty, %u entr%s with %u descriptors to be replayed "
	       "(sequence %" PRIu64 " to %" PRIu64 ")\n",
	       info->active_entries, info->active_entries == 1 ? "y" : "ies",
	       info->active_descriptors, info->tail_sequence,
	       info->head_sequence);
}

static int show_text(struct vhd_file *file, const char *path)
{
	struct vhd_log_info info = {0};
	struct vhd_diag diag = {0};
	bool begun = false;
	int rc = vhd_image_log(file, print_entry, &begun, &info, &diag);

	if (rc)
		return diag_failure(path, rc, &diag);
	print_info(&info, begun);
	return TOOL_DONE;
}

static int print_replay(const char *path, const struct vhd_log_info *before)
{
	json_t *out;

	if (opt.json) {
		out = json_new_object();
		json_put_text(out, "filename", path);
		json_put_text(out, "verdict", "clean");
		json_put_size(out, "replayed-entries", before->active_entries);
		json_put_size(out, "replayed-descriptors",
			      before->active_descriptors);
		return json_print(out);
	}
	if (!before->id_text[0])
		printf("the log is clean, nothing to replay\n");
	else
		printf("replayed %u entr%s with %u descriptors; the log is "
		       "clean\n",
		       before->active_entries,
		       before->active_entries == 1 ? "y" : "ies",
		       before->active_descriptors);
	return TOOL_DONE;
}

static void ignore_entry(void *ctx, const struct vhd_log_entry *entry)
{
	(void)ctx;
	(void)entry;
}

/* Opening for writing replays; shutting leaves the log clean. */
static int apply(const char *path)
{
	struct vhd_disk_options options_for = open_disk_options(
		&opt.open, VHD_FORMAT_VHDX,
		VHD_DISK_WRITE | VHD_DISK_LAYER | VHD_DISK_SAME_CONTENT);
	struct vhd_diag diag = {0};
	struct vhd_disk *disk;
	int error = vhd_disk_open(path, &options_for, &disk, &diag);

	if (error)
		return open_failure(path, VHD_FORMAT_VHDX, error, &diag);
	error = vhd_disk_shut(disk, &diag);
	vhd_disk_close(disk);
	return error ? diag_failure(path, error, &diag) : TOOL_DONE;
}

/* A clean log is left alone, so that the file does not change. */
static int replay(struct vhd_file *file, const char *path)
{
	struct vhd_log_info info = {0};
	struct vhd_diag diag = {0};
	int rc = vhd_image_log(file, ignore_entry, NULL, &info, &diag);

	vhd_file_close(file);
	if (rc)
		return diag_failure(path, rc, &diag);
	if (info.id_text[0])
		rc = apply(path);
	return rc ? rc : print_replay(path, &info);
}

static int show(struct vhd_file *file, const char *path)
{
	int rc = opt.json ? show_json(file, path) : show_text(file, path);

	vhd_file_close(file);
	return rc;
}

static int run(const char *const *arguments)
{
	const char *path = arguments[0];
	struct vhd_file *file;
	int format, rc;

	if (opt.replay && opt.open.force_share)
		return diag_usage("log: --force-share is for reading, "
				  "--replay writes");
	if (!opt.replay)
		confine_reader(arguments, 1, &opt.open, NULL);
	rc = open_file(path, &opt.open, &file, &format);
	if (rc)
		return rc;
	if (!opt.replay)
		confine_reader_opened();
	if (format == VHD_FORMAT_VHDX)
		return opt.replay ? replay(file, path) : show(file, path);
	vhd_file_close(file);
	return diag_error(path, "only a VHDX has a log");
}

const struct command log_command = {
	.name = "log",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "show the log of a VHDX",
	.description =
		"Lists what lies in the log of a VHDX and says what it "
		"means: clean; dirty, with updates that a reader replays "
		"(in memory: the file is not changed); or invalid. With "
		"--replay the updates of a dirty log are applied to the file, "
		"as any program does that opens it for writing.",
	.options = options,
	.examples = "  vhdtool log disk.vhdx\n"
		    "  vhdtool log --json disk.vhdx | jq .verdict\n"
		    "  vhdtool log --replay disk.vhdx",
	.exits = "  0  shown, or the log is clean now\n"
		 "  1  not readable, no VHDX, or not replayed\n"
		 "  2  wrong usage",
	.run = run,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool mount: runs vhdfuse. With --fs it is mounted on a folder of its own
 * first, and the file system inside a partition, through a loop device, on DIR.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "format.h"
#include "fusemount.h"
#include "helper.h"
#include "open.h"

#define NO_FS UINT_MAX

static struct {
	struct open_options open;
	bool read_only;
	bool overlay;
	const char *keep;
	unsigned fs;
	const char *mount_options;
	bool json_status;
	bool foreground;
} opt = {.fs = NO_FS};

static const struct tool_option options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "read-only",
	 .letter = 'r',
	 .kind = OPTION_FLAG,
	 .target = &opt.read_only,
	 .help = "not a byte of any file is changed"},
	{.name = "overlay",
	 .kind = OPTION_FLAG,
	 .target = &opt.overlay,
	 .help = "writes go to a temporary differencing child"},
	{.name = "keep",
	 .kind = OPTION_TEXT,
	 .target = &opt.keep,
	 .argument = "CHILD",
	 .help = "with --overlay: to this child, which stays"},
	{.name = "fs",
	 .kind = OPTION_COUNT,
	 .target = &opt.fs,
	 .argument = "N",
	 .help = "as root: mount the file system of partition N,\n"
		 "0: of a disk without partitions, on DIR"},
	{.name = "options",
	 .letter = 'o',
	 .kind = OPTION_TEXT,
	 .target = &opt.mount_options,
	 .argument = "LIST",
	 .help = "mount options: allow_other, ...; with --fs:\n"
		 "those of the file system"},
	{.name = "json-status",
	 .kind = OPTION_FLAG,
	 .target = &opt.json_status,
	 .help = "a line of JSON when it is mounted"},
	{.name = "foreground",
	 .kind = OPTION_FLAG,
	 .target = &opt.foreground,
	 .help = "return only when it is unmounted"},
	OPEN_CHILDREN_OPTION(opt.open),
	OPEN_PARENT_OPTIONS(opt.open),
	{0},
};

static void add_joined(struct helper_arguments *a, const char *name,
		       const char *value)
{
	char *text;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		abort();
	helper_add(a, text); /* kept: this process ends soon */
}

/* "-" in front of a path would make an option of it */
static const char *plain(const char *path)
{
	char *text;

	if (path[0] != '-')
		return path;
	if (asprintf(&text, "./%s", path) < 0)
		abort();
	return text;
}

static void add_flags(struct helper_arguments *a)
{
	if (opt.read_only)
		helper_add(a, "--read-only");
	if (opt.overlay)
		helper_add(a, "--overlay");
	if (opt.foreground)
		helper_add(a, "-f");
	if (opt.json_status)
		helper_add(a, "--json-status");
	if (opt.open.ignore_id)
		helper_add(a, "--ignore-id-mismatch");
	if (opt.open.ignore_children)
		helper_add(a, "--ignore-children");
	if (opt.open.force_share)
		helper_add(a, "--force-share");
}

static void set_arguments(struct helper_arguments *a, const char *image,
			  const char *folder)
{
	helper_add(a, "vhdfuse");
	add_flags(a);
	if (opt.open.format)
		add_joined(a, "--format", format_name(opt.open.format));
	if (opt.open.parent)
		add_joined(a, "--parent", opt.open.parent);
	for (size_t i = 0; i < opt.open.parent_roots.count; i++)
		add_joined(a, "--parent-root", opt.open.parent_roots.items[i]);
	if (opt.keep)
		add_joined(a, "--keep", opt.keep);
	if (opt.mount_options && opt.fs == NO_FS)
		helper_add_value(a, "-o", opt.mount_options);
	helper_add(a, plain(image));
	helper_add(a, plain(folder));
}

static int run_vhdfuse(const char *image, const char *folder)
{
	struct helper_arguments a = {0};
	char *program = helper_find("vhdfuse", "VHD_FUSE");
	int rc;

	if (!program) {
		diag_error(image,
			   "cannot be mounted: vhdfuse is not installed");
		diag_hint("it belongs beside vhdtool, and is built if libfuse3 "
			  "is there");
		return TOOL_FAILED;
	}
	set_arguments(&a, image, folder);
	rc = helper_run(program, &a);
	if (rc < 0)
		rc = diag_error(program, "%s", strerror(errno));
	free(a.items);
	free(program);
	return rc;
}

/* the file system in a partition, through a loop device that goes with it */
static int mount_inside(const char *hidden, const char *folder)
{
	struct helper_arguments a = {0};
	char file[PATH_MAX + 32], list[1024];
	int rc;

	if (opt.fs)
		snprintf(file, sizeof(file), "%s/partitions/%u", hidden,
			 opt.fs);
	else
		snprintf(file, sizeof(file), "%s/disk", hidden);
	if (access(file, F_OK)) {
		diag_error(folder, "the disk has no partition %u", opt.fs);
		diag_hint("--fs 0 is a disk without partitions");
		return TOOL_FAILED;
	}
	snprintf(list, sizeof(list), "loop%s%s%s", opt.read_only ? ",ro" : "",
		 opt.mount_options ? "," : "",
		 opt.mount_options ? opt.mount_options : "");
	helper_add_value(&a, "mount", "-o");
	helper_add(&a, list);
	helper_add_value(&a, file, plain(folder));
	rc = helper_run("mount", &a);
	free(a.items);
	if (rc < 0)
		return diag_error(folder, "mount cannot be run: %s",
				  strerror(errno));
	return rc ? TOOL_FAILED : TOOL_DONE; /* mount has said why */
}

static int mount_fs(const char *image, const char *folder)
{
	char hidden[] = FUSEMOUNT_FOLDER "/XXXXXX";
	int rc;

	if (geteuid() != 0)
		return diag_error(folder, "--fs needs a loop device and mount, "
					  "which only root may use");
	if ((mkdir(FUSEMOUNT_FOLDER, 0755) && errno != EEXIST) ||
	    !mkdtemp(hidden))
		return diag_error(FUSEMOUNT_FOLDER, "%s", strerror(errno));
	rc = run_vhdfuse(image, hidden);
	if (!rc) {
		rc = mount_inside(hidden, folder);
		if (rc)
			fusemount_end(hidden, true);
	}
	if (rc)
		rmdir(hidden);
	return rc;
}

static int check_usage(void)
{
	if (opt.keep && !opt.overlay)
		return diag_usage("mount: --keep belongs to --overlay");
	if (opt.overlay && opt.read_only)
		return diag_usage("mount: --overlay takes writes, --read-only "
				  "does not");
	if (opt.foreground && opt.fs != NO_FS)
		return diag_usage("mount: --fs goes into the background");
	return TOOL_DONE;
}

static int run(const char *const *arguments)
{
	int rc = check_usage();

	if (rc)
		return rc;
	return opt.fs == NO_FS ? run_vhdfuse(arguments[0], arguments[1])
			       : mount_fs(arguments[0], arguments[1]);
}

const struct command mount_command = {
	.name = "mount",
	.arguments = "PATH DIR",
	.argument_count = 2,
	.summary = "show a disk, its partitions and layers as files",
	.description =
		"Mounts the image on DIR, where the file disk is the whole "
		"disk, partitions/N its partitions, layers/N the disk as each "
		"layer of its chain shows it, and info.json what is known of "
		"it. No rights are needed for that. With --fs, root mounts the "
		"file system inside on DIR instead. vhdtool umount undoes "
		"both.",
	.options = options,
	.examples = "  vhdtool mount disk.vhdx /mnt/disk\n"
		    "  vhdtool mount --read-only evidence.vhd /mnt/evidence\n"
		    "  vhdtool mount --overlay golden.vhdx /mnt/try\n"
		    "  vhdtool mount --fs 1 disk.vhdx /mnt/root",
	.exits = "  0  mounted\n  1  not: not readable, in use, no FUSE here\n"
		 "  2  wrong usage",
	.run = run,
};

/* SPDX-License-Identifier: BSD-2-Clause */
/* vhd-attach boot: all that an initramfs has to do, from vhdroot= to a disk. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach.h"
#include "command.h"
#include "commands.h"
#include "diag.h"
#include "exitroot.h"
#include "memory.h"
#include "overlay.h"
#include "settings.h"
#include "umount.h"
#include "volume.h"

static struct {
	bool no_exit;
} opt;

static const struct tool_option options[] = {
	{.name = "no-exit",
	 .kind = OPTION_FLAG,
	 .target = &opt.no_exit,
	 .help = "make no exit environment: somebody else does"},
	{0},
};

/* parents may lie anywhere on the volume */
static const char *const host[] = {VOLUME_HOST};

static char *on_host(const char *path)
{
	char *full;

	return asprintf(&full, "%s%s", VOLUME_HOST, path) < 0 ? tool_must(NULL)
							      : full;
}

/* A child between the writes and the image, which becomes its parent. */
static int put_overlay(const struct settings *s, const char *image,
		       struct attach_options *attach, char **leaf)
{
	int rc;

	if (strcmp(s->overlay, "tmp") == 0) {
		rc = overlay_make_temporary(image, &attach->open, leaf);
	} else {
		*leaf = on_host(s->overlay);
		rc = overlay_make(image, &attach->open, *leaf);
	}
	attach->open.parent = image;
	if (attach->mode == ATTACH_AUTO)
		attach->mode = ATTACH_NBD;
	return rc;
}

static int attach(const struct settings *s, const char *image,
		  char name[DEVICE_NAME])
{
	struct attach_options attach = {
		.mode = s->mode,
		.root = true,
		.open.parent_roots = {.items = tool_must(malloc(sizeof(host))),
				      .count = 1},
	};
	char *leaf = NULL;
	int rc = volume_check_file(image);

	attach.open.parent_roots.items[0] = host[0];
	if (!rc && s->overlay[0])
		rc = put_overlay(s, image, &attach, &leaf);
	if (!rc)
		rc = attach_image(leaf ? leaf : image, &attach, name);
	free(attach.open.parent_roots.items);
	free(leaf);
	return rc;
}

/* -- names that do not depend on the kind of device --------------------------
 */

static int link_partition(void *ctx, unsigned n)
{
	const char *name = ctx;
	char target[64], path[64];

	snprintf(target, sizeof(target), "%sp%u", name, n);
	snprintf(path, sizeof(path), "/dev/vhdroot%u", n);
	unlink(path);
	return symlink(target, path);
}

static void link_names(char *name)
{
	unlink("/dev/vhdroot");
	if (symlink(name, "/dev/vhdroot") ||
	    device_partitions(name, link_partition, name))
		diag_warning("/dev/vhdroot", "%s", strerror(errno));
}

/* -- all of it ---------------------------------------------------------------
 */

static bool needs_no_write(const struct settings *s)
{
	return s->mode == ATTACH_DM || strcmp(s->overlay, "tmp") == 0;
}

static int start(const struct settings *s, char name[DEVICE_NAME])
{
	char *device, *image = on_host(s->root.path);
	int rc = volume_find(&s->root, s->timeout, &device);

	if (!rc) {
		rc = volume_mount(device, s->flags, needs_no_write(s));
		free(device);
	}
	if (!rc) {
		rc = attach(s, image, name);
		if (!rc && !opt.no_exit)
			rc = exitroot_make();
		if (rc)
			umount_below(VOLUME_FOLDER);
	}
	free(image);
	return rc;
}

static int run(const char *const *arguments)
{
	static struct settings settings;
	char name[DEVICE_NAME];
	int rc = settings_read(&settings);

	(void)arguments;
	if (rc == TOOL_NO)
		return TOOL_DONE; /* this machine boots from something else */
	if (!rc)
		rc = start(&settings, name);
	if (rc)
		return rc;
	link_names(name);
	printf("/dev/%s\n", name);
	return TOOL_DONE;
}

const struct command boot_command = {
	.name = "boot",
	.arguments = "",
	.argument_count = 0,
	.summary = "in an initramfs: attach what vhdroot= names",
	.description =
		"Reads vhdroot=VOLUME:/path from the kernel's command line, or "
		"the EFI variable that a loader has left, waits for the "
		"volume, mounts it on " VOLUME_HOST ", attaches the image and "
		"makes an exit environment. Prints the device's name, or "
		"nothing if no image is named. /dev/vhdroot and /dev/vhdrootN "
		"are links to the disk and its partitions.",
	.options = options,
	.examples = "  vhd-attach boot",
	.exits = "  0  attached, or no image is named\n  1  not\n"
		 "  2  wrong usage",
	.run = run,
};

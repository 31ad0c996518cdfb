/* SPDX-License-Identifier: BSD-2-Clause */
/* vhd-attach attach and detach: what vhdtool's commands of that name run. */
#include <stdio.h>

#include "attach.h"
#include "command.h"
#include "commands.h"

static struct attach_options opt;
static int mode;

static const struct tool_option attach_options[] = {
	ATTACH_OPTIONS(opt),
	{.name = "mode",
	 .kind = OPTION_CHOICE,
	 .target = &mode,
	 .argument = "MODE",
	 .choices = attach_mode_names,
	 .help = "auto (default), loop, nbd, ublk or dm"},
	{0},
};

static int run_attach(const char *const *arguments)
{
	char name[DEVICE_NAME];
	int rc;

	opt.mode = (enum attach_mode)mode;
	rc = attach_image(arguments[0], &opt, name);
	if (!rc)
		printf("/dev/%s\n", name);
	return rc;
}

const struct command attach_command = {
	.name = "attach",
	.arguments = "IMAGE",
	.argument_count = 1,
	.summary = "make a block device of an image",
	.description = "Attaches the image and prints the device's name. A "
		       "fixed VHD becomes a loop device, all others are served "
		       "by a process of this program to the kernel's NBD "
		       "client, or with --mode ublk to its ublk driver.",
	.options = attach_options,
	.examples = "  vhd-attach attach disk.vhdx",
	.exits = "  0  attached\n  1  not\n  2  wrong usage",
	.run = run_attach,
};

static const struct tool_option detach_options[] = {{0}};

static int run_detach(const char *const *arguments)
{
	return attach_undo(arguments[0]);
}

const struct command detach_command = {
	.name = "detach",
	.arguments = "DEVICE",
	.argument_count = 1,
	.summary = "undo attach",
	.description = "Detaches the device and returns when the image is "
		       "closed and everything written is durable.",
	.options = detach_options,
	.examples = "  vhd-attach detach /dev/nbd0",
	.exits = "  0  detached\n  1  not: in use, none of ours\n"
		 "  2  wrong usage",
	.run = run_detach,
};

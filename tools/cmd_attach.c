/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool attach and detach: run vhd-attach, which needs nothing but the kernel
 * and so is the same program in an initramfs. What is wrong with the image it
 * says.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "diag.h"
#include "helper.h"
#include "open.h"

static struct {
	struct open_options open;
	bool read_only;
	const char *mode;
} opt;

/* vhd-attach, which knows them, judges */
static const char *const modes[] = {"auto", "loop", "nbd", "ublk", "dm", NULL};

static const struct tool_option attach_options[] = {
	OPEN_FORMAT_OPTION(opt.open),
	{.name = "read-only",
	 .letter = 'r',
	 .kind = OPTION_FLAG,
	 .target = &opt.read_only,
	 .help = "not a byte of any file is changed"},
	{.name = "mode",
	 .kind = OPTION_TEXT,
	 .target = &opt.mode,
	 .argument = "MODE",
	 .choices = modes,
	 .help = "auto (default); loop, nbd, ublk; dm: read-only,\n"
		 "by the kernel alone"},
	OPEN_CHILDREN_OPTION(opt.open),
	OPEN_CHAIN_OPTIONS(opt.open),
	{0},
};

static int run_helper(const char *what, const struct helper_arguments *a)
{
	char *program = helper_find("vhd-attach", "VHD_ATTACH");
	int rc;

	if (!program) {
		diag_error(what, "vhd-attach is not installed");
		diag_hint("it belongs beside vhdtool, and is built if a static "
			  "libblkid is there");
		return TOOL_FAILED;
	}
	rc = helper_run(program, a);
	if (rc < 0)
		rc = diag_error(program, "%s", strerror(errno));
	free(program);
	return rc;
}

static int need_root(const char *what)
{
	return geteuid() == 0 ? TOOL_DONE
			      : diag_error(what, "only root may have block "
						 "devices made or taken away");
}

static void set_arguments(struct helper_arguments *a, const char *image)
{
	helper_add_value(a, "vhd-attach", "attach");
	if (opt.read_only)
		helper_add(a, "--read-only");
	if (opt.mode)
		helper_add_value(a, "--mode", opt.mode);
	open_add_arguments(a, &opt.open);
	helper_add_value(a, "--", image);
}

static int run_attach(const char *const *arguments)
{
	struct helper_arguments a = {0};
	int rc = need_root(arguments[0]);

	if (rc)
		return rc;
	set_arguments(&a, arguments[0]);
	rc = run_helper(arguments[0], &a);
	free(a.items);
	return rc;
}

const struct command attach_command = {
	.name = "attach",
	.arguments = "PATH",
	.argument_count = 1,
	.summary = "make a block device of an image, as root",
	.description =
		"Makes a block device with the image's content and its "
		"partitions, and prints its name. A fixed VHD becomes a loop "
		"device; all others are served by a process in the background "
		"to the kernel's NBD client, or to its ublk driver if that is "
		"wanted. The image is locked until detach. "
		"A process that is asked to end (by a signal, at shutdown) "
		"does so when nothing is mounted from the device.",
	.options = attach_options,
	.examples = "  vhdtool attach disk.vhdx\n"
		    "  vhdtool attach --read-only evidence.vhd",
	.exits = "  0  attached\n"
		 "  1  not: not readable, in use, not root, no driver in this "
		 "kernel\n"
		 "  2  wrong usage",
	.run = run_attach,
};

static const struct tool_option detach_options[] = {{0}};

static int run_detach(const char *const *arguments)
{
	struct helper_arguments a = {0};
	int rc = need_root(arguments[0]);

	if (rc)
		return rc;
	helper_add_value(&a, "vhd-attach", "detach");
	helper_add_value(&a, "--", arguments[0]);
	rc = run_helper(arguments[0], &a);
	free(a.items);
	return rc;
}

const struct command detach_command = {
	.name = "detach",
	.arguments = "DEVICE",
	.argument_count = 1,
	.summary = "undo attach",
	.description = "Takes the device away and returns when the image is "
		       "closed and everything written is durable.",
	.options = detach_options,
	.examples = "  vhdtool detach /dev/nbd0\n"
		    "  vhdtool detach /dev/loop3",
	.exits = "  0  detached\n"
		 "  1  not: in use, or no device that attach has made; or the "
		 "image could\n     not be closed\n"
		 "  2  wrong usage",
	.run = run_detach,
};

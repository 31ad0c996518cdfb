/* SPDX-License-Identifier: BSD-2-Clause */
/* vhd-attach release and shutdown: the way out of a root in an image. */
#include <errno.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>

#include "command.h"
#include "commands.h"
#include "diag.h"
#include "exitroot.h"

static const struct tool_option options[] = {{0}};

static const struct action {
	const char *name;
	unsigned how;
} actions[] = {
	{"poweroff", LINUX_REBOOT_CMD_POWER_OFF},
	{"reboot", LINUX_REBOOT_CMD_RESTART},
	{"halt", LINUX_REBOOT_CMD_HALT},
	{"kexec", LINUX_REBOOT_CMD_KEXEC},
};

static int run_release(const char *const *arguments)
{
	(void)arguments;
	return exitroot_release();
}

const struct command release_command = {
	.name = "release",
	.arguments = "",
	.argument_count = 0,
	.summary = "detach all, unmount what the images lie on",
	.description = "Unmounts everything below /oldroot, detaches all "
		       "devices and unmounts what their images lie on: for the "
		       "exit environments of others.",
	.options = options,
	.examples = "  vhd-attach release",
	.exits = "  0  nothing is left\n  1  something is\n  2  wrong usage",
	.run = run_release,
};

/* Without a word that is known the machine goes off: it is at its end. */
static unsigned how_to_end(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (strcmp(name, actions[i].name) == 0)
			return actions[i].how;
	return LINUX_REBOOT_CMD_POWER_OFF;
}

static int run_shutdown(const char *const *arguments)
{
	int rc = exitroot_release();

	fprintf(stderr, "%s: %s\n", diag_program,
		rc ? "not all could be closed" : "all images are closed");
	reboot((int)how_to_end(arguments[0]));
	if (strcmp(arguments[0], "kexec") == 0) /* no kernel was loaded */
		reboot((int)LINUX_REBOOT_CMD_RESTART);
	return diag_error(arguments[0], "%s", strerror(errno));
}

const struct command shutdown_command = {
	.name = "shutdown",
	.arguments = "ACTION",
	.argument_count = 1,
	.summary = "release, then poweroff, reboot, halt or kexec",
	.description = "What " EXITROOT "/shutdown does.",
	.options = options,
	.examples = "  vhd-attach shutdown poweroff",
	.exits = "  1  the machine does not end\n  2  wrong usage",
	.run = run_shutdown,
};

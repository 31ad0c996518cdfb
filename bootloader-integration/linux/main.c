/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhd-attach: gives the kernel a disk from an image. Static, so that it runs in
 * an initramfs and in an exit environment; there, under the name `shutdown`,
 * its arguments are those of systemd: the action, and what is of no interest.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvhd.h>

#include "commands.h"
#include "diag.h"
#include "help.h"
#include "output.h"

static const struct command *const commands[] = {
	&boot_command,    &attach_command,   &detach_command,
	&release_command, &shutdown_command, &serve_command,
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int usage(FILE *out)
{
	fprintf(out, "Usage: vhd-attach COMMAND [OPTIONS] ARGS\n\n"
		     "Gives the kernel a disk from a VHD or VHDX image.\n\n"
		     "Commands:\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name,
			commands[i]->summary);
	return out == stderr ? TOOL_USAGE : TOOL_DONE;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct option_result result;
	int rc = options_parse(command, argc, argv, &result);

	if (rc)
		return rc;
	if (result.help)
		help_command(command);
	else
		rc = command->run(result.arguments);
	free(result.arguments);
	return !rc && output_finish() ? TOOL_FAILED : rc;
}

static int run_as_shutdown(int argc, char **argv)
{
	const char *const arguments[] = {argc > 1 ? argv[1] : "poweroff", NULL};

	return shutdown_command.run(arguments);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
	const struct command *command;

	diag_program = "vhd-attach";
	/* the kernel's log takes a line a write */
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	if (argc > 0 && strcmp(base_name(argv[0]), "shutdown") == 0)
		return run_as_shutdown(argc, argv);
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--version") == 0)
		return printf("vhd-attach %s\n", vhd_version()) < 0;
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
		return usage(stdout);
	command = find(argv[1]);
	if (!command) {
		diag_usage("unknown command %s", argv[1]);
		return usage(stderr);
	}
	return run(command, argc - 2, argv + 2);
}

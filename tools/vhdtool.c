/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhdtool: what its commands have in common. Each is a file of its own,
 * cmd_NAME.c; commands.c lists them.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvhd.h>

#include "command.h"
#include "diag.h"
#include "help.h"
#include "output.h"

static const struct command *find(const char *name)
{
	for (size_t i = 0; vhdtool_commands[i]; i++) {
		if (strcmp(vhdtool_commands[i]->name, name) == 0)
			return vhdtool_commands[i];
	}
	return NULL;
}

static int unknown(const char *name)
{
	diag_usage("unknown %s %s", name[0] == '-' ? "option" : "command",
		   name);
	diag_hint("vhdtool --help lists the commands");
	return TOOL_USAGE;
}

/* Output that could not be written spoils whatever the command achieved. */
static int finish(int rc)
{
	if (rc == TOOL_FAILED || rc == TOOL_USAGE)
		return rc;
	return output_finish() ? TOOL_FAILED : rc;
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
	return finish(rc);
}

/* "help" and "help COMMAND" are what people try first. */
static int help(int argc, char **argv)
{
	const struct command *command = argc > 0 ? find(argv[0]) : NULL;

	if (argc > 0 && !command)
		return unknown(argv[0]);
	if (command)
		help_command(command);
	else
		help_all(vhdtool_commands);
	return finish(TOOL_DONE);
}

int main(int argc, char **argv)
{
	const struct command *command;

	/* a reader that goes away is an error of write(), not a death */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		help_usage(vhdtool_commands);
		return TOOL_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("vhdtool %s\n", vhd_version());
		return finish(TOOL_DONE);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0)
		return help(argc - 2, argv + 2);
	command = find(argv[1]);
	if (!command)
		return unknown(argv[1]);
	return run(command, argc - 2, argv + 2);
}

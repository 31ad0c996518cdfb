/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a command of vhdtool is: its place in the help, its options, and the
 * function that does the work. Each cmd_*.c defines one; commands.c lists them.
 */
#ifndef TOOLS_COMMAND_H
#define TOOLS_COMMAND_H

#include "options.h"

/* What the shell gets to see; part of the command-line contract. */
enum tool_exit {
	TOOL_DONE = 0,
	TOOL_FAILED = 1, /* I/O, corrupt, refused, not found, no space */
	TOOL_USAGE = 2,  /* wrong usage */
	TOOL_NO = 3,     /* the work is done and the answer is "no" */
	TOOL_LEAKED = 4, /* check: nothing wrong, but space is lost */
};

/* argument_count: the caller looks at them itself */
#define COMMAND_ANY_COUNT SIZE_MAX

struct command {
	const char *name;                  /* NULL: there is just one */
	const char *arguments;             /* "SRC DST" */
	size_t argument_count;             /* exactly so many */
	const char *summary;               /* one line */
	const char *description;           /* paragraphs, already wrapped */
	const char *examples;              /* lines, indented by two */
	const char *exits;                 /* one line each, indented by two */
	const struct tool_option *options; /* ends with a NULL name */
	/* returns an enum tool_exit */
	int (*run)(const char *const *arguments);
};

extern const struct command attach_command;
extern const struct command boot_check_command;
extern const struct command boot_install_command;
extern const struct command chain_command;
extern const struct command check_command;
extern const struct command compact_command;
extern const struct command compare_command;
extern const struct command convert_command;
extern const struct command create_command;
extern const struct command detach_command;
extern const struct command discard_command;
extern const struct command dump_command;
extern const struct command hash_command;
extern const struct command info_command;
extern const struct command log_command;
extern const struct command map_command;
extern const struct command measure_command;
extern const struct command mount_command;
extern const struct command read_command;
extern const struct command resize_command;
extern const struct command merge_command;
extern const struct command read_command;
extern const struct command rebase_command;
extern const struct command serve_command;
extern const struct command snapshot_command;
extern const struct command trim_command;
extern const struct command write_command;
extern const struct command set_command;
extern const struct command umount_command;
extern const struct command zero_command;

/* all of these; ends with NULL */
extern const struct command *const vhdtool_commands[];

#endif

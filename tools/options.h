/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one option parser. A command describes its options in a table; parsing
 * fills the variables the table points to. Options may stand before or after
 * the arguments; "--" ends them; a value follows as `--name VALUE`,
 * `--name=VALUE`, `-n VALUE` or `-nVALUE`. A word such as -1G is an argument.
 */
#ifndef TOOLS_OPTIONS_H
#define TOOLS_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct command;

enum option_kind {
	OPTION_FLAG,   /* bool */
	OPTION_TEXT,   /* const char * */
	OPTION_MAYBE,  /* const char *: "" for --name, "x" for --name=x */
	OPTION_SIZE,   /* struct option_size */
	OPTION_COUNT,  /* unsigned */
	OPTION_FORMAT, /* int, enum vhd_format */
	OPTION_CHOICE, /* int, index in choices */
	OPTION_LIST,   /* struct option_list: repeatable */
	OPTION_LEVEL,  /* int: 1 for --name, 2 + index for --name=CHOICE; a
			  value must be attached */
};

struct option_size {
	bool given;
	uint64_t bytes;
};

/* Texts belong to argv, the array to the list (for the program's life). */
struct option_list {
	const char **items;
	size_t count;
};

struct tool_option {
	const char *name; /* without dashes */
	char letter;      /* 0: none */
	enum option_kind kind;
	void *target;         /* of the type that belongs to kind */
	const char *argument; /* "FILE", NULL for a flag */
	const char *help;     /* may have several lines */
	/* ends with NULL. CHOICE, LEVEL: all there are; else what a shell
	 * offers, and nothing more */
	const char *const *choices;
};

/* What is left of the command line. */
struct option_result {
	const char **arguments; /* owned; free() */
	size_t count;
	bool help;
};

/* Appends to a list. Never fails: out of memory ends the program. */
void option_list_add(struct option_list *list, const char *item);

/*
 * Parses what follows the command's name. Returns TOOL_DONE, or TOOL_USAGE
 * with the mistake printed.
 */
int options_parse(const struct command *command, int argc, char **argv,
		  struct option_result *out);

#endif
